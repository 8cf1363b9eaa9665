"""Run folders for comparisons: which problems are right with which seed is all that a test states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from handmade_runs import End, failed, record_of, right, spec_of, write_run, wrong

from harness.records import encode
from harness.run_folder import RECORDS, RunRecord
from harness.run_inputs import RunInputs

Bits = Sequence[int] | Sequence[Sequence[int]]
"""Per problem: right (1), wrong (0), no answer (2) or engine failure (3); or one such number for each seed."""


def make(
    folder: Path,
    bits: Bits,
    *,
    seeds: Sequence[int] = (0,),
    task: str = "sums",
    ids: Sequence[str] | None = None,
    num_problems: int | None = None,
    inputs: dict[str, str] | None = None,
    **changes: Any,
) -> Path:
    """The folder of a run of `task` in which every trajectory of a problem and seed ends alike."""
    spec = spec_of(seeds=list(seeds), **({"budgets": (1, 2)} | changes))
    records = []
    for place, seed in enumerate(seeds):
        for number, found in enumerate(bits):
            name = ids[number] if ids else f"{task}/p{number}"
            bit = found if isinstance(found, int) else found[place]
            ends = [_END[bit]] * spec.budgets[-1] if bit in _END else []
            records.append(record_of(spec, name, ends, seed) if ends else failed(name, seed))
    write_run(folder, spec, [], len(bits) if num_problems is None else num_problems)
    # At once, where a run waits for the disk after each record.
    (folder / RECORDS).write_bytes(b"".join(map(encode, records)))
    run = RunRecord.read(folder)
    known = {name: getattr(run.inputs, name) for name in RunInputs.__slots__}
    replace(run, inputs=RunInputs(**(known | (inputs or {}))), task_name=task).write(folder)
    return folder


_END = {0: wrong(answer="13"), 1: right(answer="12"), 2: End(ending="truncated")}
