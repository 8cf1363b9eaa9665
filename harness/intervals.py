"""95 % intervals of a share: Wilson's for independent problems, one clustered by problem for repeated runs.

Both were chosen by their coverage at 30 problems, `tests/benchmarks/coverage.py`; docs/statistics.md shows the figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.distributions import log_beta

if TYPE_CHECKING:
    from numpy.typing import NDArray

Z_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: intervals hold 95 %."""
_TAIL = 0.025
_REACH = 6.0
"""Half the width of the grid in standard errors of fully dependent runs: what lies outside weighs less than 1e-8."""
_MEANS, _CORRELATIONS = 353, 32
"""Points of the grid. Against 1281 and 96 points the ends move by at most 0.3 % of the width; chosen for that."""
_EDGE = 1e-9
"""Between the grid and 0 or 1, where the beta function has no value."""
_LEVELS = 64
"""Fractional counts are rounded so that there are about so many different ones; for the interval only."""


def wilson(share: float, count: float) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of `share` in `count` independent trials, within [0, 1]; `count` may be a fraction.

    Not empty at the ends, where the textbook interval is. Equal to scipy's `BinomTestResult.proportion_ci("wilson")`.
    """
    low, high = _wilson(share, count, Z_95)
    # Rounding must not push an end past the share itself.
    return max(0.0, min(share, low)), min(1.0, max(share, high))


def repeated(counts: Sequence[float], num_runs: int) -> tuple[float, float]:
    """The 95 % interval of the mean share of right runs over problems like these, within [0, 1].

    `counts` has one number for each problem: how many of its `num_runs` runs were right; it may be a fraction.
    Problems are independent, runs of one problem are not. One run: `wilson`. Several: the interval of `posterior`, each
    end moved halfway to that of `effective_wilson` where the latter is further out. The first is right where its model
    of the problems is; the second needs none but is too narrow near 0 and 1. Halfway has the best coverage of what was
    tried (docs/statistics.md). Raises ValueError without problems.
    """
    if not counts or num_runs < 1:
        raise ValueError("an interval needs at least one problem and one run")
    mean = math.fsum(counts) / (len(counts) * num_runs)
    if num_runs == 1:
        return wilson(mean, len(counts))
    (low, high), (other_low, other_high) = posterior(counts, num_runs), effective_wilson(counts, num_runs)
    return min(mean, (low + min(low, other_low)) / 2), max(mean, (high + max(high, other_high)) / 2)


def effective_wilson(counts: Sequence[float], num_runs: int) -> tuple[float, float]:
    """Wilson's interval at the effective number of independent runs; arguments as for `repeated`.

    That is the problems times the variance of one run over the variance between problems of their mean (the inverse of
    the survey statisticians' design effect, Kish 1965): at most all runs; the problems where all is right or wrong.
    """
    problems = len(counts)
    mean = min(1.0, max(0.0, math.fsum(counts) / (problems * num_runs)))
    between = math.fsum((count / num_runs - mean) ** 2 for count in counts) / problems
    if mean in (0.0, 1.0):
        return wilson(mean, problems)
    runs = problems * num_runs
    return wilson(mean, min(runs, problems * mean * (1 - mean) / between) if between > 0 else runs)


def posterior(counts: Sequence[float], num_runs: int) -> tuple[float, float]:
    """The central 95 % of the posterior of the mean in a beta-binomial model; arguments as for `repeated`.

    The chance to solve problem i is drawn from a beta distribution with mean m, under which two runs of a problem have
    the correlation r, and its count from a binomial (Skellam 1948). The prior is uniform on m and the arcsine law on r;
    r is integrated out. It reaches 0 or 1 where no run or every run was right.
    """
    levels: dict[float, int] = {}
    steps = max(1, _LEVELS // num_runs)
    for count in counts:
        level = round(count * steps) / steps
        levels[level] = levels.get(level, 0) + 1
    return _posterior(tuple(sorted(levels.items())), num_runs)


@lru_cache(maxsize=4096)
def _posterior(levels: tuple[tuple[float, int], ...], num_runs: int) -> tuple[float, float]:
    import numpy as np

    problems = sum(number for _, number in levels)
    total = math.fsum(level * number for level, number in levels)
    ends = _grid_ends(total / (problems * num_runs), problems)
    likelihood = sum(number * _log_chances(*ends, num_runs, level) for level, number in levels)
    density = np.exp(likelihood - np.max(likelihood)).sum(axis=1)
    below = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    means = np.linspace(*ends, _MEANS)
    low, high = (float(np.interp(tail * below[-1], below, means)) for tail in (_TAIL, 1 - _TAIL))
    return (0.0 if total == 0 else low), (1.0 if total == problems * num_runs else high)


@lru_cache(maxsize=512)
def _log_chances(low: float, high: float, num_runs: int, level: float) -> NDArray[Any]:
    """Logarithm of the beta-binomial chance of `level` right of `num_runs`, but for its binomial coefficient.

    Over means from `low` to `high` and correlations: shape (means, correlations), 90 kB.
    """
    import numpy as np

    # Midpoints of the arcsine prior: correlation = sin^2 of an angle that is uniform.
    angles = (np.arange(_CORRELATIONS) + 0.5) / _CORRELATIONS * (math.pi / 2)
    sizes = 1 / np.sin(angles) ** 2 - 1
    means = np.linspace(low, high, _MEANS)[:, None]
    right, wrong = means * sizes, (1 - means) * sizes
    found: NDArray[Any] = log_beta(level + right, num_runs - level + wrong) - log_beta(right, wrong)
    return found


def _grid_ends(mean: float, problems: int) -> tuple[float, float]:
    """Where the posterior is, in steps of an eighth of its width or so: near means share a grid and its tables."""
    low, high = _wilson(mean, problems, _REACH)
    step = 2.0 ** math.floor(math.log2((high - low) / 8))
    return max(_EDGE, math.floor(low / step) * step), min(1 - _EDGE, math.ceil(high / step) * step)


def _wilson(share: float, count: float, z: float) -> tuple[float, float]:
    square = z**2
    centre = (share + square / (2 * count)) / (1 + square / count)
    half = z * math.sqrt(max(0.0, share * (1 - share)) / count + square / (4 * count**2)) / (1 + square / count)
    return centre - half, centre + half
