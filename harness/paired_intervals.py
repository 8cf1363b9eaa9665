"""How sure the difference of two paired accuracies is: intervals, p-values, and what could have been detected.

Everything is about one number per problem: the share of its runs that B got right minus the share that A got right,
in [-1, 1]. Problems are the independent units; the seeds of a problem stay inside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.distributions import normal_cdf, normal_quantile, root, student_cdf, student_quantile, student_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVEL = 0.95
"""Of every interval unless another is asked for."""
NUM_RESAMPLES = 10_000
"""Of a bootstrap. At 10,000 the Monte Carlo error of a 2.5 % tail is 0.16 points (binomial)."""
FEWEST_FOR_BOOTSTRAP = 10
"""Problems below which resampling has too few different values; Student's t by problem takes its place. Chosen, not
tuned."""
_BESIDE = 1e-9
"""Step away from the estimate, which solves the equation itself where nothing, or everything, changed."""
DETECTION_POWER = 0.8
"""The usual chance with which a study should see what it looks for (Cohen 1988)."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of differences, within [-1, 1]."""

    low: float
    high: float

    def text(self) -> str:
        """In points: `[-4.1, +1.3]`."""
        return f"[{points(self.low)}, {points(self.high)}]"


def points(share: float) -> str:
    """A difference in percentage points, with its sign and without a negative zero: `+1.3`."""
    rounded = round(100 * share, 1)
    return f"{rounded + 0.0:+.1f}" if rounded else "0.0"


@lru_cache(maxsize=4096)
def score_interval(num_gained: float, num_lost: float, count: float, level: float = LEVEL) -> Interval:
    """Tango's score interval (Statistics in Medicine 17, 1998) of the difference of two paired shares.

    `num_gained` and `num_lost` of `count` pairs changed; they need not be whole numbers. It is not empty where nothing
    changed: a change that `count` pairs could have missed stays possible.
    """
    z = normal_quantile((1 + level) / 2)
    found = (num_gained - num_lost) / count

    def distance(difference: float, side: int) -> float:
        return found - difference - side * z * _score_deviation(num_gained, num_lost, count, difference)

    low = -1.0 if distance(-1.0, 1) <= 0 else root(lambda each: distance(each, 1), -1.0, found - _BESIDE)
    high = 1.0 if distance(1.0, -1) >= 0 else root(lambda each: distance(each, -1), found + _BESIDE, 1.0)
    return Interval(float(low), float(high))


def bootstrap_interval(differences: Sequence[float], level: float = LEVEL, seed: int = 0) -> Interval:
    """The percentile bootstrap of the mean, resampling whole problems, at a level widened for few problems.

    The widening is Hesterberg's (The American Statistician 69, 2015, section 3.3): percentiles alone are too narrow by
    about (n-1)/n and by the step from t to normal. Needs at least two problems that differ.
    """
    import numpy as np

    tail = _widened_tail((1 - level) / 2, len(differences))
    low, high = np.quantile(resampled_means(differences, seed), [tail, 1 - tail])
    return Interval(float(low), float(high))


def bootstrap_p_value(differences: Sequence[float], seed: int = 0) -> float:
    """Two-sided: the level at which `bootstrap_interval` would just reach zero, never below 2 / (resamples + 1)."""
    means = resampled_means(differences, seed)
    tail = (1 + min(int((means <= 0).sum()), int((means >= 0).sum()))) / (len(means) + 1)
    return min(1.0, 2 * _narrowed_tail(tail, len(differences)))


def resampled_means(differences: Sequence[float], seed: int = 0) -> NDArray[np.float64]:
    """`NUM_RESAMPLES` means of as many problems as there are, drawn with replacement: shape (resamples,).

    Problems with the same difference are drawn together, by the multinomial law of their number: the law of
    `scipy.stats.bootstrap`, without its index of resamples times problems (at 5,000 problems 30 times less work).
    """
    return _resampled(tuple(differences), seed)


@lru_cache(maxsize=8)
def _resampled(differences: tuple[float, ...], seed: int) -> NDArray[np.float64]:
    """An interval, its p-value and other levels stand on the same resamples."""
    import numpy as np

    values, counts = np.unique(np.asarray(differences, dtype=float), return_counts=True)
    total = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=NUM_RESAMPLES)
    means: NDArray[np.float64] = drawn @ values / total
    return means


def student_interval(differences: Sequence[float], level: float = LEVEL) -> Interval:
    """Student's t interval of the mean over problems, cut to [-1, 1]. Needs at least two problems."""
    mean, error = _mean_and_error(differences)
    half = student_quantile((1 + level) / 2, len(differences) - 1) * error
    return Interval(max(-1.0, mean - half), min(1.0, mean + half))


def student_p_value(differences: Sequence[float]) -> float:
    """Two-sided p-value of the paired t test. Needs at least two problems that differ."""
    mean, error = _mean_and_error(differences)
    return 2 * student_tail(abs(mean) / error, len(differences) - 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): p-values, in their order, that hold for all the tests together."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def detectable(deviation: float, count: int, level: float = LEVEL, power: float = DETECTION_POWER) -> float:
    """The true difference, 0 to 1, that a two-sided test over `count` problems finds with chance `power`, where the
    difference of one problem has the standard deviation `deviation` (normal approximation)."""
    return min(1.0, (normal_quantile((1 + level) / 2) + normal_quantile(power)) * deviation / math.sqrt(count))


def fewest_changes(level: float = LEVEL) -> int:
    """Changes, all in one direction, that McNemar's exact test needs before it calls them a difference: 6 at 95 %."""
    return math.ceil(1 + math.log2(1 / (1 - level)))


def _score_deviation(num_gained: float, num_lost: float, count: float, difference: float) -> float:
    """Standard error of the observed difference if `difference` were true, with the likeliest share of losses."""
    linear = (2 * count - num_gained + num_lost) * difference - num_gained - num_lost
    constant = -num_lost * difference * (1 - difference)
    lost = (math.sqrt(max(0.0, linear**2 - 8 * count * constant)) - linear) / (4 * count)
    return math.sqrt(max(0.0, 2 * lost + difference * (1 - difference)) / count)


def _mean_and_error(differences: Sequence[float]) -> tuple[float, float]:
    count = len(differences)
    mean = math.fsum(differences) / count
    variance = math.fsum((each - mean) ** 2 for each in differences) / (count - 1)
    return mean, math.sqrt(variance / count)


@lru_cache(maxsize=1024)
def _widened_tail(tail: float, count: int) -> float:
    return normal_cdf(math.sqrt(count / (count - 1)) * student_quantile(tail, count - 1))


def _narrowed_tail(tail: float, count: int) -> float:
    """The inverse of `_widened_tail`."""
    return student_cdf(normal_quantile(tail) * math.sqrt((count - 1) / count), count - 1)
