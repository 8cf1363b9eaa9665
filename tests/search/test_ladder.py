"""The searches beside MCTS: what each returns at its budget, and what it costs."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from digits import PROBLEM, Digits, Fixed, answer, engines, outline, search

from rstar.search.particle import odds
from rstar.seeds import generator
from rstar.types import Scores, SearchResult, Trajectory
from tasks.types import InputError

METHODS = ("sample", "beam", "dvts", "particle")


def run(method: str, source: Any = None, **settings: Any) -> SearchResult:
    return asyncio.run(search(method, settings, engines(source)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("budget", [1, 7, 64])
def test_a_budget_yields_as_many_trajectories(method: str, budget: int) -> None:
    result = run(method, budget=budget)
    assert len(result.trajectories) == len(result.values) == len(result.usage_at) == budget
    assert all(trajectory.ending != "open" for trajectory in result.trajectories)


@pytest.mark.parametrize("method", METHODS)
def test_a_search_ends_where_every_program_fails(method: str) -> None:
    result = run(method, Digits(failures=1.0), budget=5)
    assert [trajectory.ending for trajectory in result.trajectories] == ["code_error"] * 5
    assert result.values == (-1.0,) * 5


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_search(method: str) -> None:
    assert outline(run(method, budget=16)) == outline(run(method, budget=16))


@pytest.mark.parametrize("method", ["sample", "beam", "dvts"])
def test_a_smaller_budget_is_a_prefix_of_a_larger_one(method: str) -> None:
    small, large = run(method, budget=5), run(method, budget=16)
    assert small.trajectories == large.trajectories[:5]


@pytest.mark.parametrize("method", ["sample", "dvts"])
def test_independent_trajectories_cost_what_they_cost_alone(method: str) -> None:
    small, large = run(method, budget=5), run(method, budget=16)
    assert small.usage_at == large.usage_at[:5]


def test_samples_differ_and_greedy_does_not_depend_on_the_seed() -> None:
    samples = {trajectory.answer for trajectory in run("sample", budget=32).trajectories}
    greedy = [asyncio.run(search("sample", {"budget": 1, "temperature": 0.0}, seed=seed)) for seed in range(3)]
    assert len(samples) > 5
    assert len({result.trajectories for result in greedy}) == 1


class Favourite:
    """Likes solutions that begin with the digit 3."""

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        likes = tuple(0.9 if "d0 = 3" in each.steps[0].text else -0.9 for each in trajectories)
        return Scores(likes, 0, 0, 0.0)


@pytest.mark.parametrize(
    ("method", "settings"),
    [("sample", {}), ("particle", {}), ("dvts", {"num_candidates": 8}), ("beam", {"width": 1})],
)
def test_guided_searches_follow_the_reward_model_and_samples_do_not(method: str, settings: dict[str, int]) -> None:
    policy, _, interpreter = engines()
    result = asyncio.run(search(method, {"budget": 32, **settings}, (policy, Favourite(), interpreter)))
    liked = sum((trajectory.answer or "").startswith("3") for trajectory in result.trajectories)
    # One digit in four is a 3, so about 8 of 32 samples begin with it.
    assert (liked > 20) == (method != "sample")


def test_beams_of_one_step_finish_in_order_of_value() -> None:
    result = run("beam", budget=4, width=4, num_candidates=8)
    assert list(result.values) == sorted(result.values, reverse=True)


def test_a_finished_beam_takes_its_place_with_it() -> None:
    # Two places: one is left after the first answer, and the open step (0.5) keeps it until it is too deep.
    source = Fixed("d = 1\n<end_of_step>", answer(0.3), answer(0.1))
    result = run("beam", source, budget=2, width=2, num_candidates=3, max_depth=3)
    assert [trajectory.answer for trajectory in result.trajectories] == ["0.3", "0.3"]
    assert [len(trajectory.steps) for trajectory in result.trajectories] == [1, 4]


def test_a_descent_takes_no_failed_step_while_another_lives() -> None:
    result = run("dvts", Fixed("d = unknown\n<end_of_step>", answer(-1.0)), budget=1)
    assert result.trajectories[0].ending == "answered"


@pytest.mark.parametrize("method", ["dvts", "beam"])
def test_equal_candidates_are_counted(method: str) -> None:
    result = run(method, Fixed(answer(0.3), answer(0.1)), budget=2, num_candidates=5)
    # Three of five at each expansion: one of each descent, one for both answers of the beam.
    assert result.num_duplicates == {"dvts": 6, "beam": 3}[method]


def test_every_resampling_draws_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[tuple[str | int, ...]] = []

    def noting(run_seed: int, *address: str | int) -> random.Random:
        places.append(address)
        return generator(run_seed, *address)

    monkeypatch.setattr("rstar.search.particle.generator", noting)
    run("particle", budget=4)
    assert len(places) > 1
    assert len(set(places)) == len(places)


def test_odds_are_p_over_one_minus_p() -> None:
    open_one, failed = Trajectory(PROBLEM), Trajectory(PROBLEM, ending="code_error")
    assert odds([open_one, open_one, failed], [0.0, 0.5, -1.0]) == pytest.approx([1.0, 3.0, 0.0])
    assert math.isfinite(odds([open_one], [1.0])[0])


def test_an_adaptive_stop_is_refused_where_all_end_together() -> None:
    with pytest.raises(InputError, match="particle"):
        run("particle", budget=4, stop="certain")


@pytest.mark.parametrize("method", ["sample", "beam", "dvts", "mcts"])
def test_an_adaptive_stop_ends_early_and_says_what_it_saved(method: str) -> None:
    result = run(method, Digits(num_digits=1, failures=0.0), budget=64, stop="posterior")
    assert result.stop == "posterior"
    assert (len(result.trajectories), result.num_saved) == (4, 60)


def test_what_a_stopped_wave_ran_for_nothing_is_part_of_the_cost() -> None:
    stopped = run("sample", Digits(num_digits=1, failures=0.0), budget=64, stop="certain")
    alone = run("sample", Digits(num_digits=1, failures=0.0), budget=64)
    # Waves of 1, 1, 2, 4, 8, 16 and 32 samples: decided at 33, but the last wave was started as a whole.
    assert len(stopped.trajectories) == 33
    assert stopped.usage_at[-1] == alone.usage_at[-1]
