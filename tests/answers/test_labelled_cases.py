"""The checker against labelled pairs, ours and (where they are at hand) the shared ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.answers import extract, same_answer

OWN = Path(__file__).parents[1] / "data" / "answers"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "answers" / "cases.jsonl"
FILES = [
    pytest.param(OWN / "dev.jsonl", 0.985, id="dev"),
    pytest.param(OWN / "heldback.jsonl", 0.985, id="heldback"),
    pytest.param(SHARED, 0.99, id="shared"),
]


def rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        pytest.skip(f"{path} is not here; it is not part of the project")
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row for row in found if not row.get("debatable")]


def says_equal(row: dict[str, Any]) -> bool:
    if row["scope"] == "extraction":
        return same_answer(row["gold"], extract(row["prediction"]) or "")
    return same_answer(row["gold"], row["prediction"])


@pytest.mark.parametrize(("path", "least"), FILES)
def test_enough_labelled_pairs_are_judged_right(path: Path, least: float) -> None:
    cases = rows(path)
    right = sum(says_equal(row) == row["equal"] for row in cases)
    assert right / len(cases) >= least


@pytest.mark.parametrize(("path", "_least"), FILES)
def test_almost_no_wrong_answer_is_accepted(path: Path, _least: float) -> None:
    wrong = [row for row in rows(path) if not row["equal"]]
    accepted = [row["id"] for row in wrong if says_equal(row)]
    assert len(accepted) / len(wrong) <= 0.003, accepted
