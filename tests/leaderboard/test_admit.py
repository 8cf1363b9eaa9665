"""A submission is admitted only where nothing speaks against it; each reason against one is found and said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.record_file import read_records
from harness.records import ProblemRecord, encode
from harness.run_inputs import content_identity
from leaderboard import admit as admit_module
from leaderboard.admit import admit
from leaderboard.training_data import SUBMISSION
from tasks.catalog import load_task

PUBLISHED = Path(__file__).parents[2] / "results" / "procedural"
KNOWN = cache(load_task)
"""Generating the task takes a second; it is the same for every test."""


@pytest.fixture(autouse=True)
def _generated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admit_module, "load_task", KNOWN)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of the published greedy run, small and really made."""
    [folder] = PUBLISHED.glob("greedy-*")
    return Path(shutil.copytree(folder, tmp_path / folder.name, ignore=shutil.ignore_patterns("journals")))


def rewrite(run: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change `run.json` and keep its identity right, as somebody who means to deceive would."""
    content = json.loads((run / "run.json").read_text())
    change(content)
    content["identity"] = content_identity(content["spec"], content["inputs"])
    (run / "run.json").write_text(json.dumps(content))


def rewrite_records(run: Path, change: Callable[[list[ProblemRecord]], list[ProblemRecord]]) -> None:
    """Change the records; each has a right checksum."""
    records = change(list(read_records(run / "problems.jsonl")))
    (run / "problems.jsonl").write_bytes(b"".join(map(encode, records)))


def reasons(run: Path) -> str:
    return "\n".join(admit(run).reasons)


def test_a_clean_run_is_admitted_after_all_its_answers_were_graded_again(run: Path) -> None:
    found = admit(run)
    assert found.reasons == ()
    assert found.regrade is not None
    assert found.regrade.num_answers == 144


def first_answer(record: ProblemRecord, **changes: Any) -> ProblemRecord:
    return replace(record, answers=(replace(record.answers[0], **changes), *record.answers[1:]))


def praised(records: list[ProblemRecord]) -> list[ProblemRecord]:
    place = next(n for n, each in enumerate(records) if each.answers and each.answers[0].verdict == "incorrect")
    return [*records[:place], first_answer(records[place], verdict="correct"), *records[place + 1 :]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (praised, "1 of 144 answers have another verdict"),
        (lambda records: records[:-1], "incomplete: 143 of 144 searches done, 0 failed, 1 missing"),
        (lambda records: [*records[:-1], ProblemRecord(records[-1].problem_id, 0, error="lost")], "1 failed"),
        (lambda records: [replace(records[0], chosen=dict.fromkeys(records[0].chosen, (None,))), *records[1:]],
         "1 of 144 searches choose another answer"),
        (lambda records: [first_answer(records[0], number=3), *records[1:]], "1 of 144 searches group their answers"),
        (lambda records: [first_answer(records[0], verdict="grader_error"), *records[1:]],
         "grader errors: 1 searches have no verdict"),
        (lambda records: [replace(records[0], problem_id="procedural/areas-1-0001"), *records[1:]],
         "wrong problems: 1 are not among those that its limit gives, first procedural/areas-1-0001"),
    ],
)  # fmt: skip
def test_changed_records_are_refused(run: Path, change: Any, reason: str) -> None:
    rewrite_records(run, change)
    assert reason in reasons(run)


def sessions(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["sessions"][0].update(changes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (sessions(is_dirty=True), "dirty: the source differed from its commit 9128f911"),
        (sessions(commit=None), "dirty: it ran from source without a commit"),
        (lambda run: run["sessions"].append(run["sessions"][0] | {"commit": "f" * 40}), "mixed: its sessions ran on 2"),
        (lambda run: run["sessions"].clear(), "no session is recorded"),
        (lambda run: run["inputs"].update(task_sha256="0" * 64), "SHA-256 9dd059541a8f here, 000000000000"),
        (lambda run: run["inputs"].update(task_version="0"), "is of version 1 here, 0 in the run"),
        (lambda run: run.update(num_task_problems=500), "wrong data: procedural has 384 problems, not 500"),
        (lambda run: run["spec"].update(limit=100), "wrong problems: the run counts 144, its limit gives 100"),
        (lambda run: run["spec"].update(task="user:mine.csv"), "task user:mine.csv is nobody's benchmark"),
        (lambda run: run["spec"].update(policy="somebody/7B"), "training data is not stated: add submission.json"),
    ],
)  # fmt: skip
def test_changed_circumstances_are_refused(run: Path, change: Any, reason: str) -> None:
    rewrite(run, change)
    assert reason in reasons(run)


def test_a_spec_that_was_changed_afterwards_is_unreadable(run: Path) -> None:
    content = json.loads((run / "run.json").read_text())
    content["spec"]["seeds"] = [1]
    (run / "run.json").write_text(json.dumps(content))
    assert "unreadable" in reasons(run)
    assert "changed after the run began" in reasons(run)


def test_a_damaged_record_is_a_reason_and_no_crash(run: Path) -> None:
    path = run / "problems.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"correct"', b'"correcT"', 1))
    assert "is damaged: its checksum is wrong" in reasons(run)


def test_stated_training_data_with_a_test_question_is_contaminated(run: Path) -> None:
    question = KNOWN("procedural", "eval").problems[0].question
    (run / "sft.jsonl").write_text(json.dumps({"id": "a", "question": f"Solve this. {question}"}) + "\n")
    (run / SUBMISSION).write_text(json.dumps({"training_data": ["sft.jsonl"]}))
    assert "contaminated: training data" in reasons(run)
    assert "holds 1 questions of procedural" in reasons(run)


def test_clean_training_data_of_another_model_is_admitted(run: Path) -> None:
    rewrite(run, lambda content: content["spec"].update(policy="somebody/7B"))
    (run / "sft.jsonl").write_text(json.dumps({"id": "a", "question": "How high is the highest mountain?"}) + "\n")
    (run / SUBMISSION).write_text(json.dumps({"training_data": ["sft.jsonl"]}))
    assert reasons(run) == ""


@pytest.mark.parametrize("content", ["[", "{}", '{"training_data": "perhaps"}', '{"training_data": [3]}'])
def test_a_statement_that_cannot_be_read_is_a_reason(run: Path, content: str) -> None:
    (run / SUBMISSION).write_text(content)
    assert "training data cannot be checked" in reasons(run)


def test_the_command_leaves_with_1_and_names_the_reasons(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(run, sessions(is_dirty=True))
    with pytest.raises(SystemExit) as leaving:
        main(["leaderboard", "admit", str(run), "--json"])
    assert leaving.value.code == 1
    [row] = json.loads(capsys.readouterr().out)
    assert not row["admitted"]
    assert "dirty" in row["reasons"][0]


def test_the_command_leaves_with_2_for_what_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["leaderboard", "admit", str(tmp_path / "none")])
    assert leaving.value.code == 2
    assert "is no run" in capsys.readouterr().err


def test_a_verdict_holds_its_numbers(run: Path) -> None:
    found = admit(run).regrade
    assert found is not None
    assert {name: value for name, value in asdict(found).items() if value} == {"num_answers": 144, "num_records": 144}
