"""`rstar compare`: what it says of two runs, what it refuses, and what it never hides."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from handmade_runs import record_of, right, spec_of, write_run, wrong
from paired_runs import make
from sum_runs import rstar

from harness.paired import mcnemar
from harness.paired_intervals import bootstrap_interval, holm, score_interval
from harness.run_folder import RECORDS, journal_path

A_BITS, B_BITS = [1, 1, 1, 0, 0, 0, 0, 2, 1, 1], [1, 1, 0, 1, 1, 1, 0, 0, 1, 1]
"""3 gained, 1 lost of 10."""


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return make(tmp_path / "a", A_BITS), make(tmp_path / "b", B_BITS, policy="models/b")


def as_json(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> dict[str, Any]:
    assert rstar("compare", *arguments, "--json") == code
    content: dict[str, Any] = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    return content


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert rstar("compare", *arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_single_runs_come_with_difference_interval_test_and_what_could_be_seen(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    [found] = as_json(capsys, *pair)["comparisons"]
    interval = score_interval(3, 1, 10)
    assert found["difference"] == pytest.approx(0.2)
    assert found["interval_95"] == [interval.low, interval.high]
    assert found["p_value"] == found["p_value_holm"] == mcnemar(3, 1)
    assert (found["num_gained"], found["num_lost"], found["num_problems"]) == (3, 1, 10)
    assert found["detectable"] >= 0.6, "six changes of ten are the least that McNemar calls significant"
    assert found["a"]["counts"] == {"correct": 5, "incorrect": 4, "no_answer": 1, "grader_error": 0}


def test_repeated_runs_are_resampled_by_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = [[n % 2, n % 3 == 0] for n in range(20)]
    b = [[n % 2, n % 5 > 0] for n in range(20)]
    seeds = {"seeds": [0, 1]}
    first, other = make(tmp_path / "a", a, **seeds), make(tmp_path / "b", b, policy="models/b", **seeds)
    [found] = as_json(capsys, first, other)["comparisons"]
    names = sorted(range(20), key=lambda number: f"sums/p{number}")
    expected = bootstrap_interval([(sum(b[n]) - sum(a[n])) / 2 for n in names])
    assert found["interval_95"] == [expected.low, expected.high]
    assert found["test"] == "bootstrap by problem"


def test_the_text_shows_the_figures_of_the_json(pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    [found] = as_json(capsys, *pair)["comparisons"]
    for flags in ((), ("--markdown",)):
        assert rstar("compare", *pair, *flags) == 0
        text = capsys.readouterr().out
        low, high = (f"{100 * each:+.1f}" for each in found["interval_95"])
        assert f"B - A: +20.0 points, 95 % interval [{low}, {high}] (Tango's score)" in text
        assert f"p = {found['p_value']:.2g} (exact McNemar, 3 gained, 1 lost of 10 problems)" in text
        assert f"a true difference of {100 * found['detectable']:.1f} points with a chance of 80 %" in text
        assert "policy models/a -> models/b" in text.replace("\\", "")


def test_flipped_problems_come_with_answers_verdicts_lines_and_journals(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = pair
    journal = journal_path(b, "sums/p2", 0)
    journal.parent.mkdir()
    journal.with_name(f"{journal.name}.gz").write_bytes(b"")
    flips = as_json(capsys, a, b)["comparisons"][0]["flips"]
    assert {flip["problem"]: flip["difference"] for flip in flips} == {
        "sums/p2": -1.0, "sums/p3": 1.0, "sums/p4": 1.0, "sums/p5": 1.0,
    }  # fmt: skip
    [lost] = [flip for flip in flips if flip["problem"] == "sums/p2"]
    assert lost["a"] == [
        {"seed": 0, "verdict": "correct", "answer": "12", "record": str(a / RECORDS), "line": 3, "journal": None}
    ]
    assert lost["b"][0]["answer"] == "13"
    assert lost["b"][0]["journal"] == str(journal.with_name(f"{journal.name}.gz"))
    assert rstar("compare", a, b) == 0
    [line] = [each for each in capsys.readouterr().out.splitlines() if each.startswith("sums/p2")]
    assert "right: 12" in line
    assert "incorrect: 13" in line
    assert f"{RECORDS}:3 +solutions" in line


def test_the_number_of_flips_shown_is_a_flag_and_the_rest_is_counted(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert rstar("compare", *pair, "--flips", 1) == 0
    text = capsys.readouterr().out
    assert "Flipped: 4 of 10 problems, the 1 largest shown (all with --flips 4 or --json)" in text
    assert sum(line.startswith("sums/p") for line in text.splitlines()) == 1


def test_what_a_model_wrote_stays_text_in_terminal_and_markdown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "`|<b>[x](http://evil.example) @team\x1b[31m\n"
    spec = spec_of()
    a = write_run(tmp_path / "a", spec, [record_of(spec, f"p{n}", [right()] * 2) for n in range(3)])
    b = write_run(tmp_path / "b", spec, [record_of(spec, f"p{n}", [wrong(answer=hostile)] * 2) for n in range(3)])
    for flags in ((), ("--markdown",)):
        assert rstar("compare", a, b, *flags) == 0
        text = capsys.readouterr().out
        assert "\x1b" not in text
        [row] = [line for line in text.splitlines() if line.startswith("| `p0`" if flags else "p0 ")]
        if flags:
            assert "`incorrect: '\\|<b>[x](http://evil.exampl" in row, "inside a code span"
            assert row.count("`") == 6


def test_several_tasks_are_corrected_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    b_bits = {"first": [1] * 7 + [0] * 3, "second": [1] * 6 + [0] * 4, "third": [1] * 10}
    for task, bits in b_bits.items():
        make(tmp_path / "a" / task / "run", [0] * 10, task=task)
        make(tmp_path / "b" / task / "run", bits, task=task)
    content = as_json(capsys, tmp_path / "a", tmp_path / "b")["comparisons"]
    assert [found["task"] for found in content] == ["first", "second", "third"]
    raw = [mcnemar(sum(bits), 0) for bits in b_bits.values()]
    assert [found["p_value"] for found in content] == raw
    assert [found["p_value_holm"] for found in content] == holm(raw)
    assert rstar("compare", tmp_path / "a", tmp_path / "b") == 0
    assert "p (Holm)" in capsys.readouterr().out


def test_pairs_can_be_given_one_after_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [make(tmp_path / name, [1, 0, 1]) for name in "abcd"]
    found = as_json(capsys, *folders)["comparisons"]
    assert [(each["a"]["folder"], each["b"]["folder"]) for each in found] == [
        (str(folders[0]), str(folders[1])), (str(folders[2]), str(folders[3])),
    ]  # fmt: skip


def test_at_the_same_compute_each_side_stands_at_its_dearest_budget_within_the_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, dearer = spec_of((1, 2, 4)), spec_of((3, 4), policy="models/b")
    ends = [wrong(), right(0.6), right(0.7), right(0.8)]
    a = write_run(tmp_path / "a", spec, [record_of(spec, f"p{n}", ends) for n in range(5)])
    b = write_run(tmp_path / "b", dearer, [record_of(dearer, f"p{n}", [wrong()] * 4) for n in range(5)])
    compute = as_json(capsys, a, b, "--budget", 4)["comparisons"][0]["equal_compute"]
    assert compute["axis"] == "tokens"
    assert compute["ranges"] == [[10, 40], [30, 40]]
    assert [(level["limit"], level["budgets"], level["costs"]) for level in compute["levels"]] == [
        (30, [2, 3], [20, 30]), (40, [4, 4], [40, 40]),
    ]  # fmt: skip
    trajectories = as_json(capsys, a, b, "--budget", 4, "--x", "trajectories")["comparisons"][0]["equal_compute"]
    assert [level["budgets"] for level in trajectories["levels"]] == [[2, 3], [4, 4]]


def test_without_token_counts_trajectories_take_their_place_and_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    spec = spec_of()
    found = [record_of(spec, f"p{n}", [right()] * 2) for n in range(3)]
    uncounted = [replace(each, usage=dict.fromkeys(each.usage or {}, (0, 0))) for each in found]
    a, b = write_run(tmp_path / "a", spec, uncounted), write_run(tmp_path / "b", spec, found)
    compute = as_json(capsys, a, b)["comparisons"][0]["equal_compute"]
    assert compute["axis"] == "trajectories"
    assert "hold no token counts" in compute["note"]
    assert "--x tokens: the records of" in refused(capsys, a, b, "--x", "tokens")


def test_without_a_shared_range_of_compute_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = make(tmp_path / "a", [1, 0], budgets=(1, 2))
    b = make(tmp_path / "b", [1, 0], budgets=(8,))
    assert rstar("compare", a, b, "--budget", "2,8") == 0
    text = capsys.readouterr().out
    assert "no shared range of tokens written" in text
    assert "the budgets differ: 2 trajectories in A, 8 in B" in text


def test_rules_and_budgets_of_the_two_sides_may_differ_and_it_says_so(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    a, _ = pair
    assert rstar("compare", a, a, "--rule", "majority,oracle", "--budget", "1,2") == 0
    text = capsys.readouterr().out
    assert "the rules differ: majority in A, oracle in B" in text
    assert "No problem flipped." in text


@pytest.mark.parametrize(
    ("field", "value", "flag", "says"),
    [
        ("task_sha256", "f" * 64, "--allow-data", "task data aaaaaaaa in A, ffffffff in B"),
        ("task_version", "2", "--allow-version", "task version 1 in A, 2 in B"),
    ],
)
def test_other_data_and_versions_are_refused_unless_allowed_and_then_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, value: str, flag: str, says: str
) -> None:
    a, b = make(tmp_path / "a", A_BITS), make(tmp_path / "b", B_BITS, inputs={field: value})
    message = refused(capsys, a, b)
    assert says in message
    assert flag in message
    for flags in ((), ("--markdown",)):
        assert rstar("compare", a, b, flag, *flags) == 0
        assert f"allowed to differ: {says}" in capsys.readouterr().out.replace("\\", "")
    assert f"allowed to differ: {says}" in as_json(capsys, a, b, flag)["comparisons"][0]["notes"]


def test_another_graders_records_are_refused_even_where_the_run_does_not_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    spec = spec_of()
    a = make(tmp_path / "a", [1, 0])
    records = [replace(record_of(spec, f"sums/p{n}", [right()] * 2), grader_version=str(n + 1)) for n in range(2)]
    b = write_run(tmp_path / "b", spec, records)
    assert "grader version 1 in A, 1 and 2 in B" in refused(capsys, a, b)
    assert rstar("compare", a, b, "--allow-grader") == 0
    assert "allowed to differ: grader version 1 in A, 1 and 2 in B" in capsys.readouterr().out


def test_other_problems_are_refused_unless_allowed_and_then_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = make(tmp_path / "a", [1, 0, 1])
    b = make(tmp_path / "b", [1, 1, 1], ids=["sums/p0", "sums/p1", "sums/other"])
    assert "2 of them in both" in refused(capsys, a, b)
    [found] = as_json(capsys, a, b, "--allow-problems")["comparisons"]
    assert found["num_problems"] == 2
    assert "different problems: 3 problems in A, 3 in B, 2 of them compared" in found["notes"]
    limited = make(tmp_path / "c", [1, 0], limit=2)
    assert "3 problems in A, 2 in B" in refused(capsys, a, limited)


def test_an_unfinished_run_is_compared_on_what_is_done_marked_everywhere_and_leaves_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = make(tmp_path / "a", [1, 0, 1, 1])
    b = make(tmp_path / "b", [1, 1, 3], num_problems=4)
    for flags in ((), ("--markdown",)):
        assert rstar("compare", a, b, *flags) == 1
        text = capsys.readouterr().out
        assert "PARTIAL: only the 2 problems that are done on both sides are compared" in text
        assert "B is unfinished: 2 of 4 searches done, 1 failed, 1 missing" in text
    content = as_json(capsys, a, b, code=1)
    assert content["is_complete"] is False
    [found] = content["comparisons"]
    assert (found["is_complete"], found["num_problems"], found["difference"]) == (False, 2, 0.5)
    make(tmp_path / "x" / "one" / "r", [1, 1], task="one")
    make(tmp_path / "x" / "two" / "r", [1, 1], task="two")
    make(tmp_path / "y" / "one" / "r", [1, 3], task="one")
    make(tmp_path / "y" / "two" / "r", [1, 1], task="two")
    assert rstar("compare", tmp_path / "x", tmp_path / "y") == 1
    assert "one (PARTIAL)" in capsys.readouterr().out


def test_a_problem_with_a_missing_seed_takes_no_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = make(tmp_path / "a", [[1, 1], [0, 0]], seeds=[0, 1])
    b = make(tmp_path / "b", [[1, 3], [0, 0]], seeds=[0, 1])
    [found] = as_json(capsys, a, b, code=1)["comparisons"]
    assert found["num_problems"] == 1
    assert found["difference"] == 0.0


def test_nothing_done_on_both_sides_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = make(tmp_path / "a", [1, 3])
    b = make(tmp_path / "b", [3, 1])
    assert "no problem is done in both, so there is nothing to compare" in refused(capsys, a, b)


def test_a_run_of_no_problems_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = make(tmp_path / "a", [], num_problems=0)
    assert "is a run of 0 problems, so there is nothing to compare" in refused(capsys, a, a)


@pytest.mark.parametrize("bits", [[1], [0], [1] * 30, [0] * 30])
@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_one_problem_and_runs_that_are_all_alike_give_figures_that_mean_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bits: list[int], seeds: list[int]
) -> None:
    repeated = [[bit] * len(seeds) for bit in bits]
    a, b = make(tmp_path / "a", repeated, seeds=seeds), make(tmp_path / "b", repeated, seeds=seeds)
    [found] = as_json(capsys, a, b)["comparisons"]
    assert (found["difference"], found["p_value"]) == (0.0, 1.0)
    assert -1 < found["interval_95"][0] < 0 < found["interval_95"][1] < 1
    assert 0 <= found["detectable"] <= 1
    assert not any(math.isnan(value) for value in found.values() if isinstance(value, float))
    assert rstar("compare", a, b) == 0
    assert "nan" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["A"], "1 run given; give them in pairs: A B, or A1 B1 A2 B2"),
        (["A", "B", "A"], "3 runs given"),
        (["A", "nowhere"], "nowhere: is no run; give a folder with a run.json"),
        (["A", "B", "--budget", "8"], "a: has no budget 8; --budget takes 1, 2"),
        (["A", "B", "--budget", "1,8"], "b: has no budget 8; --budget takes 1, 2"),
        (["A", "B", "--budget", "0"], "--budget 0: is no number of trajectories"),
        (["A", "B", "--budget", "1,2,3"], "--budget 1,2,3: takes one value for both runs, or A's and B's"),
        (["A", "B", "--rule", "luck"], "a: has no rule luck; --rule takes best, majority, weighted, top_k, oracle"),
        (["A", "B", "--rule", ","], "--rule ,: takes one value"),
        (["A", "B", "--x", "luck"], "--x"),
        (["A", "B", "--policy-params", "many"], "--policy-params many"),
    ],
)
def test_bad_input_is_one_line(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    names = {"A": str(pair[0]), "B": str(pair[1])}
    assert says in refused(capsys, *(names.get(each, each) for each in arguments))


def test_runs_without_a_common_budget_ask_for_one_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = make(tmp_path / "a", [1], budgets=(1, 2)), make(tmp_path / "b", [1], budgets=(8,))
    assert "have no budget in common (1,2 and 8); give A's and B's, e.g. --budget 2,8" in refused(capsys, a, b)


def test_folders_whose_tasks_do_not_pair_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for side, tasks in (("a", ("one", "two")), ("b", ("one", "three"))):
        for task in tasks:
            make(tmp_path / side / task / "run", [1, 0], task=task)
    assert "only one has a run of three, two" in refused(capsys, tmp_path / "a", tmp_path / "b")
    make(tmp_path / "a" / "one" / "again", [1, 1], task="one")
    assert "holds more than one run of one (again, run)" in refused(capsys, tmp_path / "a", tmp_path / "b")


def test_different_seeds_are_paired_by_problem_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = make(tmp_path / "a", [1, 0, 1], seeds=[0]), make(tmp_path / "b", [[1, 1], [1, 0], [1, 1]], seeds=[5, 6])
    [found] = as_json(capsys, a, b)["comparisons"]
    assert "the seeds differ: 0 in A, 5,6 in B; runs are paired by problem alone" in found["notes"]
    assert found["difference"] == pytest.approx(0.5 / 3)


def test_the_same_records_give_the_same_output(pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    outputs = []
    for _ in range(2):
        assert rstar("compare", *pair) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
