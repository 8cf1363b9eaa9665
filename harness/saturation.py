"""Whether a scaling curve still rises at its end, said with evidence: the slope of a fitted line, with its interval.

The line is fitted by least squares to accuracy against the logarithm of the cost, through the last budgets. Its slope
is points per doubling of the cost. It is a weighted sum of accuracies, so every problem has a slope of its own and the
curve's is their mean. The interval resamples whole problems: the budgets of one problem are prefixes of one search and
its seeds are no problems of their own, so neither is treated as independent.

With few problems, few of them change between the budgets, and resampling those alone is too sure of itself (with none
it would be sure of nothing changing ever). So two made-up problems take part in the resampling, one that gains and one
that loses as much as one problem can: the correction of Bonett and Price (2012) for differences of paired proportions.
`tests/benchmarks/saturation.py` measures how often the interval holds the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.metrics import Estimate
from rstar.seeds import derive

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Verdict = Literal["still rising", "flat", "falling", "not enough evidence"]
LAST_DOUBLINGS = 2.0
"""The line goes through the budgets within the last two doublings, e.g. 16, 32 and 64. Chosen, not tuned."""
FLAT_POINTS = 1.0
"""A curve is called flat where the whole interval lies within one point per doubling. Chosen, not tuned: from 8 to 64
trajectories the paper's own curves rise by 0.2 to 2.2 points per doubling (Figure 3: MATH, AIME)."""
NUM_RESAMPLES = 4000
"""Monte Carlo error of an end of the interval: about 2 % of its width."""


@dataclass(frozen=True, slots=True)
class Saturation:
    """The end of one curve."""

    budgets: tuple[int, ...]
    """Those that the line was fitted through."""
    slope: Estimate
    """Points per doubling of the cost (not a share), with its 95 % interval."""
    verdict: Verdict


def last_budgets(budgets: Sequence[int]) -> list[int]:
    """Positions of the budgets within the last doublings; of the last two where that is one alone, [] for one budget.

    `budgets` ascend.
    """
    within = [index for index, budget in enumerate(budgets) if budget * 2**LAST_DOUBLINGS >= budgets[-1]]
    if len(within) < 2:
        within = [len(budgets) - 2, len(budgets) - 1]
    return within if len(budgets) > 1 else []


def saturation(
    right: NDArray[np.float64], budgets: Sequence[int], costs: Sequence[float], name: str
) -> Saturation | None:
    """The slope at the end of a curve, and what it says; None with one budget, or where the cost does not grow.

    `right` has a row per problem and a column per budget, each the share of the problem's seeds that were right, 0 to
    1; `costs` are the means per budget. The resampling is seeded by `name`.
    """
    import numpy as np

    used = last_budgets(budgets)
    if not used or not len(right) or not costs[used[-1]] > costs[used[0]]:
        return None
    doublings = np.log2([costs[index] for index in used])
    weights = (doublings - doublings.mean()) / ((doublings - doublings.mean()) ** 2).sum()
    slopes = 100 * right[:, used] @ weights
    low, high = _interval(slopes, 100 * largest_slope(weights), name)
    slope = Estimate(float(slopes.mean()), low, high)
    return Saturation(tuple(budgets[index] for index in used), slope, verdict(slope))


def verdict(slope: Estimate) -> Verdict:
    """What the interval of a slope in points per doubling says."""
    if slope.low >= -FLAT_POINTS and slope.high <= FLAT_POINTS:
        return "flat"
    if slope.low > 0:
        return "still rising"
    return "falling" if slope.high < 0 else "not enough evidence"


def largest_slope(weights: NDArray[np.float64]) -> float:
    """The steepest line of one problem that is wrong up to some budget and right from there on."""
    return float(weights[::-1].cumsum().max())


def _interval(slopes: NDArray[np.float64], largest: float, name: str) -> tuple[float, float]:
    """The 95 % interval of the mean of `slopes`, by resampling them with one more of each sign."""
    import numpy as np

    # Problems with the same slope are alike, so how many of each kind a resample holds is all that matters.
    kinds, counts = np.unique(np.append(slopes, [largest, -largest]), return_counts=True)
    total = int(counts.sum())
    generator = np.random.default_rng(derive(0, "saturation", name))
    means = generator.multinomial(total, counts / total, NUM_RESAMPLES) @ kinds / total
    low, high = np.quantile(means, [0.025, 0.975])
    # The estimate itself is of the problems alone; with very few of them it could lie outside.
    mean = float(slopes.mean())
    return min(mean, float(low)), max(mean, float(high))
