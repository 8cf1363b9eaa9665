"""The records of a run, each one checked against the run's spec before anything is computed from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.record_file import read_records
from harness.records import COUNTERS, SECONDS, ProblemRecord
from harness.run_folder import RECORDS, RunRecord
from tasks.types import InputError


def checked_records(folder: Path, run: RunRecord) -> Iterator[tuple[int, ProblemRecord]]:
    """(line number, record) of every record in `folder`, one at a time, in the order in which they were written.

    Raises InputError, naming the line, for a damaged record, for one that does not fit the run's rules and budgets or
    itself, and for more records than the run has problems and seeds.
    """
    path = folder / RECORDS
    # A torn last line is left out by `read_records`, and no line before it is skipped: the count is the line.
    for number, record in enumerate(read_records(path), 1):
        if number > run.num_records:
            raise InputError(f"{path}: holds more records than the run has problems; restore the file")
        trouble = _trouble(record, run)
        if trouble:
            raise InputError(
                f"{path}, line {number}: is broken: {trouble}; restore the file, or delete this line and resume: that "
                "problem is then solved again"
            )
        yield number, record


def _trouble(record: ProblemRecord, run: RunRecord) -> str:
    """What is wrong with a record; empty where nothing is."""
    if record.error:
        return ""
    if record.seed not in run.spec.seeds:
        return f"its seed {record.seed} is none of the run's"
    size = len(record.answer_of)
    if not 1 <= size <= max(record.budget, run.spec.budgets[-1]):
        return f"it has {size} trajectories"
    usage = record.usage or {}
    columns: dict[str, Sequence[object]] = {"values": record.values, "endings": record.endings}
    columns |= {f"usage.{name}": usage.get(name, ()) for name in COUNTERS}
    columns |= {f"timing.{name}": getattr(record.timing, name) for name in SECONDS}
    for name, column in columns.items():
        if len(column) != size:
            return f"{name} has {len(column)} entries, for {size} trajectories"
    if not all(map(math.isfinite, record.values)):
        return "a value is not finite"
    if not all(position is None or 0 <= position < len(record.answers) for position in record.answer_of):
        return "answer_of points to no answer"
    return _choices(record, run)


def _choices(record: ProblemRecord, run: RunRecord) -> str:
    chosen = record.chosen or {}
    if set(chosen) != set(run.spec.rules):
        return f"it was recorded by the rules {', '.join(chosen) or 'none'}, the run has {', '.join(run.spec.rules)}"
    first: dict[int | None, int] = {}
    for number, position in enumerate(record.answer_of):
        first.setdefault(position, number)
    for rule, positions in chosen.items():
        if len(positions) != len(run.spec.budgets):
            return f"rule {rule} chose at {len(positions)} budgets, the run has {len(run.spec.budgets)}"
        for position, budget in zip(positions, run.spec.budgets, strict=True):
            if position is not None and position not in first:
                return f"rule {rule} chose an answer that no trajectory has"
            if position is not None and first[position] >= budget:
                return f"rule {rule} chose an answer at {budget} that was found later"
    return ""
