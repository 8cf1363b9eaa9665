from __future__ import annotations

import json
from pathlib import Path

import pytest

from leaderboard.build import build
from leaderboard.evolutions import read_evolution
from tasks.types import InputError

ESTIMATE = {"value": 0.5, "low": 0.4, "high": 0.6}
REPORT = {
    "settings_sha256": "a" * 64,
    "task": "procedural",
    "budget": 8,
    "lines": [
        {"table": 3, "label": "base", "measured": ESTIMATE, "paper": 58.8, "detail": ""},
        {"table": 3, "label": "policy-1", "measured": ESTIMATE, "paper": None, "detail": "<b>bold</b>"},
        {"table": 6, "label": "policy-1 + ppm-1", "measured": ESTIMATE, "paper": 75.2, "detail": "best at 1, 8"},
        {"table": 8, "label": "PQM", "measured": None, "paper": 88.2, "detail": ""},
    ],
    "gates": [
        {
            "number": 1,
            "comparison": {"num_problems": 100, "num_gained": 12, "num_lost": 4, "p_value": 0.07},
            "is_worse": False,
        }
    ],
    "runs": {},
}


def write(folder: Path, report: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "evolution.json").write_text("{}")
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def test_measured_rows_stand_in_the_papers_tables_and_unmeasured_ones_do_not(tmp_path: Path) -> None:
    found = read_evolution(write(tmp_path / "mine", REPORT), "results/mine")
    assert [(table.number, [line.label for line in table.lines]) for table in found.tables] == [
        (3, ["base", "policy-1"]),
        (6, ["policy-1 + ppm-1"]),
    ]
    assert (found.tables[0].lines[0].measured, found.tables[0].lines[0].paper) == (50.0, 58.8)
    assert found.gates == ("round 1: +8.0 points over 100 problems (12 gained, 4 lost, p = 0.07): passed",)


def test_the_chart_has_a_place_for_the_base_and_for_every_round(tmp_path: Path) -> None:
    chart = read_evolution(write(tmp_path / "mine", REPORT), "results/mine").chart
    assert [trace["x"] for trace in chart["data"]] == [["base", "1"], ["base", "1"], ["1"], ["1"]]


def test_the_page_shows_both_columns_and_escapes_details(tmp_path: Path) -> None:
    write(tmp_path / "results" / "mine", REPORT)
    assert build(tmp_path / "results", tmp_path / "site").left_out == ()
    page = (tmp_path / "site" / "rounds.html").read_text()
    assert "<b>50.0</b>" in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "Table 6: policy and ppm of the same round" in page


@pytest.mark.parametrize("change", [{"lines": [{}]}, {"gates": [{}]}, {"budget": "many"}, {"lines": 3}])
def test_a_broken_report_is_named(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"report\.json"):
        read_evolution(write(tmp_path / "mine", REPORT | change), "results/mine")
