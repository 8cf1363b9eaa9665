"""May a run stand on the leaderboard? Every reason against it, after everything in it was graded again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.checked_records import checked_records
from harness.records import ProblemRecord
from harness.run_folder import RunRecord
from harness.run_inputs import chosen_problems
from harness.run_summary import RunSummary
from leaderboard.regrade import Regrade, regrade
from leaderboard.sessions import read_run
from leaderboard.standing import reasons_against
from leaderboard.training_data import contamination
from tasks.catalog import load_task, task_names
from tasks.types import InputError, Task

_SHOWN_HASH = 12


@dataclass(frozen=True, slots=True)
class Admission:
    """The verdict on one run."""

    folder: Path
    reasons: tuple[str, ...]
    """Empty for a run that is admitted."""
    regrade: Regrade | None
    """None where its records could not be graded again."""

    @property
    def is_admitted(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def admit(folder: Path, train_data: Sequence[str] = ()) -> Admission:
    """Judge the run in `folder`; `train_data` names pools to check beside those that it states.

    Files that are damaged are reasons. Raises InputError only for a pool of `train_data` that cannot be read.
    """
    for pool in train_data:
        _check_pool(pool)
    try:
        record = read_run(folder)
        records = [each for _, each in checked_records(folder, record)]
    except InputError as error:
        return Admission(folder, (f"unreadable: {error}",), None)
    summary = RunSummary(folder, record)
    for each in records:
        summary.add(each)
    reasons = reasons_against(summary)
    task, trouble = _task(record)
    reasons += trouble
    if task is None:
        return Admission(folder, tuple(reasons), None)
    missing = list(_other_problems(record, records, task))
    found = None if missing else regrade(records, record.spec, task.answers)
    reasons += missing
    if found:
        reasons += found.reasons()
    try:
        reasons += contamination(folder, record.spec, task, train_data)
    except InputError as error:
        reasons.append(f"training data cannot be checked: {error}")
    return Admission(folder, tuple(reasons), found)


def _task(record: RunRecord) -> tuple[Task | None, list[str]]:
    """The task as it is here, and in what it is not the one of the run."""
    name = record.spec.task
    if name not in task_names():
        return None, [f"task {name} is nobody's benchmark: only those that 'rstar tasks' lists can be admitted"]
    try:
        task = load_task(name, "eval")
    except InputError as error:
        return None, [f"cannot be graded again: {error}"]
    reasons = []
    ours, theirs = task.source.sha256, record.inputs.task_sha256
    if ours != theirs:
        reasons.append(f"wrong data: {name} has SHA-256 {ours[:_SHOWN_HASH]} here, {theirs[:_SHOWN_HASH]} in the run")
    if task.version != record.inputs.task_version:
        reasons.append(f"wrong data: {name} is of version {task.version} here, {record.inputs.task_version} in the run")
    if len(task.problems) != record.num_task_problems or task.name != record.task_name:
        reasons.append(f"wrong data: {name} has {len(task.problems):,} problems, not {record.num_task_problems:,}")
    return task, reasons


def _other_problems(record: RunRecord, records: Sequence[ProblemRecord], task: Task) -> Iterator[str]:
    """A run solves the problems that its limit gives, no others and no choice of them."""
    wanted = {problem.id for problem in chosen_problems(task, record.spec.limit)}
    if len(wanted) != record.num_problems:
        yield f"wrong problems: the run counts {record.num_problems:,}, its limit gives {len(wanted):,}"
    others = sorted({each.problem_id for each in records} - wanted)
    if others:
        yield f"wrong problems: {len(others):,} are not among those that its limit gives, first {others[0]}"


def _check_pool(pool: str) -> None:
    if not Path(pool).is_file() and pool not in task_names() and not pool.startswith("user:"):
        raise InputError(f"--train-data {pool}: is no file and no pool of 'rstar tasks'")
