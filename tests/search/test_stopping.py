"""When a vote is decided."""

from __future__ import annotations

import asyncio

import pytest
from digits import PROBLEM, engines, same_text

from rstar.search.config import SearchConfig
from rstar.search.mcts import MctsConfig, mcts
from rstar.search.stopping import is_decided, posterior
from rstar.search.voting import choose_answer
from rstar.types import SearchResult, Trajectory, Usage
from tasks.types import InputError


@pytest.mark.parametrize(("num_left", "decided"), [(0, True), (1, True), (2, False)])
def test_a_lead_is_certain_when_it_exceeds_what_is_left(num_left: int, decided: bool) -> None:
    assert is_decided("certain", ["a", "a", "a", "b", None], num_left, same_text) is decided


def test_posterior_of_a_single_vote_is_three_quarters() -> None:
    # P(p > 1/2) for p ~ Beta(2, 1) is 1 - (1/2)^2.
    assert posterior(1, 0) == pytest.approx(0.75)


def test_posterior_of_a_tie_is_one_half() -> None:
    assert posterior(7, 7) == pytest.approx(0.5)


def test_posterior_stops_at_four_equal_answers() -> None:
    assert not is_decided("posterior", ["a"] * 3, 60, same_text)
    assert is_decided("posterior", ["a"] * 4, 60, same_text)


def test_never_is_never_decided_and_neither_is_an_empty_vote() -> None:
    assert not is_decided("never", ["a"] * 100, 1, same_text)
    assert not is_decided("certain", [None, None], 1, same_text)


@pytest.mark.parametrize("seed", range(5))
def test_a_certain_stop_never_changes_the_majority(seed: int) -> None:
    policy, reward, interpreter = engines()
    results = [
        asyncio.run(
            mcts(
                PROBLEM,
                policy,
                reward,
                interpreter,
                MctsConfig(budget=32, num_candidates=3, stop=stop),
                seed,
                classes=same_text,
            )
        )
        for stop in ("never", "certain")
    ]
    assert len(results[1].trajectories) <= 32
    answers = [choose_answer(result, "majority", 32, classes=same_text, seed=0) for result in results]
    assert answers[0] == answers[1]


def test_equal_values_in_other_words_are_one_vote_by_default() -> None:
    answers = ("1/2", "3", "0.5", "3", "\\frac{1}{2}")
    trajectories = tuple(Trajectory(PROBLEM, (), "answered", answer) for answer in answers)
    result = SearchResult("p", trajectories, (0.1, 0.9, 0.3, 0.9, 0.2), (Usage(),) * 5)
    assert choose_answer(result, "majority", 5) == "0.5"


def test_an_unknown_stop_is_refused() -> None:
    with pytest.raises(InputError, match="stop"):
        SearchConfig(stop="sometimes")  # type: ignore[arg-type]
