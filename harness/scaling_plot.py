"""The scaling curve of a run: accuracy against trajectories, tokens or seconds, one line for each rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from harness.report import RULE_TITLES
from harness.run_summary import ORACLE, RunSummary
from tasks.types import InputError

Axis = Literal["trajectories", "tokens", "seconds"]
AXIS_TITLES: dict[Axis, str] = {
    "trajectories": "Trajectories per problem",
    "tokens": "Tokens written by the policy, mean per problem",
    "seconds": "Seconds per search, mean (many searches run at a time)",
}
# Okabe and Ito's palette (2008), which keeps its contrasts for colour-blind readers; markers tell lines apart in grey.
_STYLES = {
    "best": ("#D55E00", "o", "-"),
    "weighted": ("#0072B2", "s", "-"),
    "majority": ("#009E73", "^", "-"),
    "top_k": ("#CC79A7", "D", "-"),
    ORACLE: ("#555555", "v", "--"),
}
_SIZE_INCHES, _DOTS_PER_INCH = (8.0, 4.5), 160
_DODGE = 0.05
"""Doublings between the error bars of two rules, so that bars do not hide each other."""

_MOST_TICKS = 12
"""Labels that fit below the axis."""


def x_values(summary: RunSummary, axis: Axis) -> list[float]:
    """What each budget of the run had cost on the chosen axis."""
    costs = map(summary.cost, summary.record.spec.budgets)
    if axis == "tokens":
        return [cost.usage["completion_tokens"] for cost in costs]
    if axis == "seconds":
        return [cost.usage["wall_seconds"] for cost in costs]
    return [float(cost.budget) for cost in costs]


def save_plots(summary: RunSummary, axis: Axis, paths: list[Path]) -> None:
    """Draw the curve into every one of `paths`, each in the format of its ending (.png or .svg).

    Raises InputError where a file cannot be written, and for an axis on which nothing was measured.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    xs = x_values(summary, axis)
    if min(xs) <= 0:
        raise InputError(f"--axis {axis}: the records hold none; use --axis trajectories")
    with mpl.rc_context(
        {"font.size": 11, "svg.hashsalt": summary.record.id, "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
        axes = figure.add_subplot()
        _draw_lines(axes, summary, xs)
        _label(axes, summary, axis, xs)
        for path in paths:
            try:
                # No date in the file: the same records give the same picture.
                metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
                figure.savefig(path, metadata=metadata)
            except OSError as error:
                raise InputError(f"{path}: cannot be written ({error.strerror}); check the folder") from error


def _draw_lines(axes: Any, summary: RunSummary, xs: list[float]) -> None:
    rules = summary.rules
    for number, rule in enumerate(rules):
        points = [summary.point(rule, budget).accuracy for budget in summary.record.spec.budgets]
        values = [100 * point.value for point in points]
        bars = [
            [100 * (point.value - point.low) for point in points],
            [100 * (point.high - point.value) for point in points],
        ]
        colour, marker, line = _STYLES[rule]
        is_headline = rule == summary.record.spec.rule
        shift = 2 ** ((number - (len(rules) - 1) / 2) * _DODGE)
        axes.errorbar(
            [x * shift for x in xs],
            values,
            yerr=bars,
            color=colour,
            marker=marker,
            linestyle=line,
            linewidth=2.4 if is_headline else 1.4,
            markersize=6 if is_headline else 5,
            ecolor=(colour, 0.45),
            elinewidth=1.6,
            capsize=0,
            label=RULE_TITLES[rule],
            zorder=4 if is_headline else 3,
        )


def _label(axes: Any, summary: RunSummary, axis: Axis, xs: list[float]) -> None:
    record = summary.record
    axes.set_xscale("log", base=2)
    ticks = _apart(xs)
    axes.set_xticks(ticks, [f"{x:,.0f}" if x >= 10 or axis == "trajectories" else f"{x:.2g}" for x in ticks])
    axes.minorticks_off()
    axes.set_xlabel(AXIS_TITLES[axis])
    axes.set_ylabel("Accuracy (%), 95 % interval")
    axes.set_ylim(*_limits(summary))
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    state = "" if summary.is_complete else f" (PARTIAL: {summary.num_done} of {record.num_records})"
    axes.set_title(
        f"{record.task_name}: {record.spec.solver}, {record.num_problems} problems, "
        f"{len(record.spec.seeds)} seed{'s' if len(record.spec.seeds) > 1 else ''}{state}",
        loc="left",
        fontsize=11,
    )
    # Beside the axes, where it can cover no data.
    title = f"{RULE_TITLES[record.spec.rule]} is the\nrun's own rule" if len(record.spec.rules) > 1 else None
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, title=title, title_fontsize=9)


def _apart(xs: list[float]) -> list[float]:
    """`xs`, ascending, without those whose labels would touch the one before."""
    kept: list[float] = []
    nearest = (xs[-1] / xs[0]) ** (1 / _MOST_TICKS)
    for x in xs:
        if not kept or x >= kept[-1] * nearest:
            kept.append(x)
    return kept


def _limits(summary: RunSummary) -> tuple[float, float]:
    """The range that holds every interval, to the next ten per cent."""
    points = [summary.point(rule, budget).accuracy for rule in summary.rules for budget in summary.record.spec.budgets]
    low = 10 * (100 * min(point.low for point in points) // 10)
    high = 10 * -(-100 * max(point.high for point in points) // 10)
    # A little beyond 0 and 100, so that a marker there is whole.
    return low - 1.5 * (low <= 0), high + 1.5 * (high >= 100)
