"""A sweep: every search on every task, none of them twice, and one report."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from sum_runs import SOURCE, rstar, write_task

from harness.sweep import read_sweep
from tasks.types import InputError


def sweep_file(folder: Path, **changes: object) -> Path:
    tasks = [f"user:{write_task(folder / f'{name}.jsonl', 4)}" for name in ("sums", "more")]
    fields = {
        "tasks": tasks,
        "engine": "scripted",
        "policy": str(SOURCE),
        "interpreter": "arithmetic",
        "budgets": [1, 2],
        "searches": [{"preset": "greedy", "budgets": [1]}, {"preset": "tiny"}],
        **changes,
    }
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump(fields))
    return path


def test_a_sweep_is_every_search_on_every_task(tmp_path: Path) -> None:
    specs = read_sweep(sweep_file(tmp_path))
    assert [(spec.task.rpartition("/")[2], spec.preset, spec.budgets) for spec in specs] == [
        ("sums.jsonl", "greedy", (1,)),
        ("sums.jsonl", "tiny", (1, 2)),
        ("more.jsonl", "greedy", (1,)),
        ("more.jsonl", "tiny", (1, 2)),
    ]


def test_what_a_search_states_goes_before_what_is_shared(tmp_path: Path) -> None:
    searches = [{"preset": "tiny", "search": {"num_candidates": 3}}, {"preset": "tiny"}]
    specs = read_sweep(sweep_file(tmp_path, search={"num_candidates": 5, "temperature": 0.5}, searches=searches))
    assert [(spec.config.num_candidates, spec.config.temperature) for spec in specs[:2]] == [(3, 0.5), (5, 0.5)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"searches": [{"preset": "tiny"}, {"preset": "tiny"}]}, "search 2: asks for user:.* a second time"),
        ({"searches": [{"preset": "unknown"}]}, "search 1: search preset 'unknown' is unknown"),
        ({"searches": [{"presets": "tiny"}]}, "search 1: field 'presets' is unknown; did you mean 'preset'"),
        ({"searches": "tiny"}, "field 'searches': is no list of searches"),
        ({"tasks": [3]}, "field 'tasks': .* is no list of tasks"),
        ({"sweeps": 1}, "field 'sweeps' is unknown"),
    ],
)
def test_a_mistake_is_named_with_its_search(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_sweep(sweep_file(tmp_path, **changes))


def test_a_sweep_runs_reports_and_is_not_done_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = sweep_file(tmp_path)
    arguments = ("sweep", file, "--x", "tokens", "--out", tmp_path / "out", "--into", tmp_path / "report")
    assert rstar(*arguments) == 0
    first = capsys.readouterr().out
    assert "sums: 2 methods, 4 problems, 1 seed" in first
    assert "more: 2 methods, 4 problems, 1 seed" in first
    records = {path: path.read_bytes() for path in (tmp_path / "out").rglob("problems.jsonl")}
    assert len(records) == 4
    assert (tmp_path / "report" / "scaling-tokens.html").exists()
    assert rstar(*arguments) == 0
    assert capsys.readouterr().out == first
    assert {path: path.read_bytes() for path in records} == records
