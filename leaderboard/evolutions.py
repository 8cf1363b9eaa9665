"""An evolution's report as a site shows it: the paper's tables as measured here, and a chart by round."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.scaling_style import CITED_COLOUR, COLOURS
from leaderboard.found_results import read_evolution_report
from tasks.types import InputError

TABLES = {
    2: ("Coverage of the round's pool", "Problems with a right solution among those searched for training, in %."),
    3: ("The policy alone, greedy", "What each round's policy reaches without search, in %."),
    4: ("The PPM, with the first policy throughout", "What a better judge alone brings, in %."),
    6: ("Policy and PPM of the same round", "What the round reaches with search, in %."),
    7: ("Other choices of training data", "The last round's policy trained on other solutions, greedy, in %."),
    8: ("Other reward models", "The last round's policy with another judge, in %."),
}
"""The paper's tables by number: what ours holds, in a title and a sentence."""
BY_ROUND = {3: "policy alone", 4: "first policy, PPM", 6: "policy and PPM"}
"""Those with a row a round, on all seven benchmarks, and their names on the chart."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what was measured here and the paper's figure for the like, both in per cent."""

    label: str
    measured: float
    low: float
    high: float
    paper: float | None
    detail: str


@dataclass(frozen=True, slots=True)
class RoundTable:
    """One of the paper's tables, as measured here."""

    number: int
    title: str
    about: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Evolution:
    """One run of `rstar evolve`."""

    place: str
    name: str
    task: str
    budget: int
    settings_sha256: str
    tables: tuple[RoundTable, ...]
    gates: tuple[str, ...]
    chart: dict[str, Any]


def read_evolution(folder: Path, place: str) -> Evolution:
    """The tables of the evolution in `folder`. Raises InputError for a report that cannot be read."""
    report: dict[str, Any] = dict(read_evolution_report(folder))
    try:
        tables = tuple(
            RoundTable(number, *TABLES[number], lines)
            for number in TABLES
            if (lines := tuple(_line(each) for each in report["lines"] if each["table"] == number and each["measured"]))
        )
        gates = tuple(_gate(each) for each in report["gates"])
        return Evolution(
            place=place,
            name=folder.name,
            task=str(report["task"]),
            budget=int(report["budget"]),
            settings_sha256=str(report["settings_sha256"]),
            tables=tables,
            gates=gates,
            chart=_chart(tables),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder}/report.json: is no report of an evolution ({error}); run it again") from error


def _line(content: dict[str, Any]) -> Line:
    measured = content["measured"]
    paper = content["paper"]
    value, low, high = (100 * float(measured[name]) for name in ("value", "low", "high"))
    return Line(
        str(content["label"]), value, low, high, None if paper is None else float(paper), str(content["detail"])
    )


def _gate(content: dict[str, Any]) -> str:
    found = content["comparison"]
    points = 100 * (found["num_gained"] - found["num_lost"]) / found["num_problems"]
    verdict = "worse, so the evolution stopped" if content["is_worse"] else "passed"
    return (
        f"round {content['number']}: {points:+.1f} points over {found['num_problems']:,} problems "
        f"({found['num_gained']} gained, {found['num_lost']} lost, p = {found['p_value']:.2g}): {verdict}"
    )


def _chart(tables: tuple[RoundTable, ...]) -> dict[str, Any]:
    """Accuracy by round as plotly's data and layout: ours in colour with intervals, the paper's in grey."""
    traces: list[dict[str, Any]] = []
    for place, table in enumerate(each for each in tables if each.number in BY_ROUND):
        name, x = BY_ROUND[table.number], [_round(line.label) for line in table.lines]
        traces.append(
            {
                "type": "scatter", "mode": "lines+markers", "name": f"{name}: here", "x": x,
                "y": [round(line.measured, 3) for line in table.lines],
                "error_y": {
                    "type": "data", "symmetric": False, "thickness": 1.5, "width": 0,
                    "array": [round(line.high - line.measured, 3) for line in table.lines],
                    "arrayminus": [round(line.measured - line.low, 3) for line in table.lines],
                },
                "line": {"color": COLOURS[place], "width": 2.5},
            }
        )  # fmt: skip
        traces.append(
            {
                "type": "scatter", "mode": "lines+markers", "name": f"{name}: paper, MATH", "x": x,
                "y": [line.paper for line in table.lines],
                "line": {"color": CITED_COLOUR, "width": 1.2, "dash": "dot"},
                "marker": {"symbol": ("circle-open", "square-open", "diamond-open")[place]},
            }
        )  # fmt: skip
    return {
        "data": traces,
        "layout": {
            "margin": {"l": 60, "r": 10, "t": 20, "b": 60},
            "legend": {"x": 1.02, "y": 1, "font": {"size": 12}},
            "xaxis": {"title": {"text": "Round"}, "type": "category", "showgrid": False},
            "yaxis": {"title": {"text": "Accuracy (%), 95 % interval"}, "zeroline": False},
        },
    }


def _round(label: str) -> str:
    """`policy-2 + ppm-2` is round 2; the base is its own."""
    number = label.rpartition("-")[2]
    return number if number.isdigit() else "base"
