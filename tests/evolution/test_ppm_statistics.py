"""What the PPM report counts, on a tree made by hand."""

from __future__ import annotations

import math

import pytest

from harness.ppm_statistics import PpmCounts, finished, wanted
from rstar.synthesis.pairs import PairSettings
from rstar.synthesis.rollout_tree import tree_of_rollouts
from rstar.synthesis.rollouts import Rollout
from rstar.synthesis.trees import ProblemTrees

SETTINGS = PairSettings()


def rollout(first: str, last: str, answer: str | None, *, is_correct: bool) -> Rollout:
    return Rollout("p/1", "q", (first, last), answer, is_correct)


@pytest.fixture
def trees() -> ProblemTrees:
    """Two first steps; solutions right, wrong, wrong, right, and one that broke off."""
    return tree_of_rollouts(
        [
            rollout("a", "a1", "1", is_correct=True),
            rollout("a", "a2", "2", is_correct=False),
            rollout("b", "b2", "2", is_correct=False),
            rollout("b", "b3", None, is_correct=False),
            rollout("a", "a3", "1", is_correct=True),
        ]
    )


def values(trees: ProblemTrees, told: dict[str, float]) -> dict[int, float]:
    return {node: told[trees.nodes.text[node]] for node in wanted(trees, SETTINGS)}


def report(trees: ProblemTrees, told: dict[str, float]) -> PpmCounts:
    counts = PpmCounts((1, 2, 3, 4), SETTINGS)
    counts.add(trees, values(trees, told))
    return counts


GOOD = {"a": 0.5, "b": -0.5, "a1": 0.8, "a2": -0.6, "b2": -0.8, "a3": 0.6}
BAD = {"a": 0.5, "b": -0.5, "a1": 0.1, "a2": 0.9, "b2": 0.3, "a3": 0.2}


def test_solutions_without_an_answer_are_not_chosen_from(trees: ProblemTrees) -> None:
    assert [trees.nodes.text[node] for node in finished(trees)] == ["a1", "a2", "b2", "a3"]


def test_a_good_model_ranks_all_pairs_right_and_loses_nothing(trees: ProblemTrees) -> None:
    found = report(trees, GOOD).report()
    assert all(line.accuracy == 1.0 for line in found.pairs)
    assert [line.regret for line in found.choices] == [0.0] * 4


def test_a_bad_model_loses_where_it_has_more_to_choose_from(trees: ProblemTrees) -> None:
    found = report(trees, BAD).report()
    assert [line.best.value for line in found.choices] == [1.0, 0.0, 0.0, 0.0]
    assert [line.regret for line in found.choices] == [0.0, 1.0, 1.0, 1.0]


def test_votes_count_answers_and_weights_their_values(trees: ProblemTrees) -> None:
    found = report(trees, BAD).report()
    # After three solutions: one vote for 1, two for 2; after four, two each, and the first stands.
    assert [line.majority.value for line in found.choices] == [1.0, 1.0, 0.0, 1.0]
    # Weights of 2: 0.95, then 1.6; of 1: 0.55, then 1.15.
    assert [line.weighted.value for line in found.choices] == [1.0, 0.0, 0.0, 0.0]


def test_values_drift_by_depth(trees: ProblemTrees) -> None:
    found = report(trees, GOOD).report()
    first, second = found.depths
    assert (first.num_right, first.num_wrong, first.drift) == (2, 2, 0.0)
    assert second.right == pytest.approx(0.7)
    assert second.wrong == pytest.approx(-0.7)
    assert second.drift == pytest.approx(((0.8 - 0.5) + (-0.6 - 0.5) + (-0.8 + 0.5) + (0.6 - 0.5)) / 4)


def test_steps_are_calibrated_against_what_came_of_them(trees: ProblemTrees) -> None:
    found = report(trees, GOOD).report()
    # `a` says 0.75 and two of three were right; `b` says 0.25 and none of one.
    assert found.steps.brier == pytest.approx(((0.75 - 2 / 3) ** 2 + 0.25**2) / 2)
    assert found.ends.count == 4


def test_no_problems_are_no_report() -> None:
    with pytest.raises(ValueError, match="at least one problem"):
        PpmCounts((1,), SETTINGS).report()


def test_calibration_of_nothing_is_not_a_number() -> None:
    from rstar.training.calibration import calibration

    assert math.isnan(calibration([], []).expected_error)
    found = calibration([0.05, 0.95, 0.95], [0.0, 1.0, 0.0])
    assert found.bins == ((0.05, 0.0, 1), (0.95, 0.5, 2))
    assert found.expected_error == pytest.approx((0.05 + 2 * 0.45) / 3)
