"""The evolution in results/: what follows from its settings alone comes out the same again, to the last byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rstar.evolution.lessons import lessons_of, teacher_groups
from rstar.evolution.presets import TINY
from rstar.evolution.settings import evolved
from rstar.synthesis.pairs import make_pairs
from rstar.training.data import file_hash, write_rows

PUBLISHED = Path(__file__).parents[2] / "results" / "evolution" / "tiny"


@pytest.fixture(scope="module")
def stages() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PUBLISHED / "manifest.json").read_text(encoding="utf-8"))["stages"]
    return found


def test_its_settings_are_the_presets() -> None:
    recorded = json.loads((PUBLISHED / "evolution.json").read_text(encoding="utf-8"))
    assert evolved(TINY, recorded).content() == TINY.content()
    # Younger than the record, which was made without it.
    assert {TINY.lessons.sft.muon, TINY.sft.muon, TINY.ppm.muon} == {0.0}


@pytest.mark.parametrize("number", [2, 3, 4])
def test_the_teachers_pairs_of_a_round_are_made_again_to_the_byte(
    number: int, stages: dict[str, Any], tmp_path: Path
) -> None:
    pairs = (pair for group in teacher_groups(TINY, number) for pair in make_pairs(group, TINY.pairs))
    write_rows(tmp_path / "pairs.jsonl", pairs)
    assert file_hash(tmp_path / "pairs.jsonl") == stages[f"teacher-{number}"]["files"]["pairs.jsonl"]


@pytest.mark.slow
def test_the_lessons_of_the_base_are_made_again_to_the_byte(stages: dict[str, Any], tmp_path: Path) -> None:
    write_rows(tmp_path / "sft.jsonl", (row for row, _ in lessons_of(TINY)))
    assert file_hash(tmp_path / "sft.jsonl") == stages["base"]["data"]["base/sft.jsonl"]
