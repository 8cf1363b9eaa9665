"""Accuracies and their intervals."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from harness.metrics import accuracy, wilson
from harness.paired import compare, mcnemar
from tasks.types import InputError


@pytest.mark.parametrize(("right", "total"), [(13, 30), (0, 30), (30, 30), (1, 1), (480, 500)])
def test_the_interval_of_one_seed_is_wilsons(right: int, total: int) -> None:
    found = accuracy([1] * right + [0] * (total - right), 1)
    expected = binomtest(right, total).proportion_ci(method="wilson")
    assert found.value == pytest.approx(right / total)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_published_value_of_aime() -> None:
    """16 of 30, the paper's 53.3 %: from about a third to about two thirds."""
    assert accuracy([1] * 16 + [0] * 14, 1).text() == "53.3 [36.1, 69.8]"


def test_seeds_that_always_agree_make_no_problems_of_their_own() -> None:
    once = accuracy([1] * 13 + [0] * 17, 1)
    four_times = accuracy([4] * 13 + [0] * 17, 4)
    assert (four_times.low, four_times.high) == pytest.approx((once.low, once.high))


def test_seeds_that_have_nothing_in_common_count_as_so_many_runs() -> None:
    # Variance between problems as of independent halves: 1/4 of them 0, 1/2 of them 1, 1/4 of them 2.
    found = accuracy([0] * 25 + [1] * 50 + [2] * 25, 2)
    assert (found.low, found.high) == pytest.approx(wilson(0.5, 200))


def test_the_effective_number_is_never_more_than_all_runs() -> None:
    found = accuracy([1] * 10, 2)
    assert (found.low, found.high) == pytest.approx(wilson(0.5, 20))


@pytest.mark.parametrize(("counts", "seeds"), [([], 1), ([1], 0)])
def test_no_problems_have_no_accuracy(counts: list[int], seeds: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        accuracy(counts, seeds)


def test_mcnemar_is_the_binomial_test_of_the_changes() -> None:
    # 2 of 12 changes one way: twice the tail (1 + 12 + 66) / 4096.
    assert mcnemar(10, 2) == pytest.approx(2 * 79 / 4096)
    assert mcnemar(2, 10) == mcnemar(10, 2)
    assert mcnemar(0, 0) == 1.0


def test_a_comparison_counts_what_changed() -> None:
    before = {("a", 0): True, ("b", 0): False, ("c", 0): False, ("d", 0): True}
    now = {("a", 0): True, ("b", 0): True, ("c", 0): True, ("d", 0): False}
    found = compare(before, now)
    assert (found.num_problems, found.num_gained, found.num_lost, found.points) == (4, 2, 1, 25.0)


def test_different_problems_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="same problems"):
        compare({("a", 0): True}, {("b", 0): True})
