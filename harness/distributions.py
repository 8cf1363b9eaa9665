"""Probability laws that the statistics need: normal, Student's t, its non-central form, binomial; and a root finder.

Written here because scipy would be a third of the base install for these few. Each agrees with scipy to 1e-9 over the
ranges that the tests walk through (`tests/harness/test_distributions.py`). Arguments that are arrays may be any shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache, lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STANDARD = NormalDist()
_SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
"""Coefficients of Stirling's series for the logarithm of the gamma function (Abramowitz and Stegun, 6.1.41)."""
_SHIFT = 8
"""Steps by which small arguments are moved up before the series: the first term left out is then below 1e-14."""
_TINY = 1e-300
_PRECISION = 4e-15
_MOST_TERMS = 10_000
_NODES = 256
"""Gauss-Legendre nodes of the non-central t; 128 already give 1e-12."""
_REACH = 12.0
"""Standard deviations of a chi variable over which it is integrated."""


def normal_cdf(value: float) -> float:
    """Chance that a standard normal variable is at most `value`."""
    return _STANDARD.cdf(value)


def normal_quantile(share: float) -> float:
    """Where `normal_cdf` reaches `share`, which lies strictly between 0 and 1."""
    return _STANDARD.inv_cdf(share)


def log_gamma(values: NDArray[Any] | float) -> NDArray[Any]:
    """Logarithm of the gamma function of positive numbers."""
    import numpy as np

    moved = np.asarray(values, dtype=float)
    product = np.ones_like(moved)
    for step in range(_SHIFT):
        product = product * (moved + step)
    moved = moved + _SHIFT
    series: Any = sum(weight / moved ** (2 * place + 1) for place, weight in enumerate(_SERIES))
    found: NDArray[Any] = (moved - 0.5) * np.log(moved) - moved + 0.5 * math.log(2 * math.pi) + series - np.log(product)
    return found


def log_beta(a: NDArray[Any] | float, b: NDArray[Any] | float) -> NDArray[Any]:
    """Logarithm of the beta function of positive numbers."""
    found: NDArray[Any] = log_gamma(a) + log_gamma(b) - log_gamma(a + b)
    return found


def beta_share(a: NDArray[Any] | float, b: NDArray[Any] | float, x: NDArray[Any] | float) -> NDArray[Any]:
    """The regularised incomplete beta function I_x(a, b), for positive a and b and x from 0 to 1.

    By its continued fraction on the side where that converges fast (Abramowitz and Stegun, 26.5.8), evaluated by
    Lentz's method.
    """
    import numpy as np

    a, b, x = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float), np.asarray(x, float))
    is_turned = x > (a + 1) / (a + b + 2)
    left, right = np.where(is_turned, b, a), np.where(is_turned, a, b)
    share = np.where(is_turned, 1 - x, x)
    with np.errstate(divide="ignore"):
        front = left * np.log(share) + right * np.log1p(-share) - log_beta(left, right) - np.log(left)
    found = np.exp(front) * _fraction(left, right, share)
    found = np.where(share <= 0, 0.0, np.minimum(1.0, found))
    return np.where(is_turned, 1 - found, found)


def student_cdf(value: float, freedom: float) -> float:
    """Chance that Student's t with `freedom` degrees is at most `value`."""
    return 1 - student_tail(value, freedom)


def student_tail(value: float, freedom: float) -> float:
    """Chance that Student's t with `freedom` degrees is above `value`; small chances keep their digits."""
    if value < 0:
        return 1 - student_tail(-value, freedom)
    return 0.5 * _beta_share_of_numbers(freedom / 2, 0.5, freedom / (freedom + value**2))


@lru_cache(maxsize=4096)
def student_quantile(share: float, freedom: float) -> float:
    """Where `student_cdf` reaches `share`, which lies strictly between 0 and 1."""
    if share == 0.5:
        return 0.0
    tail = min(share, 1 - share)
    high = 1.0
    while student_tail(high, freedom) > tail:
        high *= 2
    found = root(lambda value: student_tail(value, freedom) - tail, 0.0, high)
    return found if share > 0.5 else -found


def noncentral_student_tail(value: float, freedom: float, shift: float) -> float:
    """Chance that (Z + `shift`) / S is above `value`, where Z is standard normal and freedom · S² chi-squared.

    Integrated over S, whose density is exact.
    """
    import numpy as np

    half_width = _REACH / math.sqrt(2 * freedom)
    low, high = max(0.0, 1 - half_width), 1 + half_width
    nodes, weights = _legendre()
    scale = low + (high - low) * (nodes + 1) / 2
    constant = math.log(2) + freedom / 2 * math.log(freedom / 2) - math.lgamma(freedom / 2)
    density = np.exp(constant + (freedom - 1) * np.log(scale) - freedom / 2 * scale**2)
    above = np.array([0.5 * math.erfc((value * each - shift) / math.sqrt(2)) for each in scale])
    return float(min(1.0, (high - low) / 2 * (weights * density) @ above))


def binomial_mass(right: NDArray[Any] | float, count: NDArray[Any] | float, chance: float) -> NDArray[Any]:
    """Chance of exactly `right` of `count`; `chance` from 0 to 1."""
    import numpy as np

    right, count = np.asarray(right, float), np.asarray(count, float)
    if chance in (0.0, 1.0):
        return np.where(right == chance * count, 1.0, 0.0)
    ways = log_gamma(count + 1) - log_gamma(right + 1) - log_gamma(count - right + 1)
    found: NDArray[Any] = np.exp(ways + right * math.log(chance) + (count - right) * math.log1p(-chance))
    return found


def binomial_cdf(right: NDArray[Any] | float, count: NDArray[Any] | float, chance: float) -> NDArray[Any]:
    """Chance of at most `right` of `count`; 0 below 0, 1 from `count` on."""
    import numpy as np

    right, count = np.broadcast_arrays(np.asarray(right, float), np.asarray(count, float))
    is_inside = (right >= 0) & (right < count)
    kept = np.where(is_inside, right, 0.0)
    found = beta_share(np.where(is_inside, count - kept, 1.0), kept + 1, 1 - chance)
    return np.where(is_inside, found, np.where(right < 0, 0.0, 1.0))


def sign_test(num_gained: int, changed: int) -> float:
    """Two-sided exact p-value of `num_gained` of `changed` fair coins; `changed` is at least 1."""
    ways = found = 1
    for number in range(min(num_gained, changed - num_gained)):
        ways = ways * (changed - number) // (number + 1)
        found += ways
    return min(1.0, float(Fraction(2 * found, 2**changed)))


def root(function: Callable[[float], float], low: float, high: float, precision: float = 1e-14) -> float:
    """Where `function` is 0 between `low` and `high`, at which it has different signs or is 0.

    The ITP method (Oliveira and Takahashi 2020): never more evaluations than halving, and few where it is smooth.
    """
    at_low, at_high = function(low), function(high)
    if at_low == 0 or at_high == 0:
        return low if at_low == 0 else high
    if (at_low > 0) == (at_high > 0):
        raise ValueError(f"no change of sign between {low} and {high}")
    sign = 1.0 if at_low < 0 else -1.0
    most = max(0, math.ceil(math.log2((high - low) / (2 * precision)))) + 1
    slope = 0.2 / (high - low)
    for step in range(most + 1):
        if high - low <= 2 * precision:
            break
        middle = (low + high) / 2
        reach = max(0.0, precision * 2.0 ** (most - step) - (high - low) / 2)
        crossing = (low * at_high - high * at_low) / (at_high - at_low)
        side = math.copysign(1.0, middle - crossing)
        cut = slope * (high - low) ** 2
        near = crossing + side * cut if cut <= abs(middle - crossing) else middle
        place = near if abs(near - middle) <= reach else middle - side * reach
        value = function(place)
        if value == 0:
            return place
        if (value > 0) == (sign > 0):
            high, at_high = place, value
        else:
            low, at_low = place, value
    return (low + high) / 2


def _beta_share_of_numbers(a: float, b: float, x: float) -> float:
    """`beta_share` of single numbers, 50 times as fast as an array of one."""
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_share_of_numbers(b, a, 1 - x)
    if x <= 0:
        return 0.0
    front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) - math.log(a)
    found: float = _fraction(a, b, x)
    return min(1.0, math.exp(front) * found)


def _fraction(a: Any, b: Any, x: Any) -> Any:
    """The continued fraction behind `beta_share`, of numbers or arrays, until every element stands still."""
    above = 1.0 + 0 * x
    below = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    found = change = below
    for number in range(1, _MOST_TERMS):
        for term in (
            number * (b - number) * x / ((a + 2 * number - 1) * (a + 2 * number)),
            -(a + number) * (a + b + number) * x / ((a + 2 * number) * (a + 2 * number + 1)),
        ):
            below = 1 / _away_from_zero(1 + term * below)
            above = _away_from_zero(1 + term / above)
            change = above * below
            found = found * change
        is_still = abs(change - 1) < _PRECISION
        if is_still if isinstance(is_still, bool) else is_still.all():
            break
    return found


def _away_from_zero(values: Any) -> Any:
    if isinstance(values, float):
        return values if abs(values) >= _TINY else _TINY
    import numpy as np

    return np.where(np.abs(values) < _TINY, _TINY, values)


@cache
def _legendre() -> tuple[NDArray[Any], NDArray[Any]]:
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights
