"""Two runs at the same compute: what each reaches with as much as a shared limit allows.

A run was measured at its budgets alone. At each limit it stands at its dearest budget that costs no more: nothing is
interpolated, so a side can look up to one budget step worse than it is, and never better. Limits are the costs of all
budgets of both, within the range that both cover.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.compared_run import Side
from harness.compute_axis import SHORT_TITLES, Axis, GivenSizes, axis_values
from harness.metrics import Estimate
from harness.paired import paired_difference
from harness.paired_intervals import Interval
from tasks.types import InputError

_SAME = 1e-9
"""Relative difference below which two costs are one: rounding of means."""


@dataclass(frozen=True, slots=True)
class Level:
    """Both runs within one limit."""

    limit: float
    """Mean per problem and seed, on the axis."""
    budgets: tuple[int, int]
    costs: tuple[float, float]
    """What A and B really used; at most the limit."""
    accuracies: tuple[Estimate, Estimate]
    difference: float
    interval: Interval
    """For this limit alone, not corrected for how many there are."""


@dataclass(frozen=True, slots=True)
class EqualCompute:
    """Two runs over the range of compute that both cover."""

    axis: Axis
    levels: tuple[Level, ...]
    """Cheapest first; empty where the runs share no range."""
    ranges: tuple[tuple[float, float], tuple[float, float]]
    """From the cheapest to the dearest budget of A and of B."""
    note: str = ""
    """Why the axis is not the one that was asked for, or why there is no level."""

    def for_json(self) -> dict[str, Any]:
        """Everything, with names that stay."""
        return {
            "axis": self.axis,
            "ranges": [list(each) for each in self.ranges],
            "note": self.note,
            "levels": [
                {
                    "limit": level.limit,
                    "budgets": list(level.budgets),
                    "costs": list(level.costs),
                    "accuracies": [each.value for each in level.accuracies],
                    "difference": level.difference,
                    "interval_95": [level.interval.low, level.interval.high],
                }
                for level in self.levels
            ],
        }


def equal_compute(
    a: Side, b: Side, problems: list[str], axis: Axis | None, sizes: tuple[GivenSizes, GivenSizes] | None = None
) -> EqualCompute:
    """What A and B reach at the same compute, on `axis`; None: tokens, and trajectories where no tokens were counted.

    Raises InputError for an axis that was asked for and that a run did not measure.
    """
    given = sizes or (GivenSizes(), GivenSizes())
    note = ""
    try:
        chosen: Axis = axis or "tokens"
        costs = _costs(a, b, chosen, given)
    except InputError:
        if axis:
            raise
        chosen, note = "trajectories", "the records hold no token counts, so trajectories stand in their place"
        costs = _costs(a, b, chosen, given)
    ranges = ((costs[0][0], costs[0][-1]), (costs[1][0], costs[1][-1]))
    levels = tuple(_level(a, b, problems, costs, limit) for limit in _limits(*costs))
    if not levels:
        note = (
            f"no shared range of {SHORT_TITLES[chosen]}: one run's cheapest budget costs more than the other's dearest"
        )
    return EqualCompute(chosen, levels, ranges, note)


def _costs(a: Side, b: Side, axis: Axis, given: tuple[GivenSizes, GivenSizes]) -> tuple[list[float], list[float]]:
    return axis_values(a.summary, axis, given[0]), axis_values(b.summary, axis, given[1])


def _limits(a: list[float], b: list[float]) -> list[float]:
    """Costs at which a side moves on to its next budget, from where both have one up to where one has no more."""
    low, high = max(a[0], b[0]), min(a[-1], b[-1])
    found: list[float] = []
    for limit in sorted([*a, *b]):
        is_new = not found or limit > found[-1] * (1 + _SAME)
        if is_new and low * (1 - _SAME) <= limit <= high * (1 + _SAME):
            found.append(limit)
    return found


def _level(a: Side, b: Side, problems: list[str], costs: tuple[list[float], list[float]], limit: float) -> Level:
    # Costs grow with the budget, so the last one within the limit is the dearest.
    places = [max(index for index, cost in enumerate(each) if cost <= limit * (1 + _SAME)) for each in costs]
    sides = tuple(zip((a, b), places, strict=True))
    found = paired_difference(*(side.right_at(problems, place) for side, place in sides))
    first, other = (side.accuracy(problems, place) for side, place in sides)
    return Level(
        limit,
        (a.record.spec.budgets[places[0]], b.record.spec.budgets[places[1]]),
        (costs[0][places[0]], costs[1][places[1]]),
        (first, other),
        found.value,
        found.interval(),
    )
