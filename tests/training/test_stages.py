"""Stages: finished ones are kept, interrupted ones go on, changed ones start afresh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rstar.training.stages import RECORD, Stages


def counted(calls: list[str]) -> Any:
    def work(folder: Path) -> dict[str, Any]:
        calls.append(" ".join(sorted(path.name for path in folder.iterdir())))
        (folder / "data").write_text("x", encoding="utf-8")
        return {"line": "made"}

    return work


def test_a_finished_stage_is_not_done_again(tmp_path: Path) -> None:
    calls, said = list[str](), list[str]()
    for _ in range(2):
        Stages(tmp_path, {"seed": 0}, said.append).stage("a", {"each": 3}, counted(calls))
    assert calls == [RECORD]
    assert said[-1] == "a: done before, made"


@pytest.mark.parametrize(("seed", "each"), [(1, 3), (0, 4)])
def test_other_settings_start_the_stage_afresh(tmp_path: Path, seed: int, each: int) -> None:
    calls = list[str]()
    Stages(tmp_path, {"seed": 0}, str).stage("a", {"each": 3}, counted(calls))
    Stages(tmp_path, {"seed": seed}, str).stage("a", {"each": each}, counted(calls))
    assert calls == [RECORD, RECORD]


def test_an_interrupted_stage_finds_what_it_left(tmp_path: Path) -> None:
    def dies(folder: Path) -> dict[str, Any]:
        (folder / "half").write_text("x", encoding="utf-8")
        raise KeyboardInterrupt

    stages, calls = Stages(tmp_path, {}, str), list[str]()
    with pytest.raises(KeyboardInterrupt):
        stages.stage("a", {"each": 3}, dies)
    stages.stage("a", {"each": 3}, counted(calls))
    assert calls == [f"half {RECORD}"]


def test_a_torn_record_counts_as_none(tmp_path: Path) -> None:
    calls = list[str]()
    stages = Stages(tmp_path, {}, str)
    stages.stage("a", {}, counted(calls))
    (tmp_path / "a" / RECORD).write_text('{"settings": {', encoding="utf-8")
    stages.stage("a", {}, counted(calls))
    assert calls == [RECORD, RECORD]
