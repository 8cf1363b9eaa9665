"""Figures that others have published for a task: data with a source, never mixed with what was measured here.

The files lie in `leaderboard/published`, which holds data alone; this module reads them and imports nothing from there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.user_task import PREFIX

_FOLDER = Path(__file__).resolve().parents[1] / "leaderboard" / "published"
PAPER = "rStar-Math paper"
CURVES = "Figure 3"
"""Accuracy against the number of trajectories, three systems."""
MAIN_TABLE = "Table 5"
"""The paper's main results."""
OTHER_POLICIES = "rStar-Math, other policies"
"""The main table's systems that the figure leaves out, as points of one kind."""


@dataclass(frozen=True, slots=True)
class Cited:
    """One published accuracy."""

    task: str
    system: str
    method: str
    budget: int | None
    """Trajectories or samples per problem; None where that means nothing."""
    accuracy: float
    """0 to 1."""
    is_digitised: bool
    """Read off a plot."""
    source: str
    """`arXiv:2501.04519 Table 5`."""
    note: str
    """What to know before comparing; empty where nothing is known against it."""

    @property
    def place(self) -> str:
        """`Table 5` or `Figure 3`."""
        return self.source.partition(" ")[2]


@dataclass(frozen=True, slots=True)
class CitedCurve:
    """The points of one published system, by budget."""

    label: str
    points: tuple[Cited, ...]
    is_line: bool
    """Whether the source draws them as a curve."""


def cited(task: str, places: Iterable[str] = (CURVES, MAIN_TABLE)) -> list[Cited]:
    """What is published on the task (a `RunSpec.task`), at these places; nothing for a task of the user's own."""
    if task.startswith(PREFIX):
        return []
    return [each for each in _all() if each.task == task and each.place in tuple(places)]


def cited_curves(task: str) -> list[CitedCurve]:
    """What a chart of accuracy against trajectories can show beside its own curves.

    The curves of Figure 3, and the points of the main table for the paper's own systems that the figure leaves out.
    """
    curves = [
        CitedCurve(_short(system), tuple(points), is_line=True)
        for system, points in _by_system(cited(task, (CURVES,))).items()
    ]
    in_figure = {point.system for curve in curves for point in curve.points}
    table = [
        each
        for each in cited(task, (MAIN_TABLE,))
        if each.system.startswith("rStar-Math") and each.system.replace("^64", "") not in in_figure
    ]
    return curves + ([CitedCurve(OTHER_POLICIES, tuple(table), is_line=False)] if table else [])


def _short(system: str) -> str:
    """The system's name without what a reader of the chart knows."""
    return system.replace(" SLM+", " + ").replace(" LLM+", " + ").replace("Qwen2.5 Best-of-N", "Qwen2.5 best of N")


def _by_system(points: Iterable[Cited]) -> dict[str, list[Cited]]:
    found: dict[str, list[Cited]] = {}
    for each in points:
        if each.budget is not None:
            found.setdefault(each.system, []).append(each)
    return found


@cache
def _all() -> tuple[Cited, ...]:
    path = _FOLDER / "rstar_math.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Cited(
                row["task"],
                row["system"],
                row["method"],
                int(row["budget"]) if row["budget"] else None,
                float(row["accuracy"]) / 100,
                row["is_digitised"] == "yes",
                row["source"],
                row["note"],
            )
            for row in csv.DictReader(file)
        )
