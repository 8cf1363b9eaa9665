"""Accuracies and their intervals."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import betabinom, binomtest, f_oneway, hypergeom

from harness.intervals import effective_wilson, posterior
from harness.metrics import accuracy, agreement, flip_rate, mean_of, pass_at_k, share, wilson
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
    assert four_times.value == once.value
    assert (four_times.low, four_times.high) == pytest.approx((once.low, once.high), abs=0.005)


def test_seeds_that_have_nothing_in_common_count_as_nearly_so_many_runs() -> None:
    # 1 : 2 : 1 problems with 0, 1 and 2 right runs are what independent halves give.
    found = accuracy([0] * 25 + [1] * 50 + [2] * 25, 2)
    low, high = wilson(0.5, 200)
    assert high - low < found.high - found.low < 1.15 * (high - low)


def test_the_interval_of_seeds_lies_halfway_to_the_wider_of_two() -> None:
    counts = [0] * 20 + [4] * 6 + [1, 2, 2, 3]
    found, inner, outer = accuracy(counts, 4), posterior(counts, 4), effective_wilson(counts, 4)
    assert found.low == pytest.approx((inner[0] + min(inner[0], outer[0])) / 2, abs=1e-12)
    assert found.high == pytest.approx((inner[1] + max(inner[1], outer[1])) / 2, abs=1e-12)


def test_the_effective_number_of_runs_is_between_the_problems_and_all_runs() -> None:
    assert effective_wilson([4] * 13 + [0] * 17, 4) == pytest.approx(wilson(13 / 30, 30))
    assert effective_wilson([0] * 25 + [1] * 50 + [2] * 25, 2) == pytest.approx(wilson(0.5, 200))
    assert effective_wilson([1] * 10, 2) == pytest.approx(wilson(0.5, 20))


def test_more_agreement_between_seeds_makes_the_interval_wider() -> None:
    widths = []
    for together in (0, 5, 10, 15):
        counts = [4] * together + [0] * together + [2] * (30 - 2 * together)
        found = accuracy(counts, 4)
        assert found.value == 0.5
        widths.append(found.high - found.low)
    assert widths == sorted(widths)


def test_the_posterior_interval_holds_95_per_cent_of_the_posterior() -> None:
    """Against the same posterior, summed with scipy's beta-binomial over Gauss and Legendre's nodes."""
    counts, runs = [0, 1, 3, 3, 2, 0, 3, 3, 1, 0], 3
    ends = posterior(counts, runs)

    def mass(low: float, high: float) -> float:
        nodes, weights = np.polynomial.legendre.leggauss(160)
        means = low + (high - low) * (nodes + 1) / 2
        angles = (nodes + 1) * math.pi / 4
        sizes = 1 / np.sin(angles) ** 2 - 1
        right, wrong = means[:, None] * sizes, (1 - means[:, None]) * sizes
        likelihood = np.prod([betabinom.pmf(count, runs, right, wrong) for count in counts], axis=0)
        return float(weights @ likelihood @ weights) * (high - low)

    whole = mass(0, 1)
    assert mass(0, ends[0]) / whole == pytest.approx(0.025, abs=2e-5)
    assert mass(ends[1], 1) / whole == pytest.approx(0.025, abs=2e-5)


def test_the_interval_of_seeds_holds_the_truth_as_often_as_it_says() -> None:
    """150 runs of 30 problems, 4 seeds, a true accuracy of 20 %, correlation 0.4: 95 % within Monte Carlo error."""
    generator = np.random.default_rng(7)
    chances = generator.beta(0.2 * 1.5, 0.8 * 1.5, (150, 30))
    held = [
        found.low <= 0.2 <= found.high for row in generator.binomial(4, chances) for found in [accuracy(list(row), 4)]
    ]
    assert 0.91 <= np.mean(held) < 1.0


@pytest.mark.parametrize("runs", [1, 2, 8, 64])
@pytest.mark.parametrize("problems", [1, 2, 30, 3000])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_wrong_and_all_right_have_an_interval_that_is_not_empty(runs: int, problems: int, value: float) -> None:
    found = accuracy([int(value * runs)] * problems, runs)
    assert found.value == value
    assert (found.low == 0.0) == (value == 0.0)
    assert (found.high == 1.0) == (value == 1.0)
    assert 0.0 < found.high - found.low < 1.0
    assert "nan" not in found.text()


@pytest.mark.parametrize(("counts", "seeds"), [([], 1), ([1], 0)])
def test_no_problems_have_no_accuracy(counts: list[int], seeds: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        accuracy(counts, seeds)


@pytest.mark.parametrize(("counts", "seeds"), [([3], 2), ([-1], 2), ([1, 2], 1)])
def test_a_count_that_cannot_be_is_refused(counts: list[int], seeds: int) -> None:
    with pytest.raises(ValueError, match="right runs"):
        accuracy(counts, seeds)


@pytest.mark.parametrize(("runs", "right", "k"), [(64, 13, 1), (64, 13, 8), (64, 63, 2), (64, 0, 64), (5000, 1, 4000)])
def test_pass_at_k_is_the_hypergeometric_chance(runs: int, right: int, k: int) -> None:
    assert pass_at_k(runs, right, k) == pytest.approx(1 - hypergeom.pmf(0, runs, right, k), abs=1e-9)


def test_pass_at_k_is_the_mean_over_all_draws() -> None:
    runs = [True, False, False, True, False, False]
    for k in range(1, 7):
        draws = [any(draw) for draw in combinations(runs, k)]
        assert pass_at_k(6, 2, k) == pytest.approx(sum(draws) / len(draws), abs=1e-12)


@pytest.mark.parametrize(("runs", "right", "k"), [(4, 2, 5), (4, 5, 2), (4, 2, 0), (0, 0, 1)])
def test_pass_at_k_beyond_the_runs_is_refused(runs: int, right: int, k: int) -> None:
    with pytest.raises(ValueError, match="not defined"):
        pass_at_k(runs, right, k)


def test_the_flip_rate_is_the_share_of_pairs_of_seeds_that_disagree() -> None:
    outcomes = [[True, True, False, True], [False] * 4, [True, False, False, True]]
    pairs = [first != second for row in outcomes for first, second in combinations(row, 2)]
    found = flip_rate([sum(row) for row in outcomes], 4)
    assert found.value == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)
    assert found.low < found.value < found.high


def test_one_seed_has_no_flip_rate() -> None:
    with pytest.raises(ValueError, match="two seeds"):
        flip_rate([1, 0], 1)


def test_agreement_takes_the_variance_apart() -> None:
    """Against scipy's one-way analysis of variance: correlation = (F - 1) / (F - 1 + S)."""
    outcomes = [[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 1], [1, 1, 1, 1], [0, 0, 1, 0]]
    ratio = f_oneway(*outcomes).statistic
    found = agreement([sum(row) for row in outcomes], 4)
    assert found.correlation == pytest.approx((ratio - 1) / (ratio - 1 + 4), abs=1e-9)
    assert found.deviation == pytest.approx(np.std([np.mean(row) for row in outcomes], ddof=1) / math.sqrt(5), abs=1e-9)
    assert "two seeds disagree" in found.text()


@pytest.mark.parametrize("counts", [[2, 2], [0, 0, 0], [2], [1], [1, 1, 1]])
def test_agreement_is_defined_where_nothing_varies(counts: list[int]) -> None:
    found = agreement(counts, 2)
    assert 0 <= found.correlation <= 1
    assert math.isfinite(found.deviation + found.seed_deviation + found.flip_rate.high)


def test_the_mean_of_shares_has_the_interval_of_its_runs() -> None:
    whole = mean_of([0.25, 0.5, 1.0, 0.0], 4)
    assert whole == accuracy([1, 2, 4, 0], 4)
    assert mean_of([0.3, 0.7, 1.0]).value == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="at least one"):
        mean_of([])


def test_a_share_of_nothing_says_nothing() -> None:
    assert share(0, 0).text() == "0.0 [0.0, 100.0]"
    expected = binomtest(3, 40).proportion_ci(method="wilson")
    assert (share(3, 40).low, share(3, 40).high) == pytest.approx((expected.low, expected.high), abs=1e-12)


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
