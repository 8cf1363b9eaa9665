"""Accuracy and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: intervals hold 95 %."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share of all problems, 0 to 1, with its 95 % interval."""

    value: float
    low: float
    high: float

    def text(self) -> str:
        """In per cent: `43.3 [27.4, 60.8]`."""
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def accuracy(num_correct: Sequence[int], num_seeds: int) -> Estimate:
    """Share of right answers; `num_correct` has one number per problem: how many of its `num_seeds` runs were right.

    The interval is Wilson's (1927), which stays within 0 and 1 and is not empty at the ends, at any n. Several runs of
    one problem are no independent problems, so n is the effective number: the problems times the variance that a
    single run would have, over the variance between problems of their mean. With one seed that is the number of
    problems; it is never more than all runs. Raises ValueError without problems.
    """
    num_problems = len(num_correct)
    if not num_problems or num_seeds < 1:
        raise ValueError("an accuracy needs at least one problem and one seed")
    mean = sum(num_correct) / (num_problems * num_seeds)
    between = sum((count / num_seeds - mean) ** 2 for count in num_correct) / num_problems
    if num_seeds == 1 or mean in (0.0, 1.0):
        effective = float(num_problems)
    else:
        all_runs = float(num_problems * num_seeds)
        effective = min(all_runs, num_problems * mean * (1 - mean) / between) if between > 0 else all_runs
    low, high = wilson(mean, effective)
    return Estimate(mean, low, high)


def wilson(share: float, count: float) -> tuple[float, float]:
    """Wilson's 95 % interval of `share` in `count` trials, within [0, 1]."""
    square = Z_95**2
    centre = (share + square / (2 * count)) / (1 + square / count)
    half = Z_95 * math.sqrt(share * (1 - share) / count + square / (4 * count**2)) / (1 + square / count)
    # Rounding must not push an end past the share itself.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
