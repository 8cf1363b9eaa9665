"""The compute frontier: which method at which budget is the most accurate for what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rstar.seeds import derive

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NUM_RESAMPLES = 1000
"""A share of them has a Monte Carlo error of at most 1.6 points."""


def frontier(costs: Sequence[float], accuracies: Sequence[float]) -> list[int]:
    """Positions of the points that no point as cheap or cheaper equals or beats, cheapest first.

    Of two points alike in both, the first counts.
    """
    found: list[int] = []
    best = -1.0
    for index in sorted(range(len(costs)), key=lambda each: (costs[each], -accuracies[each], each)):
        if accuracies[index] > best:
            found.append(index)
            best = accuracies[index]
    return found


def frontier_shares(costs: Sequence[float], right: NDArray[np.float64], name: str) -> list[float]:
    """For each point the share of resamples of the problems in which it is on the frontier, 0 to 1.

    `right` has a row per problem and a column per point (share of its seeds that were right); the same problems in all
    columns, so that points are compared on the same resample. Costs stay as they are. Of points that tie in a resample
    the cheapest is on the frontier, and of those the first.
    """
    import numpy as np

    # Rounded, so that equal shares of right answers tie exactly.
    accuracies = np.round(resample_counts(len(right), NUM_RESAMPLES, name) @ right, 9)
    shares = [0.0] * len(costs)
    best = np.full(len(accuracies), -1.0)
    for cost in sorted(set(costs)):
        alike = [index for index, each in enumerate(costs) if each == cost]
        first = accuracies[:, alike].argmax(axis=1)
        highest = accuracies[:, alike].max(axis=1)
        is_better = highest > best
        for place, index in enumerate(alike):
            shares[index] = float((is_better & (first == place)).mean())
        best = np.maximum(best, highest)
    return shares


def resample_counts(num_problems: int, num_resamples: int, name: str) -> NDArray[np.int64]:
    """How often each problem stands in each resample: `num_resamples` rows that add up to `num_problems` each."""
    import numpy as np

    generator = np.random.default_rng(derive(0, "resample", name))
    drawn = generator.integers(0, num_problems, (num_resamples, num_problems))
    offsets = num_problems * np.arange(num_resamples)[:, None]
    return np.bincount((drawn + offsets).ravel(), minlength=num_resamples * num_problems).reshape(drawn.shape)
