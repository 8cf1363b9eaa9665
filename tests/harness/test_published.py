"""Cited figures: as printed, with their source, and for the right task."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from harness.published import CURVES, MAIN_TABLE, OTHER_POLICIES, cited, cited_curves
from tasks.catalog import BENCHMARKS

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data" / "published_results.csv"


def test_the_papers_headline_figures_stand_as_printed() -> None:
    [aime] = [each for each in cited("aime2024", ["Table 5"]) if each.system == "rStar-Math^64 (7B SLM+7B PPM)"]
    assert (aime.budget, aime.accuracy, aime.source) == (64, pytest.approx(0.533), "arXiv:2501.04519 Table 5")
    curve = cited_curves("math500")[0]
    assert [round(100 * point.accuracy, 1) for point in curve.points] == [78.4, 86.6, 88.2, 89.4, 89.4, 89.8, 90.0]
    assert [point.budget for point in curve.points] == [1, 2, 4, 8, 16, 32, 64]
    assert all(point.is_digitised for point in curve.points)


def test_every_row_names_a_task_of_the_catalogue_a_source_and_a_share() -> None:
    tasks = {name for name in BENCHMARKS if cited(name, ["Table 1", CURVES, MAIN_TABLE])}
    assert tasks == {
        *("math500", "aime2024", "amc2023", "olympiadbench", "college_math", "gsm8k", "gaokao2023en", "omni_math")
    }
    for name in tasks:
        for each in cited(name):
            assert 0 <= each.accuracy <= 1
            assert each.source.startswith("arXiv:2501.04519 ")
            assert each.is_digitised == (each.place == "Figure 3")


def test_a_chart_shows_the_figures_curves_and_the_tables_other_policies() -> None:
    curves = cited_curves("aime2024")
    assert [(curve.label, curve.is_line) for curve in curves] == [
        ("rStar-Math (7B + 7B PPM)", True),
        ("Qwen2.5 best of N (7B + 72B ORM)", True),
        ("Qwen2.5 best of N (72B + 72B ORM)", True),
        (OTHER_POLICIES, False),
    ]
    assert sorted({point.budget for point in curves[-1].points if point.budget}) == [16, 64]
    assert len(curves[-1].points) == 6
    assert [curve.label for curve in cited_curves("gsm8k")] == [OTHER_POLICIES], "Figure 3 has no GSM8K"


def test_a_task_that_the_paper_does_not_have_has_no_figures() -> None:
    assert cited("procedural-hard") == []
    assert cited("user:/somewhere/aime2024.jsonl") == []
    assert cited_curves("aime2025") == []


@pytest.mark.skipif(not SHARED.exists(), reason="the collected figures are not on this machine")
def test_the_shipped_figures_are_the_collected_ones() -> None:
    with SHARED.open() as file:
        collected = [
            (row["system"], row["benchmark"], row["budget_trajectories"], float(row["value"]))
            for row in csv.DictReader(file)
        ]
    with (ROOT / "leaderboard" / "published" / "rstar_math.csv").open() as file:
        shipped = [
            (row["system"], row["benchmark"], row["budget"], float(row["accuracy"])) for row in csv.DictReader(file)
        ]
    assert shipped == collected
