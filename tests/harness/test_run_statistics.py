"""The statistics of a run: the same figures in text and JSON, and an explained output where there is nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sum_runs import solved, spec, write_task

from harness.record_file import RecordFile, read_records
from harness.run import plan_run
from harness.run_folder import RECORDS
from harness.run_statistics import run_statistics, statistics_json, statistics_lines
from harness.run_summary import ORACLE, summarize
from tasks.types import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("statistics")
    return solved(write_task(out / "sums.jsonl", 5), out, budgets=[1, 4], seeds=[0, 1]).folder


def test_at_the_whole_budget_the_figures_are_those_of_the_report(folder: Path) -> None:
    summary, found = summarize(folder), run_statistics(folder)
    for point in found.points:
        if point.size == 4:
            assert point.accuracy.value == pytest.approx(summary.point(point.rule, 4).accuracy.value)
    assert [point.rule for point in found.points][-1] == ORACLE


def test_the_text_shows_every_figure_of_the_json(folder: Path) -> None:
    found = run_statistics(folder)
    text, content = "\n".join(statistics_lines(found)), json.loads(json.dumps(statistics_json(found)))
    for figure in (*content["subsets"], *content["rates"].values(), content["agreement"]["flip_rate"]):
        assert f"{100 * figure['value']:.1f} [" in text
    assert "build on one another" in text
    assert "PARTIAL" not in text
    assert "nan" not in text.lower().replace("unanswered", "")


@pytest.mark.parametrize("kept", [0, 1, 7])
def test_an_unfinished_run_is_marked_and_counts_what_is_missing_as_wrong(
    folder: Path, tmp_path: Path, kept: int
) -> None:
    part = tmp_path / "part"
    part.mkdir()
    (part / "run.json").write_bytes((folder / "run.json").read_bytes())
    records = list(read_records(folder / RECORDS))[:kept]
    with RecordFile(part / RECORDS) as file:
        for record in records:
            file.append(record)
    found = run_statistics(part)
    assert next(statistics_lines(found)).startswith(f"PARTIAL: {10 - kept} of 10 searches have no record")
    right = sum(record.has_correct(4) for record in records)
    assert found.points[-1].accuracy.value == pytest.approx(right / 10)


def test_a_run_of_one_problem_that_has_not_begun_is_explained(tmp_path: Path) -> None:
    plan = plan_run(spec(write_task(tmp_path / "sums.jsonl", 1), budgets=[2]), tmp_path)
    plan.folder.mkdir(parents=True)
    plan.record.write(plan.folder)
    text = "\n".join(statistics_lines(run_statistics(plan.folder)))
    assert "PARTIAL: 1 of 1" in text
    assert "0.0 [0.0," in text
    assert "Between seeds" not in text


def test_a_run_of_no_problems_is_refused_with_the_reason(tmp_path: Path) -> None:
    plan = plan_run(spec(write_task(tmp_path / "sums.jsonl", 1), budgets=[2]), tmp_path)
    plan.folder.mkdir(parents=True)
    replace(plan.record, num_problems=0).write(plan.folder)
    with pytest.raises(InputError, match="a run of 0 problems"):
        run_statistics(plan.folder)
