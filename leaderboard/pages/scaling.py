"""Accuracy against what it cost, per task, on five axes; drawn by plotly from the same report as `rstar report`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from harness.compute_axis import AXIS_TITLES, Axis
from harness.published import PAPER, cited, cited_curves
from harness.scaling import Scaling, ScalingOptions, TaskScaling, scaling
from harness.scaling_page import chart
from harness.scaling_table import accuracy_rows, cited_rows, frontier_rows, saturation_heading, saturation_rows
from leaderboard.published_rows import published_rows
from leaderboard.site import Site, by_group
from leaderboard.site_files import SiteFiles
from leaderboard.systems import System
from tasks.types import InputError

MAX_DRAWN = 12
"""Systems on one chart, the most accurate; more lines cannot be told apart. Chosen by eye."""
_SWITCH = {
    "trajectories": "Trajectories",
    "tokens": "Tokens",
    "flops": "FLOPs",
    "gpu-seconds": "Device time",
    "wall": "Wall time",
}
"""Words on the switch, by `harness.compute_axis.Axis`."""
_WEIGHTS_PLACE = re.compile(r"weights in [^()]+?(?=, whose|\))")
"""A folder of the machine that built the site, which says nothing to a reader."""


@dataclass(frozen=True, slots=True)
class Table:
    """A heading and its rows, the first of which names the columns."""

    heading: str
    rows: list[list[str]]
    is_published: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Systems of one task that answered the same problems: their charts by axis, and why an axis is missing."""

    title: str
    charts: dict[str, Any]
    refused: dict[str, str]
    notes: tuple[str, ...]
    tables: tuple[Table, ...]
    num_systems: int
    num_drawn: int


def write(site: Site, files: SiteFiles) -> None:
    """Write `scaling.html`."""
    charts: dict[str, dict[str, Any]] = {}
    sections = []
    for systems in by_group(site.systems):
        sections.append(_section(_title(systems[0], set(charts)), systems[0].task, systems))
        charts[sections[-1].title] = sections[-1].charts
    for task in _published_tasks(set(site.tasks)):
        sections.append(_section(f"{task} (published only)", task, []))
        charts[sections[-1].title] = sections[-1].charts
    files.page(
        "scaling.html",
        "scaling.html",
        title="Scaling",
        sections=sections,
        charts=charts,
        switch=_SWITCH,
        max_drawn=MAX_DRAWN,
    )


def _title(system: System, known: set[str]) -> str:
    """The task, how much of it, and, where that is not enough to tell groups apart, the data's hash."""
    title = ", ".join(filter(None, (system.task, system.part)))
    return title if title not in known else f"{title}, data {system.runs[0].record.inputs.task_sha256[:8]}"


def _section(title: str, task: str, systems: list[System]) -> Section:
    drawn = systems[:MAX_DRAWN]
    reports, refused = _reports(task, drawn)
    charts = {str(axis): chart(report, report.tasks[0]) for axis, report in reports.items() if _has_points(report)}
    shown = reports.get("tokens") or reports.get("trajectories")
    notes = tuple(_WEIGHTS_PLACE.sub("from its weights", note) for note in _notes(reports)) if drawn else ()
    tables = tuple(_tables(shown)) if shown else ()
    return Section(title, charts, refused, notes, tables, len(systems), len(drawn))


def _reports(task: str, systems: list[System]) -> tuple[dict[Axis, Scaling], dict[str, str]]:
    """A report for every axis that has something, and for the others the reason."""
    if not systems:
        alone = TaskScaling(task, (), (), (), tuple(cited(task)), tuple(cited_curves(task)), ())
        return {"trajectories": Scaling("trajectories", (alone,))}, {}
    found: dict[Axis, Scaling] = {}
    refused = {}
    summaries = [run.summary for system in systems for run in system.runs]
    for axis in AXIS_TITLES:
        try:
            found[axis] = scaling(summaries, ScalingOptions(axis, is_mixed=True))
        except InputError as error:
            refused[_SWITCH[axis]] = str(error).partition(": ")[2].partition(";")[0]
    return found, refused


def _has_points(report: Scaling) -> bool:
    [task] = report.tasks
    return any(curve.points for curve in task.curves) or any(curve.points for curve in task.cited_curves)


def _notes(reports: dict[Axis, Scaling]) -> list[str]:
    """Those of all axes, each once, without what only a user of the command line can do."""
    every = [note for report in reports.values() for task in report.tasks for note in task.notes]
    return [note for note in dict.fromkeys(every) if "--x" not in note]


def _tables(report: Scaling) -> list[Table]:
    [task] = report.tasks
    tables = []
    if task.curves:
        tables.append(Table("Accuracy in %, with its 95 % interval", _texts(accuracy_rows(task, report.axis))))
    if any(curve.saturation for curve in task.curves):
        tables.append(Table(saturation_heading(report.axis), _texts(saturation_rows(task))))
    if len(task.methods) > 1 and task.frontier:
        heading = "Compute frontier: the best for its cost, and the share of resamples of the problems in which it is"
        tables.append(Table(heading, _texts(frontier_rows(task, report.axis))))
    if task.cited:
        tables.append(Table(f"Not ours: what the {PAPER} reports", _texts(cited_rows(task)), is_published=True))
    return tables


def _texts(rows: Any) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in rows]


def _published_tasks(known: set[str]) -> list[str]:
    """Tasks of which others have published curves and nobody here has a run."""
    every = dict.fromkeys(row.task for row in published_rows())
    return [task for task in every if task not in known and any(curve.is_line for curve in cited_curves(task))]
