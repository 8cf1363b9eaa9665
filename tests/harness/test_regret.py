"""The regret of a reward by depth, from trees that are grown again without a model."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from handmade_runs import record_of, right, spec_of, wrong
from sum_runs import SOURCE, rstar, solved, write_task

from harness.anatomy import dissect
from harness.kept_searches import Call, grow_again, kept_journal, kept_solutions
from harness.record_file import read_records
from harness.regret import RegretByDepth, TreeRegret, _interval, _Outcomes, _Tally
from harness.run_folder import RECORDS, RunRecord
from harness.run_inputs import RunInputs
from rstar.types import SearchResult, Step, Trajectory, Usage
from tasks.types import Problem

PROBLEM = Problem("p", "?")
JUDGE = """
import importlib.util, re
spec = importlib.util.spec_from_file_location("noisy", {source!r})
noisy = importlib.util.module_from_spec(spec)
spec.loader.exec_module(noisy)
candidates, count_tokens = noisy.candidates, noisy.count_tokens
def score(question, partial):
    numbers = noisy._numbers(question)
    written = [int(text) for text in re.findall(r"\\+ (-?\\d+)\\n", partial)]
    return 0.5 if written == numbers[: len(written)] else -0.5
"""


def regret(tmp_path: Path, *, method: str = "mcts", trees: str = "full") -> RegretByDepth:
    """That of a reward which knows the truth."""
    source = tmp_path / "judge.py"
    source.write_text(JUDGE.format(source=str(SOURCE)))
    named = {"preset": "tiny"} if method == "mcts" else {"preset": "", "method": method}
    task = write_task(tmp_path / "sums.jsonl", 6)
    plan = solved(task, tmp_path, policy=str(source), trees=trees, budgets=[4], **named)
    # Neither models nor task are needed again.
    source.unlink()
    task.unlink()
    found = dissect(plan.folder).trees
    assert found is not None
    return found


def test_a_reward_that_knows_the_truth_loses_nothing_at_any_depth(tmp_path: Path) -> None:
    found = regret(tmp_path)
    assert found.num_searches == 6
    assert found.depths
    assert [each.depth for each in found.depths] == sorted({each.depth for each in found.depths})
    assert all(each.regret == 0 <= each.high for each in found.depths)


def test_a_step_that_leads_nowhere_and_is_ranked_first_is_a_regret_and_one_not_entered_is_none() -> None:
    good, bad, ignored = (Trajectory(PROBLEM, (Step(text, ""),)) for text in ("good", "bad", "ignored"))
    ends = [
        Trajectory(PROBLEM, (*start.steps, Step(answer, "")), "answered", answer)
        for start, answer in ((good, "right"), (bad, "wrong"))
    ]
    spec = spec_of([2])
    record = record_of(spec, "p", [right(), wrong()])
    result = SearchResult("p", tuple(ends), record.values, (Usage(), Usage()))
    outcomes = _Outcomes.of(result, record)
    assert [outcomes.is_good(each) for each in (good, bad, ignored, *ends)] == [True, False, None, True, False]
    regret = TreeRegret(Path(), RunRecord(spec, RunInputs("1", "", "", "", "1"), "sums", 1, 1), 1)
    regret._count("p", Call((good, bad, ignored), (0.1, 0.5, 0.9)), outcomes)
    regret._count("p", Call((good, ignored), (0.1, 0.9)), outcomes)
    regret._count("p", Call(tuple(ends), (0.9, 0.1)), outcomes)
    first, second = regret.by_depth().depths
    assert (first.depth, first.num_decisions, first.oracle, first.picked, first.random) == (1, 1, 1.0, 0.0, 0.5)
    assert (second.depth, second.num_decisions, second.regret) == (2, 1, 0.0)


def test_a_method_without_choices_side_by_side_says_so(tmp_path: Path) -> None:
    found = regret(tmp_path, method="sample")
    assert found.depths == ()
    assert found.reason.startswith("method sample judged no two continuations side by side")


def test_beam_search_has_a_regret_too(tmp_path: Path) -> None:
    assert regret(tmp_path, method="beam").depths


def test_without_kept_trees_the_reason_and_the_cure_are_given(tmp_path: Path) -> None:
    found = regret(tmp_path, trees="answers")
    assert (found.depths, found.num_searches) == ((), 0)
    assert found.reason == "the run kept no trees (--trees answers); run it with --trees full"


@pytest.mark.parametrize("trees", ["full", "answers"])
def test_solutions_come_back_as_they_were_and_the_folder_is_left_alone(tmp_path: Path, trees: str) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 2), tmp_path, trees=trees)
    before = sorted((path, path.stat().st_mtime_ns) for path in plan.folder.rglob("*"))
    run = RunRecord.read(plan.folder)
    for record in read_records(plan.folder / RECORDS):
        texts = kept_solutions(plan.folder, run, record)
        assert texts is not None
        answers = [None if each is None else record.answers[each].text for each in record.answer_of]
        for text, answer in zip(texts, answers, strict=True):
            assert (answer is None) != (f"\\boxed{{{answer}}}" in text)
    assert sorted((path, path.stat().st_mtime_ns) for path in plan.folder.rglob("*")) == before


def test_a_journal_that_lacks_its_end_is_one_line_and_can_be_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 1), tmp_path, trees="full")
    path = kept_journal(plan.folder, "sums/p0", 0)
    assert path is not None
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-3])))
    assert rstar("anatomy", plan.folder) == 2
    error = capsys.readouterr().err
    assert "does not hold the whole search" in error
    assert error.count("\n") == 1
    assert rstar("anatomy", plan.folder, "--max-trees", 0) == 0


def test_a_grown_search_is_the_recorded_one(tmp_path: Path) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 1), tmp_path, trees="full")
    [record] = read_records(plan.folder / RECORDS)
    path = kept_journal(plan.folder, record.problem_id, 0)
    assert path is not None
    result, calls = grow_again(path, record, RunRecord.read(plan.folder))
    assert result.values == record.values
    assert sum(len(call.values) for call in calls) == (record.usage or {})["scored"][-1]


def test_a_tally_adds_up_as_by_hand() -> None:
    tally = _Tally()
    tally.add("p", [0.1, 0.9], [True, False])
    tally.add("p", [0.9, 0.1, 0.2], [True, False, False])
    tally.add("q", [0.5, 0.5], [False, False])
    found = tally.result(2)
    assert (found.num_decisions, found.num_problems) == (3, 2)
    assert (found.oracle, found.picked) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert found.random == pytest.approx((1 / 2 + 1 / 3) / 3)
    assert found.regret == pytest.approx(1 / 3)
    assert found.low <= found.regret <= found.high


def test_decisions_of_one_problem_count_for_less_than_those_of_many() -> None:
    few = _interval([20, 0], [20, 20])
    many = _interval([1, 0] * 20, [1] * 40)
    assert few[1] - few[0] > many[1] - many[0]
    assert _interval([0], [50])[1] > 0.5, "one problem says next to nothing"


def test_of_a_large_run_about_as_many_trees_are_grown_as_asked_for_whatever_the_order() -> None:
    spec = spec_of([1])
    regret = TreeRegret(Path(), RunRecord(spec, RunInputs("1", "", "", "", "1"), "sums", 1000, 1000), 100)
    taken = [regret._is_taken(record_of(spec, f"p{number}", [right()])) for number in range(1000)]
    assert 70 < sum(taken) < 130
    regret.max_searches = 1000
    assert all(regret._is_taken(record_of(spec, f"p{number}", [right()])) for number in range(1000))
