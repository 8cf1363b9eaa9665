"""Which runs a folder stands for in `rstar report`."""

from __future__ import annotations

from pathlib import Path

from harness.cli_report import run_folders
from harness.run_folder import EVOLUTION_FILE, RUN_FILE


def put(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("{}", encoding="utf-8")
    return folder


def test_a_folder_stands_for_the_runs_below_it_but_not_for_those_of_an_evolution(tmp_path: Path) -> None:
    own = put(tmp_path / "procedural" / "tiny-1", RUN_FILE)
    evolution = put(tmp_path / "evolution" / "tiny", EVOLUTION_FILE)
    inner = put(evolution / "runs" / "procedural" / "greedy-1", RUN_FILE)
    assert run_folders([str(tmp_path)], tmp_path) == [own]
    assert run_folders([str(evolution)], tmp_path) == [inner]
    assert run_folders([str(evolution / "runs")], tmp_path) == [inner]
