"""`rstar anatomy`: what it prints, what a right answer costs, and what it says where there is little to say."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from handmade_runs import End, failed, record_of, right, spec_of, write_run, wrong
from sum_runs import rstar

from harness.anatomy import dissect
from harness.run_folder import RECORDS

SPEC = spec_of([1, 2])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Four problems: right at once; right at 2 and not selected; never right; cut off."""
    ends = [[right(), right()], [wrong(0.9), right(0.1)], [wrong(), wrong()], [End(ending="truncated")] * 2]
    return write_run(tmp_path / "run", SPEC, [record_of(SPEC, f"p{i}", each) for i, each in enumerate(ends)])


def taken_apart(folder: Path, capsys: pytest.CaptureFixture[str], *more: object) -> dict[str, Any]:
    """What `--json` says."""
    capsys.readouterr()
    assert rstar("anatomy", folder, "--json", *more) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    return found


def test_the_table_shows_every_bin_and_names_problems_with_their_traces(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rstar("anatomy", run) == 0
    shown = capsys.readouterr().out
    for text in ("never generated", "not selected (reward)", "truncated", "grader doubtful"):
        assert text in shown
    assert "problems.jsonl:3" in shown
    assert "run it with --trees full" in shown


def test_a_kept_journal_is_the_trace(run: Path) -> None:
    (run / "journals").mkdir()
    kept = run / "journals" / "p2.seed0.journal.gz"
    kept.write_bytes(b"")
    [example] = dissect(run, max_trees=0).dissection("best", 2).examples["never_generated"]
    assert example.trace(run) == str(kept)


def test_json_has_every_rule_and_budget_unless_one_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = taken_apart(run, capsys)["points"]
    assert {(point["rule"], point["budget"]) for point in points} == {(r, b) for r in SPEC.rules for b in (1, 2)}
    [point] = taken_apart(run, capsys, "--rule", "best", "--budget", 2)["points"]
    counts = {name: each["count"] for name, each in point["bins"].items() if each["count"]}
    assert (point["right"], counts) == (1, {"reward": 1, "never_generated": 1, "truncated": 1})


def test_the_cost_of_a_right_answer_holds_that_of_the_wrong_ones(run: Path) -> None:
    cost = dissect(run).dissection("best", 2).cost
    # Four searches of two trajectories, 20 of each kind of token and two seconds; one of them is right.
    assert (cost.num_right, cost.trajectories, cost.completion_tokens, cost.tokens) == (1, 8.0, 80.0, 240.0)
    assert (cost.engine_seconds, cost.wall_seconds) == (4.0, 8.0)


def test_the_regret_at_the_end_is_the_oracle_less_the_best_score(run: Path) -> None:
    anatomy = dissect(run)
    assert [anatomy.selection_regret(budget) for budget in (1, 2)] == [0.0, 0.25]


def test_seeds_are_searches_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = spec_of([1], seeds=[0, 1])
    records = [record_of(spec, "p", [right()], 0), record_of(spec, "p", [wrong()], 1)]
    [point] = taken_apart(write_run(tmp_path / "run", spec, records), capsys, "--rule", "best")["points"]
    assert (point["right"], point["wrong"]) == (1, 1)
    assert point["bins"]["never_generated"]["examples"][0]["seed"] == 1


@pytest.mark.parametrize(
    ("ends", "text"),
    [([], "nothing to take apart"), ([[right()] * 2], "Nothing is wrong at 2"), ([[wrong()] * 2], "none right")],
    ids=["no problems", "one right", "one wrong"],
)
def test_a_run_with_next_to_nothing_is_explained_without_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ends: list[list[End]], text: str
) -> None:
    folder = write_run(tmp_path / "run", SPEC, [record_of(SPEC, f"p{i}", each) for i, each in enumerate(ends)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rstar("anatomy", folder) == 0
        shown = capsys.readouterr().out
        taken_apart(folder, capsys)
    assert text in shown
    assert "nan" not in shown.lower()


def test_an_unfinished_run_says_so_and_counts_what_is_missing_as_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [record_of(SPEC, "p0", [right()] * 2), failed("p1")]
    folder = write_run(tmp_path / "run", SPEC, records, num_problems=5, status="interrupted")
    assert rstar("anatomy", folder) == 0
    shown = capsys.readouterr().out
    assert "PARTIAL (status interrupted): 1 of 5 searches done, 1 failed, 3 missing" in shown
    found = taken_apart(folder, capsys, "--rule", "best", "--budget", 2)
    assert not found["is_complete"]
    assert found["points"][0]["bins"]["missing"]["count"] == 3
    assert found["points"][0]["bins"]["engine_failed"]["count"] == 1


def test_a_run_without_a_record_yet_is_all_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path / "run", SPEC, [], num_problems=2, status="unfinished")
    assert taken_apart(folder, capsys)["points"][0]["bins"]["missing"]["count"] == 2
    assert rstar("anatomy", folder) == 0


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--budget", 3], "--budget 3: answers were chosen at 1, 2; name one of them"),
        (["--rule", "oracle"], "--rule oracle: this run has best, majority, weighted, top_k; name one of them"),
    ],
)
def test_a_budget_or_rule_that_the_run_lacks_is_one_line(
    run: Path, capsys: pytest.CaptureFixture[str], flags: list[object], text: str
) -> None:
    assert rstar("anatomy", run, *flags) == 2
    assert capsys.readouterr().err == f"error: {text}\n"


def test_a_run_without_a_reward_has_no_regret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = spec_of([1], ppm="none")
    folder = write_run(tmp_path / "run", spec, [record_of(spec, "p", [wrong(0.0)])])
    assert taken_apart(folder, capsys)["selection_regret"] == [{"budget": 1, "regret": None}]
    assert rstar("anatomy", folder) == 0
    assert "the run has no reward model" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"values": (0.5,)}, "values has 1 entries, for 2 trajectories"),
        ({"values": (0.5, float("nan"))}, "a value is not finite"),
        ({"answer_of": (0, 7)}, "answer_of points to no answer"),
        ({"chosen": {"best": (0, 0)}}, "it was recorded by the rules best"),
        ({"chosen": dict.fromkeys(SPEC.rules, (0,))}, "rule best chose at 1 budgets, the run has 2"),
        ({"usage": {}}, "usage.prompt_tokens has 0 entries"),
        ({"chosen": dict.fromkeys(SPEC.rules, (0, 7))}, "rule best chose an answer that no trajectory has"),
        ({"chosen": dict.fromkeys(SPEC.rules, (1, 1))}, "rule best chose an answer at 1 that was found later"),
        ({"seed": 9}, "its seed 9 is none of the run's"),
    ],
)
def test_a_record_that_does_not_fit_is_one_line_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], text: str
) -> None:
    from dataclasses import replace

    good = record_of(SPEC, "p0", [right(), wrong()])
    folder = write_run(tmp_path / "run", SPEC, [good, replace(record_of(SPEC, "p1", [right(), wrong()]), **change)])
    assert rstar("anatomy", folder) == 2
    error = capsys.readouterr().err
    assert f"{RECORDS}, line 2: is broken: {text}" in error
    assert error.count("\n") == 1


def test_a_damaged_line_is_one_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray((run / RECORDS).read_bytes())
    content[20] ^= 1
    (run / RECORDS).write_bytes(content)
    assert rstar("anatomy", run) == 2
    assert "line 1: is damaged: its checksum is wrong" in capsys.readouterr().err


def test_an_id_is_shown_as_it_is_and_not_read_as_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path / "run", SPEC, [record_of(SPEC, "p[red]/[/x]", [wrong()] * 2)])
    assert rstar("anatomy", folder) == 0
    assert "p[red]/[/x]" in capsys.readouterr().out
