"""What the base install lacks is named with what to install; what it has is enough to read, grade and report."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.cli import _EXTRAS, main

ROOT = Path(__file__).parents[2]


def test_a_command_that_needs_more_than_the_base_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    run = next((ROOT / "results" / "procedural").glob("tiny-*"))
    with pytest.raises(SystemExit) as left:
        main(["export", str(run), "--format", "parquet", "--out", str(tmp_path)])
    assert left.value.code == 2
    assert "pip install 'rstar-bench[parquet]'" in capsys.readouterr().err


def test_a_module_that_is_missing_for_no_good_reason_is_not_explained_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "harness.anatomy", None)
    monkeypatch.delitem(sys.modules, "harness.cli_anatomy", raising=False)
    with pytest.raises(ModuleNotFoundError):
        main(["anatomy", "nowhere"])


def test_every_extra_that_is_recommended_is_one() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(_EXTRAS.values()) <= set(project["optional-dependencies"])
