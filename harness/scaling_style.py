"""How curves are told apart, alike in the picture and on the page: colour, marker and line of each method and rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.compute_axis import AXIS_TITLES
from harness.report import RULE_TITLES
from harness.run_summary import ORACLE
from harness.scaling import Curve, Scaling, TaskScaling
from harness.scaling_table import number

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette (2008), which keeps its contrasts for colour-blind readers, without its yellow."""
CITED_COLOUR = "#757575"
"""Grey is for what was not measured here, and for nothing else."""
MARKERS = ("circle", "square", "triangle", "diamond", "pentagon", "star", "cross")
"""Shapes tell lines apart in print without colour."""
CITED_MARKERS = ("circle", "square", "diamond", "triangle", "pentagon", "star", "cross")
_RULE_COLOURS = {"best": "#D55E00", "weighted": "#0072B2", "majority": "#009E73", "top_k": "#CC79A7", ORACLE: "#000000"}
_RULE_MARKERS = {"best": "circle", "weighted": "square", "majority": "triangle", "top_k": "diamond", ORACLE: "cross"}
_RULE_LINES = {"best": "solid", "weighted": "solid", "majority": "dashdot", "top_k": "dashdot", ORACLE: "dashed"}
_NICE = (1, 2, 5)
_DODGE, _WIDEST_DODGE = 0.05, 0.3
"""Doublings between neighbouring whiskers, and at most between the first and the last."""
_MOST_BANDS = 3
"""Bands that can lie over each other and still be told apart; more methods have whiskers. Chosen by eye."""
ALL_ORACLES = "dashed: oracle (pass@N)"
FRONTIER = "compute frontier"


@dataclass(frozen=True, slots=True)
class Style:
    """How one curve is drawn."""

    name: str
    """In the legend."""
    colour: str
    marker: str
    """One of `MARKERS`."""
    line: str
    """`solid`, `dashdot` or `dashed` (the oracle alone)."""
    is_strong: bool
    """Drawn thicker."""
    interval: Literal["band", "whiskers", "none"]
    """`none` for oracles among several methods, whose intervals would hide what they belong to; tables have them."""
    in_legend: bool
    """Of several methods only their own rules are; one entry explains all oracles."""


def style(report: Scaling, curve: Curve) -> Style:
    """Of one method each rule has a colour; of several each method has one, its oracle the same, dashed."""
    labels = report.labels
    title = RULE_TITLES[curve.rule] + (" (pass@N)" if curve.is_oracle else "")
    if len(labels) == 1:
        colour, marker = _RULE_COLOURS[curve.rule], _RULE_MARKERS[curve.rule]
        name = f"{title}, own rule" if curve.is_headline else title
    else:
        position = labels.index(curve.method.label)
        colour, marker = COLOURS[position % len(COLOURS)], MARKERS[position % len(MARKERS)]
        if position >= len(COLOURS):
            marker = MARKERS[(position + 1 + position // len(COLOURS)) % len(MARKERS)]
        name = f"{curve.method.label}: {title}"
    is_one = len(labels) == 1
    return Style(
        name + curve.method.state,
        colour,
        marker,
        _RULE_LINES[curve.rule],
        is_strong=curve.is_headline,
        interval=_interval(curve, num_methods=len(labels)),
        in_legend=is_one or not curve.is_oracle,
    )


def _interval(curve: Curve, num_methods: int) -> Literal["band", "whiskers", "none"]:
    if curve.is_oracle:
        return "none" if num_methods > 1 or len(curve.points) == 1 else "band"
    is_band = curve.is_headline and num_methods <= _MOST_BANDS and len(curve.points) > 1
    return "band" if is_band else "whiskers"


def shifts(report: Scaling, task: TaskScaling) -> list[float]:
    """By what each curve's costs are multiplied in a drawing, so that whiskers at the same cost lie side by side."""
    is_whiskered = [style(report, curve).interval == "whiskers" for curve in task.curves]
    # Methods that differ in cost are apart already.
    if report.axis != "trajectories" and len(task.methods) > 1:
        return [1.0] * len(is_whiskered)
    places = [place for place, each in enumerate(is_whiskered) if each]
    step = min(_DODGE, _WIDEST_DODGE / max(1, len(places) - 1))
    return [
        2 ** ((places.index(place) - (len(places) - 1) / 2) * step) if each else 1.0
        for place, each in enumerate(is_whiskered)
    ]


def axis_title(report: Scaling) -> str:
    """Below the axis."""
    return AXIS_TITLES[report.axis]


def ticks(values: Sequence[float], is_budgets: bool, most: int = 9) -> list[tuple[float, str]]:
    """Places and labels below a logarithmic axis that shows `values`, all above 0: the budgets, else round numbers."""
    low, high = min(values), max(values)
    if is_budgets:
        places = sorted(set(values))
    else:
        powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
        places = [digit * 10.0**power for power in powers for digit in _NICE]
        first, last = x_range(values)
        places = [place for place in places if first <= place <= last] or [low]
    return [(place, number(place)) for place in _apart(places, (high / low) ** (1 / most))]


def x_range(values: Sequence[float]) -> tuple[float, float]:
    """The ends of a logarithmic axis that shows `values` whole."""
    low, high = min(values), max(values)
    margin = max(1.12, (high / low) ** 0.04)
    return low / margin, high * margin


def y_range(values: Sequence[float]) -> tuple[float, float]:
    """Per cent, from the ten below the lowest of `values` (0 to 1) to the ten above the highest."""
    low, high = 10 * math.floor(10 * min(values) + 1e-9), 10 * math.ceil(10 * max(values) - 1e-9)
    # A little beyond 0 and 100, so that a marker there is whole.
    return low - 1.5 * (low <= 0), high + 1.5 * (high >= 100)


def _apart(places: Sequence[float], nearest: float) -> list[float]:
    """`places`, ascending, without those whose labels would touch the one before; the last one is kept."""
    kept: list[float] = []
    for place in reversed(places):
        if not kept or kept[-1] >= place * nearest * (1 - 1e-9):
            kept.append(place)
    return kept[::-1]
