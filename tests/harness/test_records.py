"""Records: nothing is lost on the way to the disk and back, damage is found, and every figure can be recomputed."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sum_runs import solved, write_task

from harness.judge import choose_again, judge
from harness.record_file import RecordFile, read_records
from harness.records import JudgedAnswer, ProblemRecord, Timing, decode, encode
from harness.run_folder import RECORDS
from rstar.search.voting import RULES
from rstar.types import Ending, SearchResult, Trajectory, Usage
from tasks.types import Grade, InputError, Problem, Reference

PROBLEM = Problem("t/1", "?")
RECORD = ProblemRecord(
    problem_id="t/1",
    seed=0,
    budget=3,
    answers=(JudgedAnswer("7", 0, "correct", "same"), JudgedAnswer("8", 1, "incorrect", "")),
    answer_of=(1, None, 0),
    values=(0.1 + 0.2, -1.0, 0.5),
    endings=("answered", "truncated", "answered"),
    usage={"requests": (1, 2, 3)},
    chosen={"best": (1, 1, 0), "majority": (1, 1, 0)},
    grader_version="1",
    timing=Timing((0.1, 0.2, 0.3), (0.1, 0.2, 0.3), 0.01, "2026-01-01T00:00:00+00:00"),
)


def result(*ends: tuple[str | None, float]) -> SearchResult:
    """A search that finished with these answers and values."""
    trajectories = tuple(
        Trajectory(PROBLEM, (), "answered" if answer is not None else "code_error", answer) for answer, _ in ends
    )
    usage = tuple(Usage(requests=number) for number in range(1, len(ends) + 1))
    return SearchResult(PROBLEM.id, trajectories, tuple(value for _, value in ends), usage, len(ends))


def judged(found: SearchResult, reference: Reference = "7", grade: object = None) -> ProblemRecord:
    more = {} if grade is None else {"grade": grade}
    return judge(found, reference, seed=0, rules=RULES, budgets=(1, 2, 4), top_k=4, **more)  # type: ignore[arg-type]


@given(st.text(), st.floats(-1, 1), st.sampled_from(["correct", "incorrect", "grader_error"]))
def test_a_record_comes_back_as_it_was(text: str, value: float, verdict: str) -> None:
    answer = JudgedAnswer(text, 0, verdict, text)  # type: ignore[arg-type]
    record = replace(RECORD, answers=(answer, answer), values=(value, -1.0, value), problem_id=f"t/{text}")
    assert decode(encode(record)) == record


def test_a_record_of_a_failure_comes_back_as_it_was() -> None:
    failed = ProblemRecord("t/1", 3, error="policy: EngineError: out of memory\nline two")
    assert decode(encode(failed)) == failed
    assert encode(failed).count(b"\n") == 1


def test_a_lone_surrogate_comes_back_as_it_was() -> None:
    record = replace(RECORD, answers=(JudgedAnswer("\ud800", 0, "incorrect", ""),) * 2)
    assert decode(encode(record)) == record


@given(st.data())
def test_any_changed_byte_is_found(data: st.DataObject) -> None:
    line = bytearray(encode(RECORD))
    place = data.draw(st.integers(0, len(line) - 2))
    line[place] = data.draw(st.integers(32, 126).filter(lambda byte: byte != line[place]))
    with pytest.raises(ValueError, match="its checksum is wrong"):
        decode(bytes(line))


def test_every_budget_and_rule_can_be_recomputed_from_the_record(tmp_path: Path) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 12), tmp_path, budgets=[1, 2, 4, 8, 16])
    for record in read_records(plan.folder / RECORDS):
        assert choose_again(record, rules=RULES, budgets=(1, 2, 4, 8, 16), top_k=4) == record.chosen
    assert any(len(set(record.answer_of)) > 1 for record in read_records(plan.folder / RECORDS))


def test_each_different_answer_is_graded_once() -> None:
    graded: list[str | None] = []

    def grade(answer: str | None, reference: Reference) -> Grade:
        graded.append(answer)
        return Grade("correct" if answer == reference else "incorrect", answer, reference)

    record = judged(result(("7", 0.1), ("8", 0.2), (None, -1.0), ("7", 0.3)), grade=grade)
    assert graded == ["7", "8"]
    assert record.answer_of == (0, 1, None, 0)
    assert [answer.verdict for answer in record.answers] == ["correct", "incorrect"]


def test_a_verdict_belongs_to_the_answer_that_the_rule_chose() -> None:
    record = judged(result(("7", 0.1), ("8", 0.9), (None, -1.0), ("7", 0.3)))
    assert [record.verdict("best", index) for index in range(3)] == ["correct", "incorrect", "incorrect"]
    assert [record.verdict("majority", index) for index in (0, 2)] == ["correct", "correct"]


def test_a_search_without_an_answer_has_the_verdict_no_answer() -> None:
    record = judged(result((None, -1.0), (None, -1.0)))
    assert {record.verdict(rule, index) for rule in RULES for index in range(3)} == {"no_answer"}
    assert not record.has_correct(4)


def test_a_grader_that_raises_costs_one_verdict() -> None:
    def broken(answer: str | None, reference: Reference) -> Grade:
        if answer == "8":
            raise RuntimeError("stuck")
        return Grade("correct", answer, reference)

    record = judged(result(("7", 0.1), ("8", 0.9)), grade=broken)
    assert [answer.verdict for answer in record.answers] == ["correct", "grader_error"]
    assert record.answers[1].detail == "RuntimeError: stuck"
    assert record.verdict("best", 1) == "grader_error"


def test_the_oracle_looks_at_the_trajectories_within_the_budget() -> None:
    record = judged(result(("8", 0.1), ("7", -0.9)))
    assert [record.has_correct(budget) for budget in (1, 2, 4)] == [False, True, True]


def test_equivalent_answers_share_a_class() -> None:
    record = judged(result(("0.5", 0.1), ("1/2", 0.2), ("2", 0.3)), reference="1/2")
    assert [answer.number for answer in record.answers] == [0, 0, 1]
    assert record.verdict("majority", 2) == "correct"


def written(path: Path, *found: ProblemRecord) -> Path:
    with RecordFile(path) as file:
        for record in found:
            file.append(record)
    return path


def at(number: int, error: str = "") -> ProblemRecord:
    return ProblemRecord(f"t/{number}", 0, error=error) if error else replace(RECORD, problem_id=f"t/{number}")


def test_a_torn_last_line_is_dropped_and_the_rest_stays(tmp_path: Path) -> None:
    path = written(tmp_path / "r", at(1), at(2))
    content = path.read_bytes()
    for cut in (len(content) - 1, len(content) - 200, len(encode(at(1))) + 1):
        path.write_bytes(content[:cut])
        assert [record.problem_id for record in read_records(path)] == ["t/1"]
        written(path, at(3))
        assert [record.problem_id for record in read_records(path)] == ["t/1", "t/3"]


def test_a_file_that_is_one_torn_line_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(encode(RECORD)[:-5] * 3000)
    written(path, at(1))
    assert [record.problem_id for record in read_records(path)] == ["t/1"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda lines: [lines[0], lines[1].replace(b'"t/2"', b'"t/9"')], "line 2: is damaged: its checksum is wrong"),
        (lambda lines: [lines[0], b"\xff\n", lines[1]], "line 2: is damaged"),
        (lambda lines: [lines[0], b"\n", lines[1]], "line 2: is damaged"),
        (lambda lines: [lines[0], lines[0]], "line 2: repeats problem t/1 with seed 0"),
    ],
)
def test_damage_is_one_line_that_names_the_line(tmp_path: Path, damage: object, message: str) -> None:
    path = written(tmp_path / "r", at(1), at(2))
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))  # type: ignore[operator]
    with pytest.raises(InputError, match=f"r, {message}"):
        list(read_records(path))


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    with RecordFile(tmp_path / "r"), pytest.raises(InputError, match="going on in another process"):
        RecordFile(tmp_path / "r")


def test_failed_records_make_room_for_new_ones(tmp_path: Path) -> None:
    path = written(tmp_path / "r", at(1), at(2, "lost"), at(3))
    with RecordFile(path) as file:
        assert file.drop_failed() == 1
        file.append(at(2))
        with pytest.raises(InputError, match="another process"):
            RecordFile(path)
    assert [record.problem_id for record in read_records(path)] == ["t/1", "t/3", "t/2"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_takes_back_the_half_written_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "r", at(1))
    before, write = path.read_bytes(), os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) <= 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:-100])

    with RecordFile(path) as file:
        monkeypatch.setattr("os.write", full)
        with pytest.raises(InputError, match=r"No space left on device.; make room and resume: nothing is lost"):
            file.append(at(2))
        assert path.read_bytes() == before
        monkeypatch.undo()
        file.append(at(2))
    assert [record.problem_id for record in read_records(path)] == ["t/1", "t/2"]


def test_endings_of_records_are_those_of_searches() -> None:
    ending: Ending = "max_depth"
    record = judged(SearchResult("t/1", (Trajectory(PROBLEM, (), ending),), (-1.0,), (Usage(),), 1))
    assert record.endings == ("max_depth",)
    assert record.search_result().trajectories[0].ending == "max_depth"
