"""The statistics of paired runs against scipy, statsmodels and closed forms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar

from harness.paired import compare, mcnemar, paired_difference
from harness.paired_intervals import (
    NUM_RESAMPLES,
    Interval,
    bootstrap_interval,
    bootstrap_p_value,
    detectable,
    fewest_changes,
    holm,
    points,
    resampled_means,
    score_interval,
    student_interval,
    student_p_value,
)
from tasks.types import InputError

RNG = np.random.default_rng(5)
REPEATED = tuple(float(each) for each in RNG.integers(-3, 5, 60) / 4)
"""Differences of 60 problems with four seeds."""


@pytest.mark.parametrize(
    ("gained", "lost", "expected"),
    [
        # statsmodels 0.15.0, contingency_tables.mcnemar(exact=True); the second is also the 0.070 of Fagerland,
        # Lydersen and Laake (2013) for their airway data.
        (5, 17, 0.01690053939819336),
        (1, 7, 0.0703125),
        (121, 59, 4.4344492637551645e-06),
        # Closed forms: twice the tail of Binomial(n, 1/2), at most 1.
        (0, 6, 2 / 2**6),
        (3, 3, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_is_the_exact_test_of_statsmodels(gained: int, lost: int, expected: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(expected, abs=1e-12)


def test_holm_is_that_of_statsmodels() -> None:
    # statsmodels 0.15.0, multipletests(method="holm").
    assert holm([0.01, 0.04, 0.03, 0.005, 0.2]) == pytest.approx([0.04, 0.09, 0.09, 0.025, 0.2], abs=1e-12)
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_the_score_interval_is_the_published_one() -> None:
    # Airway reactivity before and after transplantation (1 and 7 of 21 changed): -0.517 to -0.026 by Tango's method in
    # Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014), table IV.
    found = score_interval(1, 7, 21)
    assert (round(found.low, 3), round(found.high, 3)) == (-0.517, -0.026)


def score(gained: int, lost: int, count: int, difference: float) -> float:
    """Tango's statistic with the likeliest share of losses found by a numerical search instead of the closed form."""

    def badness(share: float) -> float:
        gain = share + difference
        rest = count - gained - lost
        return -(
            (gained * math.log(gain) if gained else 0.0)
            + (lost * math.log(share) if lost else 0.0)
            + (rest * math.log1p(-share - gain) if rest else 0.0)
        )

    low, high = max(0.0, -difference), (1 - difference) / 2
    share = minimize_scalar(badness, bounds=(low + 1e-12, high - 1e-12), method="bounded", options={"xatol": 1e-14}).x
    deviation = math.sqrt(count * (2 * share + difference * (1 - difference)))
    return (gained - lost - count * difference) / deviation


@pytest.mark.parametrize(
    ("gained", "lost", "count"), [(40, 20, 160), (5, 10, 100), (1, 7, 21), (3, 1, 30), (9, 2, 500)]
)
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_ends_of_the_score_interval_are_just_rejected(gained: int, lost: int, count: int, level: float) -> None:
    z = stats.norm.ppf((1 + level) / 2)
    found = score_interval(gained, lost, count, level)
    assert score(gained, lost, count, found.low) == pytest.approx(z, abs=1e-5)
    assert score(gained, lost, count, found.high) == pytest.approx(-z, abs=1e-5)


@pytest.mark.parametrize("count", [1, 2, 30, 192])
def test_the_score_interval_without_a_change_is_its_closed_form(count: int) -> None:
    half = stats.norm.ppf(0.975) ** 2 / (count + stats.norm.ppf(0.975) ** 2)
    assert score_interval(0, 0, count) == Interval(pytest.approx(-half, abs=1e-12), pytest.approx(half, abs=1e-12))


@pytest.mark.parametrize(("gained", "lost", "count"), [(1, 0, 1), (0, 1, 1), (30, 0, 30), (0, 30, 30), (7, 0, 30)])
def test_the_score_interval_stays_within_one_and_holds_the_estimate(gained: int, lost: int, count: int) -> None:
    found = score_interval(gained, lost, count)
    assert -1 <= found.low <= (gained - lost) / count <= found.high <= 1
    assert found.high - found.low > 0.01


def test_the_score_interval_turns_round_with_the_sides() -> None:
    ours, theirs = score_interval(12, 5, 80), score_interval(5, 12, 80)
    assert (ours.low, ours.high) == (pytest.approx(-theirs.high, abs=1e-12), pytest.approx(-theirs.low, abs=1e-12))


def test_the_bootstrap_is_that_of_scipy_up_to_its_monte_carlo_error() -> None:
    tail = stats.norm.cdf(math.sqrt(60 / 59) * stats.t.ppf(0.025, 59))
    expected = stats.bootstrap(
        (REPEATED,),
        np.mean,
        confidence_level=1 - 2 * tail,
        n_resamples=40_000,
        batch=2_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    found = bootstrap_interval(REPEATED)
    # Four standard errors of a 2.3 % quantile of 10,000 normal draws: 4 x 0.026 standard deviations.
    allowed = 4 * 0.026 * np.std(REPEATED) / math.sqrt(60)
    assert found.low == pytest.approx(expected.low, abs=allowed)
    assert found.high == pytest.approx(expected.high, abs=allowed)


def test_resamples_have_the_mean_and_the_deviation_of_their_law() -> None:
    means = resampled_means(REPEATED)
    assert means.shape == (NUM_RESAMPLES,)
    error = np.std(REPEATED) / math.sqrt(60)
    assert means.mean() == pytest.approx(np.mean(REPEATED), abs=4 * error / math.sqrt(NUM_RESAMPLES))
    assert means.std() == pytest.approx(error, rel=4 / math.sqrt(2 * NUM_RESAMPLES))


@pytest.mark.parametrize("shift", [-0.1, 0.0, 0.05, 0.12])
def test_the_bootstraps_p_value_is_the_level_at_which_its_interval_touches_zero(shift: float) -> None:
    differences = tuple(each - float(np.mean(REPEATED)) + shift for each in REPEATED)
    p_value = bootstrap_p_value(differences)
    for level, is_inside in (
        (1 - p_value * 1.05, True),
        (1 - p_value * 0.95, True),
        (1 - min(0.999, p_value * 1.2), False),
    ):
        if 0 < level < 1 and level != 1 - p_value:
            found = bootstrap_interval(differences, level)
            if p_value * 1.2 < 0.999 and not is_inside:
                assert not found.low < 0 < found.high
            if level == 1 - p_value * 0.95:
                assert found.low <= 1e-4
                assert found.high >= -1e-4


def test_the_same_data_give_the_same_bootstrap() -> None:
    assert bootstrap_interval(REPEATED) == bootstrap_interval(REPEATED)
    assert bootstrap_interval(REPEATED, seed=1) != bootstrap_interval(REPEATED)


def test_students_interval_and_test_are_those_of_scipy() -> None:
    few = REPEATED[:7]
    expected = stats.ttest_1samp(few, 0.0)
    found, interval = student_interval(few), expected.confidence_interval(0.95)
    assert student_p_value(few) == pytest.approx(expected.pvalue, abs=1e-12)
    assert (found.low, found.high) == (pytest.approx(interval.low, abs=1e-9), pytest.approx(interval.high, abs=1e-9))


def test_the_detectable_difference_has_the_power_it_promises() -> None:
    difference = detectable(0.4, 200)
    z = stats.norm.ppf(0.975)
    assert stats.norm.sf(z - difference / (0.4 / math.sqrt(200))) == pytest.approx(0.8, abs=1e-9)


@pytest.mark.parametrize(("level", "expected"), [(0.9, 5), (0.95, 6), (0.99, 8)])
def test_the_fewest_changes_are_the_first_that_mcnemar_calls_significant(level: float, expected: int) -> None:
    assert fewest_changes(level) == expected
    assert mcnemar(0, expected) <= 1 - level < mcnemar(0, expected - 1)


def single(outcomes: Sequence[int]) -> dict[str, list[bool]]:
    return {f"p{number}": [bool(each)] for number, each in enumerate(outcomes)}


def test_single_runs_are_compared_by_mcnemar_and_tango() -> None:
    found = paired_difference(single([1, 1, 0, 0, 1, 0, 0, 0]), single([1, 0, 1, 1, 1, 1, 0, 0]))
    assert (found.num_gained, found.num_lost, found.value) == (3, 1, 0.25)
    assert (found.test, found.method, found.is_single) == ("exact McNemar", "Tango's score", True)
    assert found.p_value == mcnemar(3, 1)
    assert found.interval() == score_interval(3, 1, 8)


def test_repeated_runs_are_compared_by_problem_with_their_seeds_inside() -> None:
    a = {f"p{n}": [n % 3 == 0, n % 2 == 0] for n in range(40)}
    b = {f"p{n}": [n % 5 == 0, n % 2 == 0, n % 7 == 0] for n in range(40)}
    found = paired_difference(a, b)
    expected = [sum(b[name]) / 3 - sum(a[name]) / 2 for name in a]
    assert found.differences == pytest.approx(expected)
    assert found.method == "bootstrap by problem"
    assert found.interval() == bootstrap_interval(expected)
    assert found.p_value == bootstrap_p_value(expected)


def test_the_order_of_problems_changes_nothing() -> None:
    a = {f"p{n}": [n % 3 == 0, n % 2 == 0] for n in range(40)}
    b = {f"p{n}": [n % 5 == 0, n % 2 == 1] for n in range(40)}
    turned = paired_difference(dict(reversed(a.items())), b)
    assert turned.interval() == paired_difference(a, b).interval()


def test_the_same_seeds_given_twice_make_nothing_surer() -> None:
    a = {f"p{n}": [n % 3 == 0, n % 2 == 0] for n in range(40)}
    b = {f"p{n}": [n % 5 == 0, n % 2 == 1] for n in range(40)}
    twice = paired_difference({name: right * 2 for name, right in a.items()}, {name: r * 2 for name, r in b.items()})
    assert twice.interval() == paired_difference(a, b).interval()


@pytest.mark.parametrize("count", [1, 2, 30])
@pytest.mark.parametrize("seeds", [1, 4])
@pytest.mark.parametrize("is_right", [True, False])
def test_equal_runs_differ_by_nothing_but_what_could_have_been_missed(count: int, seeds: int, is_right: bool) -> None:
    runs = {f"p{n}": [is_right] * seeds for n in range(count)}
    found = paired_difference(runs, runs)
    assert (found.value, found.p_value) == (0.0, 1.0)
    assert found.interval() == found.guarded() == score_interval(0, 0, count)
    assert not math.isnan(found.detectable)


@pytest.mark.parametrize("count", [1, 3, 20])
def test_a_change_that_is_the_same_on_every_problem_is_tested_by_sign_flips(count: int) -> None:
    a = {f"p{n}": [True, True] for n in range(count)}
    b = {f"p{n}": [True, False] for n in range(count)}
    found = paired_difference(a, b)
    assert found.value == -0.5
    assert found.p_value == min(1.0, 2 * 0.5**count)
    assert found.interval().low < -0.5 < found.interval().high


def test_the_guard_is_wider_than_the_interval_where_seeds_hide_few_problems() -> None:
    a = {f"p{n}": [True] * 16 for n in range(30)}
    b = {f"p{n}": [True] * 15 + [n % 5 > 0] for n in range(30)}
    found = paired_difference(a, b)
    assert found.interval().low > -0.05
    assert found.guarded().low < -0.05


def test_what_can_be_detected_shrinks_with_the_number_of_problems() -> None:
    pattern_a, pattern_b = [1, 0, 1, 0, 1, 1, 0, 0], [1, 0, 0, 1, 1, 1, 0, 0]
    few = paired_difference(single(pattern_a * 5), single(pattern_b * 5))
    many = paired_difference(single(pattern_a * 80), single(pattern_b * 80))
    assert many.detectable == pytest.approx(few.detectable / 4)
    nothing = paired_difference(single([1] * 100), single([1] * 100))
    assert nothing.detectable == 0.06, "six changes of a hundred, all in one direction"


@pytest.mark.parametrize(
    ("a", "b"),
    [({}, {}), (single([1, 0]), single([1])), (single([1]), {"other": [True]}), ({"p0": []}, {"p0": [True]})],
)
def test_other_problems_and_none_at_all_are_refused(a: dict[str, list[bool]], b: dict[str, list[bool]]) -> None:
    with pytest.raises(InputError, match="only runs of the same problems can be compared"):
        paired_difference(a, b)


def test_outcomes_of_other_problems_are_refused() -> None:
    with pytest.raises(InputError, match="only runs of the same problems can be compared"):
        compare({("p", 0): True}, {("p", 1): True})


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, "0.0"), (-0.0, "0.0"), (-0.0004, "0.0"), (0.0125, "+1.2"), (-0.031, "-3.1")]
)
def test_points_have_a_sign_and_no_negative_zero(share: float, expected: str) -> None:
    assert points(share) == expected
