from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.grade_files import AnswerFile
from tasks.types import InputError, Problem, Source, Task

TASK = Task(
    "tiny",
    "1",
    "eval",
    Source("here", "0" * 64, "MIT"),
    tuple(Problem(f"tiny/{index}", "?") for index in range(3)),
    {"tiny/0": "5", "tiny/1": ("7", "x=7"), "tiny/2": "9"},
)


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def complaint(path: Path, task: Task | None = None) -> str:
    with pytest.raises(InputError) as caught:
        list(AnswerFile(path, task))
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "replies.jsonl"


def test_a_row_brings_a_reply_or_an_extracted_answer(file: Path) -> None:
    write(file, {"reference": "5", "reply": "so 5"}, {"id": 7, "reference": ["1", "2"], "predicted": "2"})
    first, second = AnswerFile(file)
    assert (first.id, first.reference, first.reply, first.predicted) == ("line-1", "5", "so 5", None)
    assert (second.id, second.reference, second.reply, second.predicted) == ("7", ("1", "2"), None, "2")


def test_the_reply_counts_where_a_row_has_both(file: Path) -> None:
    write(file, {"reference": "5", "reply": "so 5", "predicted": "6"})
    [row] = AnswerFile(file)
    assert (row.reply, row.predicted) == ("so 5", None)


@pytest.mark.parametrize("field", ["reply", "predicted"])
def test_null_means_that_the_model_gave_nothing(file: Path, field: str) -> None:
    write(file, {"reference": "5", field: None})
    [row] = AnswerFile(file)
    assert (row.reply, row.predicted) == (None, None)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"reply": "5"}, ["line 2", "'reference' is missing", "--task"]),
        ({"reference": "5"}, ["line 2", "'reply' is missing"]),
        ({"reference": float("nan"), "reply": "5"}, ["line 2", "'reference' holds NaN"]),
        ({"reference": None, "reply": "5"}, ["'reference' holds null"]),
        ({"reference": " ", "reply": "5"}, ["'reference' holds an empty text"]),
        ({"reference": [], "reply": "5"}, ["'reference' holds an empty list"]),
        ({"reference": ["5", 6], "reply": "5"}, ["'reference' holds the number 6"]),
        ({"reference": "5", "reply": 5}, ["'reply' holds the number 5"]),
        ({"reference": "5", "predicted": [5]}, ["'predicted' holds a list"]),
        ({"reference": "5", "reply": "5", "id": "first"}, ["'id' repeats 'first' of line 1"]),
        ({"reference": "5", "reply": "5", "id": 1.5}, ["'id' holds the number 1.5"]),
    ],
)
def test_an_unusable_row_is_named_by_file_line_and_field(file: Path, row: object, words: list[str]) -> None:
    write(file, {"id": "first", "reference": "1", "reply": "1"}, row)
    message = complaint(file)
    assert all(word in message for word in [str(file), *words]), message


def test_a_task_brings_the_references_and_counts_the_problems_without_a_row(file: Path) -> None:
    write(file, {"id": "tiny/1", "reply": "7", "reference": "ignored"})
    answers = AnswerFile(file, TASK)
    assert [row.reference for row in answers] == [("7", "x=7")]
    assert answers.num_missing() == 2


def test_several_replies_to_one_problem_name_it_apart_from_their_ids(file: Path) -> None:
    write(file, *({"id": f"s{index}", "problem": "tiny/2", "reply": "9"} for index in range(4)))
    answers = AnswerFile(file, TASK)
    assert [(row.id, row.reference) for row in answers] == [(f"s{index}", "9") for index in range(4)]
    assert answers.num_missing() == 2


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"reply": "7"}, ["'id' is missing"]),
        ({"id": "tiny/9", "reply": "7"}, ["'tiny/9'", "no problem of task tiny", "'tiny/0'"]),
        ({"id": "a", "problem": "tiny/9", "reply": "7"}, ["'problem' holds 'tiny/9'"]),
    ],
)
def test_a_row_that_names_no_problem_of_the_task_is_refused(file: Path, row: object, words: list[str]) -> None:
    message = complaint(write(file, row), TASK)
    assert all(word in message for word in ["line 1", *words]), message
