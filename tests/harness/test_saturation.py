"""The slope at the end of a curve: the fitted line's own, with an interval that problems carry and few do not fool."""

from __future__ import annotations

import numpy as np
import pytest

from harness.frontier import frontier, frontier_shares, resample_counts
from harness.metrics import Estimate
from harness.saturation import largest_slope, last_budgets, saturation, verdict


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def curves(num_problems: int, rises: dict[int, int], num_budgets: int = 3, base: int = 0) -> np.ndarray:
    """A row per problem: `base` are right from the start, `rises[b]` from budget number b on, the rest never."""
    right = np.zeros((num_problems, num_budgets))
    right[:base] = 1
    row = base
    for budget, count in rises.items():
        right[row : row + count, budget:] = 1
        row += count
    return right


def test_the_slope_is_that_of_the_line_that_polyfit_fits() -> None:
    rng = np.random.default_rng(0)
    right = (rng.random((50, 5)) < np.linspace(0.2, 0.7, 5)).astype(float)
    costs = [100.0, 230.0, 410.0, 900.0, 1700.0]
    found = saturation(right, [1, 2, 4, 8, 16], costs, "x")
    assert found is not None
    assert found.budgets == (4, 8, 16)
    expected = np.polyfit(np.log2(costs[2:]), 100 * right.mean(axis=0)[2:], 1)[0]
    assert found.slope.value == pytest.approx(expected, abs=1e-9)


def test_the_line_goes_through_the_last_two_doublings() -> None:
    assert last_budgets([1, 2, 4, 8, 16, 32, 64]) == [4, 5, 6]
    assert last_budgets([1, 10, 50, 60, 61, 62, 64]) == [2, 3, 4, 5, 6]
    assert last_budgets([1, 64]) == [0, 1]
    assert last_budgets([7]) == []


def test_one_budget_and_a_cost_that_does_not_grow_have_no_slope() -> None:
    assert saturation(np.ones((3, 1)), [4], [4.0], "x") is None
    assert saturation(np.ones((3, 2)), [1, 2], [5.0, 5.0], "x") is None


def test_a_long_rise_is_still_rising_and_a_long_plain_is_flat() -> None:
    rising = saturation(curves(500, {1: 40, 2: 40}, base=200), [16, 32, 64], [16, 32, 64], "x")
    flat = saturation(curves(2000, {1: 4, 2: 4}, base=900), [16, 32, 64], [16, 32, 64], "x")
    falling = saturation(1 - curves(500, {1: 40, 2: 40}, base=200), [16, 32, 64], [16, 32, 64], "x")
    assert rising is not None
    assert flat is not None
    assert falling is not None
    assert (rising.verdict, flat.verdict, falling.verdict) == ("still rising", "flat", "falling")
    assert rising.slope.value == pytest.approx(8.0)


@pytest.mark.parametrize("right", [np.ones((30, 3)), np.zeros((30, 3)), np.ones((1, 3))])
def test_nothing_changing_on_few_problems_is_no_evidence_of_a_plain(right: np.ndarray) -> None:
    found = saturation(right, [16, 32, 64], [16, 32, 64], "x")
    assert found is not None
    assert found.slope.value == 0.0
    assert found.slope.low < -1 < 1 < found.slope.high
    assert found.verdict == "not enough evidence"


def test_nothing_changing_on_many_problems_is() -> None:
    found = saturation(np.ones((2000, 3)), [16, 32, 64], [16, 32, 64], "x")
    assert found is not None
    assert found.verdict == "flat"


def test_verdicts_follow_the_interval() -> None:
    assert verdict(Estimate(0.5, 0.1, 0.9)) == "flat"
    assert verdict(Estimate(1.5, 0.1, 2.9)) == "still rising"
    assert verdict(Estimate(-1.5, -2.9, -0.1)) == "falling"
    assert verdict(Estimate(0.5, -0.5, 1.5)) == "not enough evidence"


def test_the_steepest_line_of_one_problem_is_found_by_trying_all() -> None:
    x = np.log2([10.0, 17.0, 44.0, 50.0])
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    tried = [np.polyfit(x, [0.0] * wrong + [1.0] * (4 - wrong), 1)[0] for wrong in range(5)]
    assert largest_slope(weights) == pytest.approx(max(tried))


def test_the_interval_is_the_same_for_the_same_name_and_close_for_another() -> None:
    right = curves(100, {1: 10, 2: 10}, base=30)
    first, again, other = (saturation(right, [1, 2, 4], [1, 2, 4], name) for name in "aab")
    assert first == again
    assert first is not None
    assert other is not None
    assert other.slope.high == pytest.approx(first.slope.high, abs=1.0)


def test_every_resample_has_as_many_problems_and_problems_are_drawn_alike() -> None:
    counts = resample_counts(20, 5000, "x")
    assert (counts.sum(axis=1) == 20).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(20), abs=0.08)
    assert counts.var() == pytest.approx(20 * (1 / 20) * (19 / 20), rel=0.03)


def test_the_frontier_is_what_no_cheaper_point_equals() -> None:
    costs, values = [4.0, 1.0, 2.0, 2.0, 8.0, 3.0], [0.5, 0.2, 0.2, 0.4, 0.5, 0.3]
    assert frontier(costs, values) == [1, 3, 0]


def test_shares_of_the_frontier_are_certain_where_problems_agree() -> None:
    always, never = np.ones((10, 1)), np.zeros((10, 1))
    right = np.hstack([never, always, always, never])
    # Never right is the best for its cost only while nothing else is that cheap.
    assert frontier_shares([1.0, 2.0, 3.0, 4.0], right, "x") == [1.0, 1.0, 0.0, 0.0]


def test_of_points_of_one_cost_one_alone_is_on_the_frontier_in_each_resample() -> None:
    rng = np.random.default_rng(1)
    right = (rng.random((30, 4)) < 0.5).astype(float)
    assert sum(frontier_shares([1.0] * 4, right, "x")) == pytest.approx(1.0)
