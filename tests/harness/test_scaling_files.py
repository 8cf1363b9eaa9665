"""The files of a scaling report: readable by their own readers, closed to what names may hold, asking for nothing."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest
from made_runs import BUDGETS, Invented, make_run
from sum_runs import rstar

from harness.run_folder import RUN_FILE
from harness.run_summary import summarize
from harness.scaling import Scaling, ScalingOptions, scaling
from harness.scaling_page import chart, page
from harness.scaling_plot import save_chart
from harness.scaling_style import ticks, x_range, y_range
from harness.scaling_table import number, scaling_csv, scaling_latex, scaling_lines, signed

HOSTILE = "<img src=x onerror=alert(1)></script><b>$x_1$ & 50%"


@pytest.fixture
def report(tmp_path: Path) -> Scaling:
    """Three methods on one task of the paper."""
    folders = [
        make_run(tmp_path, 20, Invented(cost=2.0)),
        make_run(tmp_path, 20, preset="self-consistency"),
        make_run(tmp_path, 20, preset="greedy", budgets=[1]),
    ]
    return scaling(list(map(summarize, folders)))


def hostile_report(folder: Path) -> Scaling:
    """A report in which everything that can be named is named with markup."""
    run = make_run(folder, 3)
    content = json.loads((run / RUN_FILE).read_text())
    content["task"] = HOSTILE
    content["sessions"][0]["device"] = HOSTILE
    (run / RUN_FILE).write_text(json.dumps(content))
    other = make_run(folder, 3, search={"num_candidates": 3})
    content = json.loads((other / RUN_FILE).read_text())
    content["task"] = HOSTILE
    (other / RUN_FILE).write_text(json.dumps(content))
    return scaling([summarize(run), summarize(other)], ScalingOptions("wall"))


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and what stands in script elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and self.scripts:
            self.scripts[-1] += data


def parsed(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    return tags


def test_the_page_loads_nothing_and_forbids_every_request(report: Scaling) -> None:
    tags = parsed(page(report)).tags
    assert [(tag, attrs) for tag, attrs in tags if {"src", "href"} & set(attrs)] == []
    [policy] = [attrs["content"] for tag, attrs in tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';")
    assert "http" not in policy


def test_names_reach_the_page_as_text(tmp_path: Path) -> None:
    text = page(hostile_report(tmp_path))
    assert HOSTILE not in text
    found = parsed(text)
    assert {tag for tag, _ in found.tags} <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "div", "p", "ul", "li"),
        *("table", "thead", "tbody", "tr", "th", "td", "script"),
    }
    assert not [name for _, attrs in found.tags for name in attrs if name.startswith("on")]
    data = json.loads(found.scripts[1])
    for each in json.dumps(data).split('"'):
        assert "<img" not in each


def test_names_reach_a_picture_and_tables_as_text(tmp_path: Path) -> None:
    found = hostile_report(tmp_path)
    save_chart(found, [tmp_path / "a.svg", tmp_path / "a.png"])
    ElementTree.parse(tmp_path / "a.svg")
    assert "<img" not in "\n".join(scaling_lines(found, is_markdown=True)).replace("\\<", "")
    latex = scaling_latex(found)
    assert not re.search(r"(?m)^[^%]*(?<!\\)[$#&_](?=x_1)", latex)
    assert "\n<" not in latex


def test_plotlys_own_checks_accept_the_chart(report: Scaling) -> None:
    [task] = report.tasks
    drawn = chart(report, task)
    figure = go.Figure(drawn["data"], {key: value for key, value in drawn["layout"].items() if key != "template"})
    names = [trace.name for trace in figure.data if trace.showlegend is not False and trace.name]
    assert names[:3] == ["tiny: weighted vote", "self-consistency: majority", "greedy: best score"]
    assert "compute frontier" in names
    assert any(name.startswith("rStar-Math paper, Figure 3") for name in names)
    curve = next(trace for trace in figure.data if trace.name == "tiny: weighted vote")
    assert list(curve.y) == [round(100 * point.accuracy.value, 3) for point in task.curves[0].points]


def test_cited_points_are_grey_and_nothing_of_ours_is(report: Scaling) -> None:
    [task] = report.tasks
    for trace in chart(report, task)["data"]:
        is_cited = str(trace.get("name")).startswith("rStar-Math paper")
        assert (trace["line"]["color"] == "#757575") == is_cited
        assert str(trace.get("hovertemplate")).startswith("not ours") == is_cited


def test_the_csv_holds_every_point_and_every_cited_figure(report: Scaling) -> None:
    rows = list(csv.DictReader(io.StringIO(scaling_csv(report))))
    [task] = report.tasks
    ours = [row for row in rows if row["kind"] != "cited"]
    assert len(ours) == sum(len(curve.points) for curve in task.curves) == 2 * (7 + 7 + 1)
    assert len(rows) - len(ours) == len(task.cited) > 30
    assert sum(row["is_on_frontier"] == "1" for row in ours) == len(task.frontier)
    for row in ours:
        assert 0 <= float(row["low_95"]) <= float(row["accuracy"]) <= float(row["high_95"]) <= 1
        counts = [int(row[name]) for name in "correct incorrect no_answer grader_error failed missing".split()]
        assert sum(counts) == int(row["problems"]) * int(row["seeds"])
        assert float(row["accuracy"]) == pytest.approx(counts[0] / 20, abs=1e-6)
    assert all(row["source"].startswith("arXiv:") for row in rows if row["kind"] == "cited")


def test_a_cell_that_a_spreadsheet_would_run_is_text(tmp_path: Path) -> None:
    run = make_run(tmp_path, 2)
    content = json.loads((run / RUN_FILE).read_text())
    content["task"] = "=cmd()"
    (run / RUN_FILE).write_text(json.dumps(content))
    rows = list(csv.DictReader(io.StringIO(scaling_csv(scaling([summarize(run)])))))
    assert {row["task"] for row in rows} == {"'=cmd()"}


def test_latex_has_as_many_cells_in_every_row(report: Scaling) -> None:
    lines = scaling_latex(report).splitlines()
    [begin] = [line for line in lines if line.startswith("\\begin{tabular}")]
    rows = [line for line in lines if line.endswith("\\\\")]
    assert len(rows) == 1 + 7 + 7 + 1
    columns = begin.removeprefix("\\begin{tabular}{").removesuffix("}")
    assert {line.count("&") for line in rows} == {len(columns) - 1}


def test_the_same_records_give_the_same_files(report: Scaling, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_chart(report, [tmp_path / f"{name}.png", tmp_path / f"{name}.svg"])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert page(report) == page(report)


def test_a_report_of_several_runs_writes_all_its_files_where_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path / "runs", 3)
    make_run(tmp_path / "runs", 3, task="math500")
    assert rstar("report", tmp_path / "runs", "--x", "tokens", "--into", tmp_path / "into") == 0
    names = sorted(path.name for path in (tmp_path / "into").iterdir())
    assert names == ["report.md", *(f"scaling-tokens.{ending}" for ending in ("csv", "html", "png", "svg", "tex"))]
    text = capsys.readouterr().out
    assert text.index("aime2024: 1 method") < text.index("math500: 1 method")


def test_a_name_that_the_font_does_not_have_is_drawn_without_a_warning(tmp_path: Path) -> None:
    run = make_run(tmp_path, 2)
    content = json.loads((run / RUN_FILE).read_text())
    content["task"] = "数学 \ud800 🧮"
    (run / RUN_FILE).write_text(json.dumps(content))
    save_chart(scaling([summarize(run)]), [tmp_path / "a.svg", tmp_path / "a.png"])
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_two_formats_at_once_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rstar("report", make_run(tmp_path, 2), "--json", "--csv") == 2
    assert "--markdown, --csv, --latex and --json: give one of them" in capsys.readouterr().err


def test_an_unknown_rule_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rstar("report", make_run(tmp_path, 2), "--rule", "first") == 2
    assert "--rule first: is unknown; use best, majority, weighted, top_k" in capsys.readouterr().err


def test_costs_are_written_in_few_digits() -> None:
    values = (1, 7.5, 0.123, 64, 9532, 15_693, 251_000, 4.4e6, 3.2e12, 1e15)
    assert [number(value) for value in values] == [
        *("1", "7.5", "0.123", "64", "9,532", "15.7k", "251k", "4.4M", "3.2T", "1P")
    ]


@pytest.mark.parametrize("values", [[5.0], [1e-3, 1e-3], [400.0, 25_600.0], [1.0, 1e9], [3e12, 4e12]])
def test_an_axis_has_readable_ticks_within_its_range(values: list[float]) -> None:
    low, high = x_range(values)
    places = [place for place, _ in ticks(values, is_budgets=False)]
    assert 1 <= len(places) <= 11
    assert all(low <= place <= high for place in places)


def test_budgets_are_ticks_as_long_as_they_fit() -> None:
    assert [label for _, label in ticks([1, 2, 4, 8, 16, 32, 64], is_budgets=True)] == [
        "1",
        "2",
        "4",
        "8",
        "16",
        "32",
        "64",
    ]
    many = [place for place, _ in ticks([float(each) for each in range(1, 65)], is_budgets=True)]
    assert len(many) < 15
    assert many[-1] == 64
    assert BUDGETS[-1] == 64


def test_the_range_of_accuracies_holds_them_all() -> None:
    assert y_range([0.42, 0.87]) == (40, 90)
    assert y_range([0.0, 1.0]) == (-1.5, 101.5)


def test_statistics_stand_below_the_report_of_one_run_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path, 3, budgets=[1, 2, 4])
    assert rstar("report", run, "--json", "--statistics") == 0
    assert json.loads(capsys.readouterr().out)["statistics"]
    assert rstar("report", run, make_run(tmp_path, 3, preset="dvts"), "--statistics") == 2
    assert "--statistics: is of one run, and these are 2; name one" in capsys.readouterr().err


def test_a_slope_of_nothing_has_no_sign() -> None:
    assert [signed(value) for value in (6.66, -1.7, 0.0, -0.0, -0.01, 0.04)] == [
        "+6.7",
        "-1.7",
        "0.0",
        "0.0",
        "0.0",
        "0.0",
    ]
