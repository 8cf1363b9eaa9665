"""Who judges in a run: a PPM, an outcome reward model, or each its part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sum_runs import SOURCE, solved, spec, write_task

from harness.engines import open_engines
from harness.record_file import read_records
from harness.run_folder import RECORDS, RunRecord
from rstar.engines.scripted import ScriptedReward
from rstar.reward.outcome import StepsAndEnds


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    """A scripted engine that thinks 0.25 of everything."""
    path = tmp_path / "judge.py"
    path.write_text("def candidates(*_): raise AssertionError\ndef score(*_): return 0.25\ncount_tokens = len\n")
    return path


def values(folder: Path) -> set[float]:
    return {value for record in read_records(folder / RECORDS) for value in record.values}


def test_best_of_n_takes_its_values_from_an_orm(tmp_path: Path, judge: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 4)
    plan = solved(task, tmp_path, preset="best-of-n", orm=str(judge))
    assert values(plan.folder) <= {0.25, -1.0}
    assert 0.25 in values(plan.folder)
    assert {tuple(record.chosen or {}) for record in read_records(plan.folder / RECORDS)} == {
        ("best", "majority", "weighted", "top_k")
    }
    assert len(RunRecord.read(plan.folder).inputs.orm_sha256) == 64


def test_in_a_tree_the_ppm_judges_the_steps_and_the_orm_the_ends(tmp_path: Path, judge: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 4)
    by_ppm, by_both = solved(task, tmp_path), solved(task, tmp_path, orm=str(judge))
    assert by_ppm.record.id != by_both.record.id
    assert values(by_both.folder) <= {0.25, -1.0}
    assert not values(by_ppm.folder) <= {0.25, -1.0}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, ScriptedReward),
        ({"orm": str(SOURCE)}, StepsAndEnds),
        ({"preset": "best-of-n", "orm": str(SOURCE)}, ScriptedReward),
        ({"preset": "round2", "ppm": "none", "orm": str(SOURCE)}, ScriptedReward),
    ],
)
def test_only_what_is_asked_is_loaded(tmp_path: Path, changes: dict[str, Any], kind: type) -> None:
    made = spec(write_task(tmp_path / "sums.jsonl", 1), **changes)
    with open_engines(made) as engines:
        assert type(engines.reward) is kind
