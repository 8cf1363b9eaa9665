"""Evolutions by name and from a file: the paper's rounds, and one clear line for what cannot be."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from harness.evolution_settings import read_settings, shown
from rstar.evolution.lessons import teacher_groups
from rstar.evolution.presets import EVOLUTIONS, MICRO, TINY, evolution, trial
from rstar.evolution.rounds import Evolution, Guiding
from rstar.evolution.settings import evolved
from rstar.search.presets import preset
from rstar.synthesis.run import Guides
from rstar.training.stages import Stages
from tasks.types import InputError


def test_the_papers_four_rounds_have_its_numbers() -> None:
    rounds = evolution("paper-7b").rounds
    configs: list[Any] = [preset(each.search, each.overrides).config for each in rounds]
    assert [(config.budget, config.num_candidates) for config in configs] == [(8, 5), (16, 8), (16, 8), (16, 16)]
    assert [each.extra for each in rounds] == [(), (16,), (16,), (64, 48)]
    assert [each.uses_ppm for each in rounds] == [False, False, True, True]
    assert rounds[0].layout == "bootstrap"
    assert evolution("paper-7b").top == 2


def test_every_preset_is_its_own_yaml_file(tmp_path: Path) -> None:
    for name, settings in EVOLUTIONS.items():
        (tmp_path / f"{name}.yaml").write_text(shown(settings), encoding="utf-8")
        assert read_settings(str(tmp_path / f"{name}.yaml")).sha256 == settings.sha256


def test_a_file_changes_fields_of_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("preset: micro\nseed: 3\nsft:\n  epochs: 1\nevaluation:\n  limit: 4\n", encoding="utf-8")
    settings = read_settings(str(path))
    assert (settings.name, settings.seed, settings.sft.epochs, settings.evaluation.limit) == ("mine", 3, 1, 4)
    assert settings.rounds == MICRO.rounds


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"speed": 1}, "'speed' is unknown"),
        ({"rounds": []}, "rounds is empty"),
        ({"rounds": [{"search": "fast"}]}, "search preset 'fast' is unknown"),
        ({"rounds": [{"search": "tiny", "uses_ppm": True}]}, "round 1 uses a PPM, but none was trained before it"),
        ({"rounds": [{"search": "tiny", "overrides": {"depth": 3}}]}, "'depth' is unknown"),
        ({"sft": {"epochs": 0}}, "epochs = 0 is out of range"),
        ({"sft": 3}, "sft: 3 holds no settings"),
        ({"lessons": {"shape": {"width": 3}}}, r"lessons\.shape\.width is unknown"),
        ({"ablations": ["more"]}, "'more' is unknown"),
        ({"ablations": ["sft-rejection"]}, "add outcome"),
        ({"seed": "x"}, "seed: 'x' should be int"),
        ({"pools": []}, "pools is empty"),
        ({"pairs_of": "some"}, "pairs_of: 'some' is unknown; use round, new, all"),
        ({"ppm_starts_from": "base"}, "ppm_starts_from: 'base' is unknown; use policy, ppm"),
        ({"lessons": {"misconceptions": ["divine"]}}, "'divine' is unknown; use add"),
    ],
)
def test_what_cannot_be_is_one_clear_line(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        evolved(MICRO, fields)


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(InputError, match="--preset huge is unknown; use tiny, micro, paper-7b"):
        read_settings("huge")


@pytest.mark.parametrize(
    ("pairs_of", "rounds"), [("round", [[2], [3], [4]]), ("new", [[1, 2], [3], [4]]), ("all", [[1, 2], [1, 2, 3]])]
)
def test_a_ppm_learns_from_its_round_from_those_since_the_ppm_before_or_from_all(
    pairs_of: str, rounds: list[list[int]], tmp_path: Path
) -> None:
    settings = evolved(TINY, {"pairs_of": pairs_of})
    made = Evolution(settings, Stages(tmp_path, {}, print), _unused, {})
    assert [list(made.pair_rounds(number)) for number in (2, 3, 4)][: len(rounds)] == rounds
    assert (made.trainings(4), made.ppm_rounds(3)) == ([2, 3, 4], [2, 3])


def _unused(guiding: Guiding) -> AbstractContextManager[Guides]:
    raise AssertionError(guiding)


def test_every_round_has_lessons_of_its_own_for_the_ppm() -> None:
    settings = trial(TINY, 0.04)
    ids = [{group[0].id for group in teacher_groups(settings, number)} for number in (2, 3)]
    assert len(ids[0]) == 96
    assert not ids[0] & ids[1]


def test_a_trial_takes_a_share_of_every_stage() -> None:
    small = trial(TINY, 0.1)
    assert small.lessons.each == 50
    assert small.rounds[2].pool == "procedural-train?each=1&first=130000"
    assert small.teacher_rollouts.each == 2
    assert small.evaluation.limit == 38
    assert trial(TINY, 0.02).rounds[2].pool == "procedural-train?each=1&first=130000&levels=1,2"
    assert trial(TINY, 1.0) is TINY
    with pytest.raises(InputError, match="--scale 2"):
        trial(TINY, 2)
