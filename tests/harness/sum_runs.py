"""Small runs over sums with the scripted engine of `noisy_source.py`, for the tests of the harness."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness.cli import COMMANDS, Command, main
from harness.record_file import read_records
from harness.records import ProblemRecord
from harness.run import Options, Plan, plan_run, run
from harness.run_folder import JOURNALS, RECORDS
from harness.spec import RunSpec
from harness.spec_fields import make_spec

SOURCE = Path(__file__).with_name("noisy_source.py")
for _name in ("run", "resume", "report", "demo"):
    COMMANDS.setdefault(_name, Command(f"harness.cli_{_name}", _name, ""))


def write_task(path: Path, num_problems: int, order_seed: int | None = None) -> Path:
    """A task file of sums; the problems are the same whatever their order."""
    rng = random.Random(0)
    rows = []
    for number in range(num_problems):
        numbers = [rng.randrange(2, 99) for _ in range(4)]
        question = f"What is {' + '.join(map(str, numbers))}?"
        rows.append({"id": f"p{number}", "question": question, "answer": str(sum(numbers))})
    if order_seed is not None:
        random.Random(order_seed).shuffle(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def fields(task: Path, **changes: Any) -> dict[str, Any]:
    """The fields of a small run over `task`."""
    return {
        "task": f"user:{task}",
        "engine": "scripted",
        "policy": str(SOURCE),
        "interpreter": "arithmetic",
        "preset": "tiny",
        "budgets": [1, 2, 4],
        **changes,
    }


def spec(task: Path, **changes: Any) -> RunSpec:
    """The spec of a small run over `task`."""
    return make_spec(fields(task, **changes))


def solved(task: Path, out: Path, concurrency: int = 8, **changes: Any) -> Plan:
    """A small run, done."""
    plan = plan_run(spec(task, **changes), out)
    assert run(plan, Options(concurrency)).status == "complete"
    return plan


def records(folder: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """All of a run's records but their clocks, by problem and seed."""
    return {record.key: timeless(record) for record in read_records(folder / RECORDS)}


def timeless(record: ProblemRecord) -> dict[str, Any]:
    """All of a record but its clocks."""
    content = asdict(record)
    del content["timing"]
    return content


def trees(folder: Path) -> dict[str, dict[str, Any]]:
    """Every reply that the searches got, by journal and request, without the moments at which they came."""
    found = {}
    for path in sorted((folder / JOURNALS).iterdir()):
        assert path.suffix == ".gz", f"{path} was left behind"
        lines = gzip.decompress(path.read_bytes()).splitlines()
        entries = [json.loads(line[9:]) for line in lines]
        found[path.name] = {entry[1]: entry[3] for entry in entries[1:]}
        assert len(found[path.name]) == len(entries) - 1
    return found


def rstar(*arguments: object) -> int:
    """The exit code of the `rstar` command with these arguments."""
    with pytest.raises(SystemExit) as caught:
        main([*map(str, arguments)])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def flags(task: Path, out: Path) -> list[object]:
    """The flags of a small run."""
    return [
        *("--task", f"user:{task}", "--engine", "scripted", "--policy", SOURCE, "--interpreter", "arithmetic"),
        *("--preset", "tiny", "--budgets", "1,2,4", "--out", out),
    ]
