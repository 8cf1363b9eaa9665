"""The scaling report as one HTML file: interactive charts, tables and notes, which needs no network and asks for none.

Every name in it (tasks, methods, runs) is text from outside: it reaches the page escaped, and the charts as data, where
`<` is written as an escape so that it can end no script. A policy in the page's head forbids every request.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from harness.compute_axis import SHORT_TITLES
from harness.published import PAPER
from harness.scaling import Curve, Scaling, TaskScaling
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
from harness.scaling_table import accuracy_rows, cited_rows, frontier_rows, number, saturation_heading, saturation_rows

PLOTLY = Path(__file__).with_name("assets") / "plotly.min.js"
"""Draws the charts; a copy, see VENDORED.md beside it."""
_MARKS = {"circle": "circle", "square": "square", "triangle": "triangle-up", "diamond": "diamond",
          "pentagon": "pentagon", "star": "star", "cross": "x"}  # fmt: skip
_DASHES = {"solid": "solid", "dashdot": "dashdot", "dashed": "dash"}
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1120px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.25em; margin-top: 2em; } h3 { font-size: 1em; margin: 1.6em 0 .4em; }
.chart { height: 560px; } .wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92em; }
th, td { padding: .2em .7em; text-align: right; white-space: nowrap; border-bottom: 1px solid #e4e4e4; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
.cited, .cited th, .cited td { color: #666; } .partial { color: #a40000; font-weight: bold; }
"""


def page(report: Scaling) -> str:
    """The whole file."""
    title = f"Scaling: {', '.join(task.task for task in report.tasks)}"
    charts = [chart(report, task) if task.curves else None for task in report.tasks]
    body = "".join(_section(report, task, number) for number, task in enumerate(report.tasks))
    return (
        "<!DOCTYPE html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f"</head><body><h1>{escape(title)}</h1>{body}"
        f"<script>{PLOTLY.read_text(encoding='utf-8')}</script>"
        f'<script type="application/json" id="charts">{script_json(charts)}</script>'
        f"<script>{_DRAW}</script></body></html>\n"
    )


_DRAW = """
JSON.parse(document.getElementById("charts").textContent).forEach((chart, number) => {
  if (chart) Plotly.newPlot("chart" + number, chart.data, chart.layout,
    {displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d"]});
});
"""


def chart(report: Scaling, task: TaskScaling) -> dict[str, Any]:
    """One task's chart as plotly's `data` and `layout`."""
    traces = [
        trace
        for curve, shift in zip(task.curves, shifts(report, task), strict=True)
        for trace in _curve_traces(report, curve, shift)
    ]
    if not all(style(report, curve).in_legend for curve in task.curves):
        traces.append(_oracle_entry())
    if len(task.methods) > 1 and len(task.frontier) > 1:
        traces.append(_frontier_trace(report, task))
    traces += _cited_traces(task)
    return {"data": traces, "layout": _layout(report, task)}


def script_json(content: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _curve_traces(report: Scaling, curve: Curve, shift: float) -> Iterator[dict[str, Any]]:
    how = style(report, curve)
    xs = [point.cost * shift for point in curve.points]
    if how.interval == "band":
        yield _band(curve, how, xs, _plain(_group(report, curve)))
    yield {
        "type": "scatter",
        "mode": "lines+markers",
        "name": _plain(how.name),
        "legendgroup": _plain(_group(report, curve)),
        "x": xs,
        "y": [_percent(point.accuracy.value) for point in curve.points],
        "customdata": [_hover(report, curve, place) for place in range(len(xs))],
        "hovertemplate": "%{customdata}<extra></extra>",
        "line": {"color": how.colour, "width": 3 if how.is_strong else 1.6, "dash": _DASHES[how.line]},
        "marker": {
            "symbol": _MARKS[how.marker] + ("-open" if curve.is_oracle else ""),
            "size": 9 if how.is_strong else 7,
            "color": how.colour,
        },
        "error_y": _bars(curve, how) if how.interval == "whiskers" else {"visible": False},
        "showlegend": how.in_legend,
    }


def _group(report: Scaling, curve: Curve) -> str:
    """What comes and goes with one click: of several methods everything of one, of one method each rule."""
    return curve.method.label if len(report.labels) > 1 else style(report, curve).name


def _oracle_entry() -> dict[str, Any]:
    """What stands in the legend for every dashed line."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": ALL_ORACLES,
        "x": [None],
        "y": [None],
        "line": {"color": "#555555", "width": 1.6, "dash": "dash"},
        "marker": {"symbol": "circle-open", "size": 7, "color": "#555555"},
    }


def _band(curve: Curve, how: Style, xs: Sequence[float], group: str) -> dict[str, Any]:
    """The pointwise intervals as one closed shape that comes and goes with its curve."""
    lows = [_percent(point.accuracy.low) for point in curve.points]
    highs = [_percent(point.accuracy.high) for point in curve.points]
    return {
        "type": "scatter",
        "mode": "lines",
        "legendgroup": group,
        "showlegend": False,
        "hoverinfo": "skip",
        "x": [*xs, *reversed(xs)],
        "y": [*highs, *reversed(lows)],
        "fill": "toself",
        "fillcolor": f"{_rgba(how.colour, 0.15 if how.is_strong else 0.06)}",
        "line": {"width": 0, "color": how.colour},
    }


def _bars(curve: Curve, how: Style) -> dict[str, Any]:
    found = [point.accuracy for point in curve.points]
    return {
        "type": "data",
        "symmetric": False,
        "array": [_percent(each.high - each.value) for each in found],
        "arrayminus": [_percent(each.value - each.low) for each in found],
        "color": _rgba(how.colour, 0.5),
        "thickness": 1.5,
        "width": 0,
    }


def _frontier_trace(report: Scaling, task: TaskScaling) -> dict[str, Any]:
    shift_of = dict(zip(map(id, task.curves), shifts(report, task), strict=True))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": FRONTIER,
        "x": [each.point.cost * shift_of[id(each.curve)] for each in task.frontier],
        "y": [_percent(each.point.accuracy.value) for each in task.frontier],
        "hoverinfo": "skip",
        "line": {"color": "#222222", "width": 1.2, "dash": "dot", "shape": "hv"},
        "marker": {"symbol": "circle-open", "size": 17, "color": "#222222", "line": {"width": 1.2}},
    }


def _cited_traces(task: TaskScaling) -> Iterator[dict[str, Any]]:
    for position, curve in enumerate(task.cited_curves):
        yield {
            "type": "scatter",
            "mode": "lines+markers" if curve.is_line else "markers",
            "name": _plain(f"{PAPER}, {curve.points[0].place}: {curve.label}"),
            "x": [point.budget for point in curve.points],
            "y": [_percent(point.accuracy) for point in curve.points],
            "customdata": [
                _plain(f"{each.system}, {each.budget}: {_percent(each.accuracy)} % ({each.source})")
                + (f"<br>{_plain(each.note)}" if each.note else "")
                for each in curve.points
            ],
            "hovertemplate": "not ours: %{customdata}<extra></extra>",
            "line": {"color": CITED_COLOUR, "width": 1.2, "dash": "dot"},
            "marker": {
                "symbol": _MARKS[CITED_MARKERS[position % len(CITED_MARKERS)]] + "-open",
                "size": 7,
                "color": CITED_COLOUR,
            },
        }


def _hover(report: Scaling, curve: Curve, place: int) -> str:
    point = curve.points[place]
    unanswered = ", ".join(f"{count:,} {name}" for name, count in point.counts.items())
    cost = "" if report.axis == "trajectories" else f", {number(point.cost)} {SHORT_TITLES[report.axis]}"
    return "<br>".join(
        map(
            _plain,
            (
                style(report, curve).name,
                f"{point.budget} trajectories{cost}",
                f"{point.accuracy.text()} %",
                unanswered,
            ),
        )
    )


def _layout(report: Scaling, task: TaskScaling) -> dict[str, Any]:
    costs = [point.cost for curve in task.curves for point in curve.points]
    costs += [float(point.budget or 1) for curve in task.cited_curves for point in curve.points]
    shown = [end for curve in task.curves for each in curve.points for end in (each.accuracy.low, each.accuracy.high)]
    shown += [point.accuracy for curve in task.cited_curves for point in curve.points]
    marks = ticks(costs, report.axis == "trajectories")
    low, high = x_range(costs)
    return {
        "template": None,
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#222222"},
        "plot_bgcolor": "white",
        "paper_bgcolor": "white",
        "hovermode": "closest",
        "margin": {"l": 60, "r": 10, "t": 20, "b": 60},
        "legend": {"x": 1.02, "y": 1, "font": {"size": 12}},
        "xaxis": {
            "type": "log",
            "title": {"text": axis_title(report)},
            "range": [math.log10(low), math.log10(high)],
            "tickmode": "array",
            "tickvals": [place for place, _ in marks],
            "ticktext": [label for _, label in marks],
            "showgrid": False,
            "linecolor": "#444444",
            "ticks": "outside",
        },
        "yaxis": {
            "title": {"text": "Accuracy (%), 95 % interval"},
            "range": list(y_range(shown)),
            "gridcolor": "#DDDDDD",
            "zeroline": False,
            "linecolor": "#444444",
        },
    }


def _section(report: Scaling, task: TaskScaling, place: int) -> str:
    parts = [f"<h2>{escape(task.task)}</h2>"]
    if not task.is_complete:
        parts.append('<p class="partial">PARTIAL: see the notes</p>')
    if task.curves:
        parts.append(f'<div class="chart" id="chart{place}"></div>')
    if task.notes:
        parts.append(f"<h3>Notes</h3><ul>{''.join(f'<li>{escape(note)}</li>' for note in task.notes)}</ul>")
    if task.curves:
        parts.append(_table("Accuracy in %, with its 95 % interval", accuracy_rows(task, report.axis)))
    if any(curve.saturation for curve in task.curves):
        parts.append(_table(saturation_heading(report.axis), saturation_rows(task)))
    if len(task.methods) > 1 and task.frontier:
        heading = "Compute frontier: the best for its cost, and the share of resamples of the problems in which it is"
        parts.append(_table(heading, frontier_rows(task, report.axis)))
    if task.cited:
        heading = "Not ours: reported by the rStar-Math paper on this task"
        parts.append(_table(heading, cited_rows(task), "cited"))
    return "".join(parts)


def _table(heading: str, rows: Sequence[Sequence[str]], kind: str = "") -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows[1:])
    return (
        f'<h3>{escape(heading)}</h3><div class="wide {kind}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _plain(text: str) -> str:
    """A text that plotly, which reads some HTML in its labels, shows as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _percent(share: float) -> float:
    return round(100 * share, 3)


def _rgba(colour: str, alpha: float) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"
