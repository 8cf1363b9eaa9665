"""Whether probabilities mean what they say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BINS = 10
"""Of the calibration: equal widths over [0, 1], as in Guo et al. 2017, section 2, who have 15. Chosen, not tuned."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probabilities against what happened. NaN without any."""

    count: int
    expected_error: float
    """Expected calibration error: mean over the bins of |mean probability - share that is right|, by their size."""
    brier: float
    """Mean squared difference between probability and outcome (Brier 1950)."""
    bins: tuple[tuple[float, float, int], ...]
    """Of each bin that is not empty: mean probability, share that is right, number."""


def calibration(probs: Sequence[float], outcomes: Sequence[float]) -> Calibration:
    """Of `probs` in [0, 1] for `outcomes` in [0, 1], one each."""
    if not probs:
        return Calibration(0, math.nan, math.nan, ())
    cells: dict[int, list[tuple[float, float]]] = {}
    for prob, outcome in zip(probs, outcomes, strict=True):
        cells.setdefault(min(int(prob * BINS), BINS - 1), []).append((prob, outcome))
    bins = tuple(
        (sum(prob for prob, _ in cell) / len(cell), sum(right for _, right in cell) / len(cell), len(cell))
        for _, cell in sorted(cells.items())
    )
    error = sum(abs(mean - share) * count for mean, share, count in bins) / len(probs)
    brier = sum((prob - outcome) ** 2 for prob, outcome in zip(probs, outcomes, strict=True)) / len(probs)
    return Calibration(len(probs), error, brier, bins)
