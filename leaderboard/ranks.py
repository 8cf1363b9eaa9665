"""Which place a system has among those that answered the same problems, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.frontier import NUM_RESAMPLES, resample_counts

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Rank:
    """A place, 1 for the best, and the places that 95 % of resamples of the problems put it between."""

    value: int
    """1 plus how many systems are more accurate; systems that are level share a place."""
    low: int
    high: int

    def text(self) -> str:
        """`2 [1, 4]`."""
        return f"{self.value} [{self.low}, {self.high}]"


def ranks(right: Sequence[Mapping[str, float]], name: str) -> list[Rank]:
    """The place of each system; `right` holds, per system, the share of right runs of every problem, 0 to 1.

    Problems are drawn again with replacement, the same ones for all systems, so what is hard for everybody moves
    nobody. Systems that are level in a resample count as better at the low end and as worse at the high end. `name`
    addresses the draw. A problem that a system lacks counts as wrong.
    """
    import numpy as np

    if not right:
        return []
    problems = sorted({problem for each in right for problem in each})
    if not problems:
        return [Rank(1, 1, len(right)) for _ in right]
    shares = np.array([[each.get(problem, 0.0) for each in right] for problem in problems])
    # Rounded, so that equal shares of right answers tie exactly.
    accuracies = np.round(resample_counts(len(problems), NUM_RESAMPLES, name) @ shares, 6)
    observed = np.round(shares.sum(axis=0), 6)
    found = []
    for index in range(len(right)):
        own = accuracies[:, [index]]
        # Places are whole numbers, so a quantile is one that occurred, never a mean of two.
        low = np.quantile(1 + (accuracies > own).sum(axis=1), (1 - LEVEL) / 2, method="inverted_cdf")
        high = np.quantile((accuracies >= own).sum(axis=1), (1 + LEVEL) / 2, method="inverted_cdf")
        value = 1 + int((observed > observed[index]).sum())
        found.append(Rank(value, min(value, int(low)), max(value, int(high))))
    return found
