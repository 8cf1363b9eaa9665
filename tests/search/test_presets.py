"""Named settings and what happens to wrong ones."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from digits import PROBLEM, engines

from rstar.search.mcts import MctsConfig
from rstar.search.presets import METHODS, PRESETS, method_config, preset
from tasks.types import InputError

METHOD_PAGE = Path(__file__).parents[2] / "docs/method.md"
REQUIRED = (
    "paper-eval",
    "official-eval",
    "official-cheap",
    "bootstrap",
    "round2",
    "round3",
    "round4",
    "tiny",
)


@pytest.mark.parametrize("name", REQUIRED)
def test_every_setting_of_the_method_has_a_preset(name: str) -> None:
    assert PRESETS[name].source


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_runs(name: str) -> None:
    chosen = preset(name, {"budget": 2})
    policy, reward, interpreter = engines()
    result = asyncio.run(METHODS[chosen.method].search(PROBLEM, policy, reward, interpreter, chosen.config, 0))
    assert len(result.trajectories) == 2


def test_the_papers_evaluation_has_its_numbers() -> None:
    config = preset("paper-eval").config
    assert isinstance(config, MctsConfig)
    assert (config.num_candidates, config.max_depth, config.exploration) == (32, 16, 2.0)


@pytest.mark.parametrize("name", PRESETS)
def test_the_documents_table_has_the_presets_numbers(name: str) -> None:
    [row] = [line for line in METHOD_PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{name}` |")]
    search, budget, candidates, temperature, errors, rule = (cell.strip() for cell in row.split("|")[2:8])
    chosen = PRESETS[name]
    config: Any = chosen.config
    assert search.split(",")[0].split()[0] == chosen.method
    assert int(budget) == config.budget
    assert int(candidates) == getattr(config, "num_candidates", 1)
    assert float(temperature) == config.temperature
    assert int(errors) == config.errors_threshold
    assert rule.lower().replace("-", "_") == chosen.rule
    assert ("labels only" in search) == (not getattr(config, "scores_steps", True))
    assert (config.max_depth, getattr(config, "exploration", 2.0)) == (16, 2.0)


def test_overrides_replace_fields_by_name() -> None:
    assert preset("official-eval", {"budget": 3}).config.budget == 3
    assert method_config("sample", {"temperature": 0.5}).temperature == 0.5


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("mcts", {"rollouts": 3}),
        ("mcts", {"budget": 0}),
        ("mcts", {"budget": 2.5}),
        ("mcts", {"budget": True}),
        ("mcts", {"exploration": -1.0}),
        ("mcts", {"temperature": float("nan")}),
        ("mcts", {"variant": "alpha"}),
        ("mcts", {"counts": "trees"}),
        ("beam", {"width": 0}),
        ("dvts", {"num_candidates": 0}),
        ("sample", {"num_candidates": 4}),
        ("astar", {}),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(method: str, settings: dict[str, Any]) -> None:
    with pytest.raises(InputError) as error:
        method_config(method, settings)
    assert "\n" not in str(error.value)
    assert next(iter(settings), "astar") in str(error.value)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="paper-eval"):
        preset("paper")
