"""The scaling curves as a picture: accuracy against cost, a panel per task, as PNG or SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any
from warnings import catch_warnings, filterwarnings

from harness.compute_axis import Axis
from harness.published import PAPER
from harness.run_summary import RunSummary
from harness.scaling import Curve, Scaling, ScalingOptions, TaskScaling, scaling
from harness.scaling_style import (
    ALL_ORACLES,
    CITED_COLOUR,
    CITED_MARKERS,
    FRONTIER,
    Style,
    axis_title,
    shifts,
    style,
    ticks,
    x_range,
    y_range,
)
from tasks.types import InputError

_MARKS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "pentagon": "p", "star": "*", "cross": "X"}
_LINES = {"solid": "-", "dashdot": "-.", "dashed": "--"}
_PANEL_INCHES, _LEGEND_INCHES, _DOTS_PER_INCH = (5.6, 4.5), 2.4, 160
_MOST_COLUMNS = 2
_LEGEND_INCHES_EACH = 0.19
"""Height of a line of the legend."""
_LEGEND_LETTERS = 32
_SETTINGS: dict[Any, Any] = {
    "font.size": 11,
    "svg.hashsalt": "rstar",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # a dollar sign in a name begins no formula
}


def save_plots(summary: RunSummary, axis: Axis, paths: list[Path]) -> None:
    """Draw one run's curves into every one of `paths`; see `save_chart`."""
    save_chart(scaling([summary], ScalingOptions(axis)), paths)


def save_chart(report: Scaling, paths: Sequence[Path]) -> None:
    """Draw the curves into every one of `paths`, each in the format of its ending (.png or .svg).

    The same records give the same bytes. Raises InputError where a file cannot be written, and where nothing can be
    drawn because there is no record yet.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    tasks = [task for task in report.tasks if task.curves]
    if not tasks:
        raise InputError("there is no record to draw yet; leave out --plot until the first problem is done")
    columns = min(len(tasks), _MOST_COLUMNS)
    rows = math.ceil(len(tasks) / columns)
    size = (_PANEL_INCHES[0] * columns + _LEGEND_INCHES, _PANEL_INCHES[1] * rows)
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=size, dpi=_DOTS_PER_INCH, layout="constrained")
        entries: dict[str, Any] = {}
        for position, task in enumerate(tasks):
            axes = figure.add_subplot(rows, columns, position + 1)
            entries |= _panel(axes, report, task)
        _legend(figure, entries)
        height = _LEGEND_INCHES_EACH * sum(1.4 + fill(name, _LEGEND_LETTERS).count("\n") for name in entries)
        figure.set_figheight(max(size[1], height))
        for path in paths:
            _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    # No date in the file: the same records give the same picture.
    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    try:
        with catch_warnings():
            # A name in a script that the font does not have is drawn as boxes; tables and the page show it.
            filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(path, metadata=metadata)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); check the folder") from error


def _panel(axes: Any, report: Scaling, task: TaskScaling) -> dict[str, Any]:
    """Draw one task; what the legend must name, in its order."""
    entries = _draw_cited(axes, task)
    styles = [style(report, curve) for curve in task.curves]
    for curve, how, shift in zip(task.curves, styles, shifts(report, task), strict=True):
        line = _draw_curve(axes, curve, how, shift)
        if how.in_legend:
            entries[how.name] = line
    if not all(how.in_legend for how in styles):
        entries[ALL_ORACLES] = _line(color="#555555", linestyle="--", marker="o", markerfacecolor="white", markersize=5)
    if len(task.methods) > 1 and len(task.frontier) > 1:
        entries[FRONTIER] = _draw_frontier(axes, report, task)
    _label(axes, report, task)
    # What was measured here comes first in the legend.
    names = [name for name in entries if not name.startswith(PAPER)]
    return {name: entries[name] for name in [*names, *(name for name in entries if name not in names)]}


def _draw_curve(axes: Any, curve: Curve, how: Style, shift: float) -> Any:
    xs = [point.cost * shift for point in curve.points]
    values = [100 * point.accuracy.value for point in curve.points]
    lows, highs = ([100 * getattr(point.accuracy, end) for point in curve.points] for end in ("low", "high"))
    if how.interval == "band":
        alpha = 0.16 if how.is_strong else 0.07
        axes.fill_between(xs, lows, highs, color=how.colour, alpha=alpha, linewidth=0, zorder=1)
    elif how.interval == "whiskers":
        bars = [
            [value - low for value, low in zip(values, lows, strict=True)],
            [high - value for value, high in zip(values, highs, strict=True)],
        ]
        axes.errorbar(xs, values, yerr=bars, fmt="none", ecolor=(how.colour, 0.5), elinewidth=1.4, zorder=2)
    [line] = axes.plot(
        xs,
        values,
        color=how.colour,
        marker=_MARKS[how.marker],
        linestyle=_LINES[how.line],
        linewidth=2.4 if how.is_strong else 1.4,
        markersize=6.5 if how.is_strong else 5,
        markerfacecolor="white" if curve.is_oracle else how.colour,
        zorder=5 if how.is_strong else 4,
    )
    return line


def _line(**how: Any) -> Any:
    """A line that stands in the legend alone."""
    from matplotlib.lines import Line2D

    return Line2D([], [], **how)


def _draw_frontier(axes: Any, report: Scaling, task: TaskScaling) -> Any:
    """A ring around every point that is the best for its cost, and the steps between them."""
    shift_of = dict(zip(map(id, task.curves), shifts(report, task), strict=True))
    xs = [each.point.cost * shift_of[id(each.curve)] for each in task.frontier]
    values = [100 * each.point.accuracy.value for each in task.frontier]
    [line] = axes.plot(
        xs,
        values,
        drawstyle="steps-post",
        color="#222222",
        linewidth=1.0,
        linestyle=(0, (1, 1.5)),
        marker="o",
        markersize=12,
        markerfacecolor="none",
        markeredgewidth=1.1,
        zorder=6,
    )
    return line


def _draw_cited(axes: Any, task: TaskScaling) -> dict[str, Any]:
    entries = {}
    for position, curve in enumerate(task.cited_curves):
        [line] = axes.plot(
            [point.budget for point in curve.points],
            [100 * point.accuracy for point in curve.points],
            color=CITED_COLOUR,
            marker=_MARKS[CITED_MARKERS[position % len(CITED_MARKERS)]],
            markerfacecolor="white",
            markersize=5,
            linewidth=1.0,
            linestyle=":" if curve.is_line else "none",
            zorder=3,
        )
        entries[f"{PAPER}, {curve.points[0].place}: {curve.label}"] = line
    return entries


def _label(axes: Any, report: Scaling, task: TaskScaling) -> None:
    costs = [point.cost for curve in task.curves for point in curve.points]
    costs += [float(point.budget or 1) for curve in task.cited_curves for point in curve.points]
    shown = [end for curve in task.curves for each in curve.points for end in (each.accuracy.low, each.accuracy.high)]
    shown += [point.accuracy for curve in task.cited_curves for point in curve.points]
    axes.set_xscale("log", base=2)
    axes.set_xlim(*x_range(costs))
    marks = ticks(costs, report.axis == "trajectories")
    axes.set_xticks([place for place, _ in marks], [label for _, label in marks])
    axes.minorticks_off()
    axes.set_xlabel(fill(axis_title(report), 62))
    axes.set_ylabel("Accuracy (%), 95 % interval")
    axes.set_ylim(*y_range(shown))
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_title(_title(task), loc="left", fontsize=11)


def _title(task: TaskScaling) -> str:
    first = task.methods[0]
    done = sum(method.num_done for method in task.methods)
    state = "" if task.is_complete else f" (PARTIAL: {done:,} of {sum(m.num_records for m in task.methods):,})"
    mixed = " (MIXED)" if any(note.startswith("MIXED") for note in task.notes) else ""
    seeds = sorted({method.num_seeds for method in task.methods})
    solver = f"{first.label}, " if len(task.methods) == 1 else ""
    counts = f"{first.num_problems:,} problem{'s' if first.num_problems > 1 else ''}"
    of_seeds = f"{' or '.join(map(str, seeds))} seed{'s' if seeds[-1] > 1 else ''}"
    return _wrapped(f"{task.task}: {solver}{counts}, {of_seeds}{state}{mixed}", 64)


def _wrapped(text: str, width: int) -> str:
    """The text in lines of `width` letters; a lone surrogate, which no font can draw, as its escape."""
    return fill(text.encode("utf-8", "backslashreplace").decode(), width)


def _legend(figure: Any, entries: dict[str, Any]) -> None:
    """Beside the panels, where it can cover no data."""
    figure.legend(
        list(entries.values()),
        [_wrapped(name, _LEGEND_LETTERS) for name in entries],
        loc="outside right center",
        frameon=False,
        fontsize=9,
        labelspacing=0.7,
        handlelength=2.6,
    )
