"""Our probability laws against scipy's, over the ranges that the statistics use."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, special, stats

from harness import distributions as ours


def close(found: object, expected: object, relative: float = 1e-9) -> None:
    np.testing.assert_allclose(found, expected, rtol=relative, atol=1e-13)


def test_logarithms_of_gamma_and_beta() -> None:
    values = np.concatenate([np.geomspace(1e-6, 1e5, 400), np.arange(1, 60) / 2])
    close(ours.log_gamma(values), special.gammaln(values), 1e-12)
    found, expected = ours.log_beta(values[:, None], values[::9]), special.betaln(values[:, None], values[::9])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("a", [0.5, 1, 3, 40, 2_000, 60_000])
def test_incomplete_beta(a: float) -> None:
    b, x = np.array([0.5, 1, 7, 300, 50_000])[:, None], np.linspace(0, 1, 41)
    close(ours.beta_share(a, b, x), special.betainc(a, b, x))


@pytest.mark.parametrize("freedom", [1, 2, 3, 9, 29, 499, 100_000])
def test_students_t(freedom: float) -> None:
    for value in (-40, -3, -0.2, 0, 0.7, 2.5, 12):
        close(ours.student_cdf(value, freedom), stats.t.cdf(value, freedom))
        close(ours.student_tail(value, freedom), stats.t.sf(value, freedom))
    for share in (1e-6, 0.004, 0.025, 0.3, 0.5, 0.8, 0.975, 0.9999):
        close(ours.student_quantile(share, freedom), stats.t.ppf(share, freedom))


@pytest.mark.parametrize("freedom", [1, 2, 5, 29, 400, 9_000])
@pytest.mark.parametrize("shift", [0.0, 0.4, 2.8, 7.0])
def test_noncentral_t(freedom: float, shift: float) -> None:
    for value in (1.7, 2.0, 4.3):
        close(ours.noncentral_student_tail(value, freedom, shift), stats.nct.sf(value, freedom, shift), 1e-7)


@pytest.mark.parametrize("chance", [0.0, 0.01, 0.5, 0.93, 1.0])
def test_binomial(chance: float) -> None:
    count = np.array([1, 2, 30, 500, 20_000])[:, None]
    right = np.floor(count * np.linspace(0, 1, 23))
    close(ours.binomial_mass(right, count, chance), stats.binom.pmf(right, count, chance), 1e-8)
    close(ours.binomial_cdf(right - 1, count, chance), stats.binom.cdf(right - 1, count, chance), 1e-8)


def test_the_sign_test_is_the_binomial_test() -> None:
    for changed in (1, 2, 9, 40, 301):
        for gained in range(0, changed + 1, max(1, changed // 9)):
            close(ours.sign_test(gained, changed), stats.binomtest(gained, changed, 0.5).pvalue)


def test_normal() -> None:
    for share in (1e-9, 0.025, 0.5, 0.8, 0.975, 1 - 1e-7):
        close(ours.normal_quantile(share), stats.norm.ppf(share))
        close(ours.normal_cdf(ours.normal_quantile(share)), share)


def test_a_root_is_found_with_few_evaluations() -> None:
    calls = []

    def function(x: float) -> float:
        calls.append(x)
        return math.exp(x) - 2

    close(ours.root(function, -5, 40), optimize.brentq(lambda x: math.exp(x) - 2, -5, 40), 1e-12)
    assert len(calls) < 55
    with pytest.raises(ValueError, match="no change of sign"):
        ours.root(function, 1, 2)
