"""Which runs have no rank, from what their own files say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_runs import Invented, make_run

from harness.run_summary import summarize
from leaderboard.standing import reasons_against


def against(folder: Path, **session: Any) -> str:
    summary = summarize(folder)
    sessions = tuple(each | session for each in summary.record.sessions)
    summary.record = replace(summary.record, sessions=sessions)
    return "; ".join(reasons_against(summary))


def test_a_complete_run_of_one_clean_commit_has_nothing_against_it(tmp_path: Path) -> None:
    assert against(make_run(tmp_path, 4, budgets=[1])) == ""


def test_missing_searches_are_counted(tmp_path: Path) -> None:
    folder = make_run(tmp_path, 4, Invented(num_recorded=1), budgets=[1])
    assert against(folder) == "incomplete: 1 of 4 searches done, 0 failed, 3 missing"


@pytest.mark.parametrize(
    ("session", "reason"),
    [
        ({"is_dirty": True}, "dirty: the source differed from its commit 00000000"),
        ({"commit": None, "is_dirty": None}, "dirty: it ran from source without a commit"),
        ({"imported": {"tool": "lm-eval"}}, "imported from lm-eval"),
    ],
)
def test_a_source_that_cannot_be_named_is_a_reason(tmp_path: Path, session: dict[str, Any], reason: str) -> None:
    assert reason in against(make_run(tmp_path, 2, budgets=[1]), **session)
