"""The report of a run: counts that add up to the whole task, nothing hidden, and a curve that can be read."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sum_runs import flags, rstar, solved, write_task

from harness.compute_axis import axis_values
from harness.record_file import RecordFile, read_records
from harness.records import JudgedAnswer, ProblemRecord
from harness.run import Plan, plan_resume
from harness.run_folder import RECORDS
from harness.run_summary import ORACLE, RunSummary, summarize
from harness.scaling_plot import save_plots
from rstar.search.voting import RULES
from rstar.types import Ending
from tasks.types import InputError, Verdict


def made(problem: str, seed: int, *ends: tuple[Verdict, Ending]) -> ProblemRecord:
    """A record whose every trajectory has an answer of its own, which every rule chooses at its budget."""
    answers = tuple(JudgedAnswer(str(number), number, verdict, "") for number, (verdict, _) in enumerate(ends))
    position = tuple(None if verdict == "no_answer" else number for number, (verdict, _) in enumerate(ends))
    return ProblemRecord(
        problem,
        seed,
        budget=len(ends),
        answers=answers,
        answer_of=position,
        values=(0.5,) * len(ends),
        endings=tuple(ending for _, ending in ends),
        usage={
            name: tuple(range(1, len(ends) + 1))
            for name in (
                "prompt_tokens cached_tokens completion_tokens reward_tokens cached_reward_tokens requests candidates "
                "scored executions"
            ).split()
        },
        chosen=dict.fromkeys(RULES, position),
        timing=ProblemRecord("", 0).timing.__class__((1.0,) * len(ends), (1.0,) * len(ends)),
    )


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A run of five problems with two seeds at budgets 1 and 2, done."""
    return solved(write_task(tmp_path / "sums.jsonl", 5), tmp_path, budgets=[1, 2], seeds=[0, 1])


def rewritten(plan: Plan, *found: ProblemRecord) -> RunSummary:
    """The summary of the run with these records in place of its own."""
    (plan.folder / RECORDS).write_bytes(b"")
    with RecordFile(plan.folder / RECORDS) as file:
        for record in found:
            file.append(record)
    return summarize(plan.folder)


def test_counts_add_up_to_the_whole_task_whatever_happened(plan: Plan) -> None:
    summary = rewritten(
        plan,
        made("sums/p0", 0, ("incorrect", "answered"), ("correct", "answered")),
        made("sums/p0", 1, ("grader_error", "answered"), ("no_answer", "truncated")),
        made("sums/p1", 0, ("no_answer", "truncated"), ("correct", "answered")),
        ProblemRecord("sums/p1", 1, error="policy: lost"),
    )
    point = summary.point("majority", 2)
    expected = {"correct": 2, "incorrect": 0, "no_answer": 1, "grader_error": 0, "failed": 1, "missing": 6}
    assert point.counts == expected
    assert point.accuracy.value == pytest.approx(2 / 10)
    first = summary.point("majority", 1)
    assert (first.counts["incorrect"], first.counts["grader_error"], first.counts["no_answer"]) == (1, 1, 1)
    for rule in (*RULES, ORACLE):
        for budget in (1, 2):
            assert sum(summary.point(rule, budget).counts.values()) == 10
    assert not summary.is_complete


def test_a_limited_run_counts_its_own_problems_and_says_of_how_many(tmp_path: Path) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 9), tmp_path, limit=3)
    summary = summarize(plan.folder)
    assert sum(summary.point("best", 1).counts.values()) == 3
    assert (summary.record.num_problems, summary.record.num_task_problems) == (3, 9)


def test_endings_and_costs_are_those_within_the_budget(plan: Plan) -> None:
    summary = rewritten(
        plan,
        made("sums/p0", 0, ("correct", "answered"), ("no_answer", "truncated")),
        made("sums/p1", 0, ("no_answer", "code_error"), ("no_answer", "max_depth")),
    )
    assert summary.cost(1).endings == {"answered": 0.5, "code_error": 0.5}
    assert summary.cost(2).endings == {"answered": 0.25, "code_error": 0.25, "max_depth": 0.25, "truncated": 0.25}
    assert [summary.cost(budget).usage["completion_tokens"] for budget in (1, 2)] == [1.0, 2.0]
    assert summary.cost(2).trajectories == 2.0


def test_an_adaptive_stop_reports_what_it_saved(tmp_path: Path) -> None:
    stopped = solved(
        write_task(tmp_path / "sums.jsonl", 6),
        tmp_path,
        preset="self-consistency",
        budgets=[8],
        search={"stop": "certain"},
    )
    summary = summarize(stopped.folder)
    used = [len(record.values) for record in read_records(stopped.folder / RECORDS)]
    assert summary.num_saved == 8 * 6 - sum(used) > 0
    assert summary.cost(8).trajectories == pytest.approx(sum(used) / 6)


def test_the_oracle_is_never_below_a_rule_and_never_falls(tmp_path: Path) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 12), tmp_path, budgets=[1, 2, 4, 8])
    summary = summarize(plan.folder)
    oracle = [summary.point(ORACLE, budget).accuracy.value for budget in (1, 2, 4, 8)]
    assert oracle == sorted(oracle)
    for rule in RULES:
        for budget, most in zip((1, 2, 4, 8), oracle, strict=True):
            assert summary.point(rule, budget).accuracy.value <= most


def test_the_text_shows_every_figure_of_the_json(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    assert rstar("report", plan.folder, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert rstar("report", plan.folder) == 0
    text = capsys.readouterr().out
    assert len(content["points"]) == 2 * 5
    for point in content["points"]:
        low, high = point["interval_95"]
        assert f"{100 * point['accuracy']:.1f} [{100 * low:.1f}, {100 * high:.1f}]" in text
    assert (content["done"], content["failed"], content["missing"], content["is_complete"]) == (10, 0, 0, True)
    assert "PARTIAL" not in text
    for cost in content["costs"]:
        assert f"{cost['completion_tokens']:,.0f}" in text


def test_a_partial_run_says_so_in_text_markdown_json_and_curve(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (plan.folder / RECORDS).read_bytes().splitlines(keepends=True)
    (plan.folder / RECORDS).write_bytes(b"".join(lines[:4]))
    curve = plan.folder / "curve.svg"
    for flags_of_it, expected in (
        ((), "PARTIAL: 4 of 10 searches done, 0 failed, 6 missing"),
        (("--markdown",), "**PARTIAL: 4 of 10"),
        (("--json",), '"is_complete": false'),
    ):
        assert rstar("report", plan.folder, "--plot", curve, *flags_of_it) == 0
        assert expected in capsys.readouterr().out
    assert "PARTIAL: 4 of 10" in " ".join(comments(curve))


def comments(svg: Path) -> list[str]:
    """The texts of a drawing, which matplotlib keeps beside their shapes."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    root = ElementTree.parse(svg, parser).getroot()
    return [each.text or "" for each in root.iter() if each.tag is ElementTree.Comment]


def test_the_report_of_markdown_is_a_table(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    assert rstar("report", plan.folder, "--markdown") == 0
    lines = capsys.readouterr().out.splitlines()
    header = next(number for number, line in enumerate(lines) if line.startswith("| trajectories | weighted vote"))
    assert lines[header + 1] == "|---:|---:|---:|---:|---:|---:|"
    assert lines[header + 2].startswith("| 1 | ")


def test_a_run_writes_its_report_and_curve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = write_task(tmp_path / "sums.jsonl", 4)
    assert rstar("run", *flags(task, tmp_path)) == 0
    printed = capsys.readouterr().out
    [folder] = [path.parent for path in tmp_path.glob("sums/*/run.json")]
    assert f"Files in {folder}: run.json, problems.jsonl, report.md, scaling.png, scaling.svg" in printed
    assert f"Next: rstar report {folder} --x tokens" in printed
    assert (folder / "report.md").read_text().startswith(f"# {folder.name} on sums\n")
    png = (folder / "scaling.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (1280, 720)


@pytest.mark.parametrize("axis", ["trajectories", "tokens", "wall"])
def test_the_curve_names_its_axes_its_rules_and_its_problems(plan: Plan, axis: str) -> None:
    path = plan.folder / "curve.svg"
    assert rstar("report", plan.folder, "--x", axis, "--plot", path) == 0
    texts = " | ".join(comments(path))
    names = ("best score", "majority", "weighted vote", "top-K vote", "oracle", "5 problems, 2 seeds", "95 % interval")
    assert [name for name in names if name not in texts] == []
    assert {"trajectories": "Trajectories per", "tokens": "Tokens written", "wall": "Seconds per"}[axis] in texts


def test_the_same_records_give_the_same_picture(plan: Plan) -> None:
    summary = summarize(plan.folder)
    for ending in (".png", ".svg"):
        first, second = plan.folder / f"a{ending}", plan.folder / f"b{ending}"
        save_plots(summary, "tokens", [first])
        save_plots(summarize(plan.folder), "tokens", [second])
        assert first.read_bytes() == second.read_bytes()


def test_the_axis_of_a_curve_is_the_cost_at_each_budget(plan: Plan) -> None:
    summary = summarize(plan.folder)
    assert axis_values(summary, "trajectories") == [1.0, 2.0]
    assert axis_values(summary, "tokens") == [summary.cost(budget).usage["completion_tokens"] for budget in (1, 2)]


def test_a_run_of_one_budget_can_be_drawn(tmp_path: Path) -> None:
    single = solved(write_task(tmp_path / "sums.jsonl", 3), tmp_path, preset="greedy", budgets=[1])
    save_plots(summarize(single.folder), "trajectories", [tmp_path / "one.png"])
    assert (tmp_path / "one.png").stat().st_size > 10_000


def test_a_run_without_records_reports_without_a_curve(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    (plan.folder / RECORDS).write_bytes(b"")
    assert rstar("report", plan.folder) == 0
    assert "PARTIAL: 0 of 10 searches done, 0 failed, 10 missing" in capsys.readouterr().out


def test_an_ending_that_names_no_format_is_refused(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    assert rstar("report", plan.folder, "--plot", "curve.jpg") == 2
    expected = "error: --plot curve.jpg: the ending names no format; use .png, .svg, .html, .csv, .tex, .md\n"
    assert capsys.readouterr().err == expected


def test_a_curve_that_cannot_be_written_is_one_line(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    assert rstar("report", plan.folder, "--plot", plan.folder / "none" / "curve.png") == 2
    assert "curve.png: cannot be written (No such file or directory)" in capsys.readouterr().err


def test_an_axis_on_which_nothing_was_measured_is_refused(plan: Plan) -> None:
    record = made("sums/p0", 0, ("correct", "answered"), ("correct", "answered"))
    nothing = dict.fromkeys(record.usage or {}, (0,) * 2)
    summary = rewritten(
        plan, ProblemRecord(**{name: getattr(record, name) for name in record.__slots__} | {"usage": nothing})
    )
    with pytest.raises(InputError, match=r"--x tokens: the records of \S+ hold none; use --x trajectories"):
        save_plots(summary, "tokens", [plan.folder / "x.png"])


def test_a_report_reads_records_alone(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sums.jsonl").unlink()
    monkeypatch.setattr("harness.run.load_task", lambda *_: pytest.fail("the task was loaded"))
    assert rstar("report", plan.folder) == 0
    with pytest.raises(pytest.fail.Exception):
        plan_resume(plan.folder)


def test_a_sandbox_level_and_a_commit_stand_in_the_run(plan: Plan) -> None:
    content = json.loads((plan.folder / "run.json").read_text())
    [session] = content["sessions"]
    assert session["sandbox"] == "not used"
    assert session["seconds"] > 0
    assert {"commit", "is_dirty", "python", "packages", "platform", "cores", "device", "started"} <= set(session)
    assert content["inputs"]["grader_version"] == "1"
    assert len(content["inputs"]["task_sha256"]) == len(content["inputs"]["policy_sha256"]) == 64
