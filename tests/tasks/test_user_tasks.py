"""Tasks from a user's own file: what is accepted, and the one line for what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.catalog import load_task
from tasks.types import InputError, Task


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return f"user:{path}"


def write_parquet(path: Path, columns: dict[str, Any]) -> str:
    pq.write_table(pa.table(columns), path)
    return f"user:{path}"


def answers(task: Task) -> list[object]:
    return [task.answers[problem.id] for problem in task.problems]


SAME = {
    "a.json": '[{"question": "q1?", "answer": "007"}, {"question": "q2?", "answer": 1.0}]',
    "a.jsonl": '{"question": "q1?", "answer": "007"}\n\n{"question": "q2?", "answer": 1.0}\n',
    "a.csv": "question,answer\nq1?,007\nq2?,1.0\n",
    "a.tsv": "question\tanswer\r\nq1?\t007\r\nq2?\t1.0\r\n",
}


@pytest.mark.parametrize("name", SAME)
def test_text_formats_keep_answers_exactly_as_written(tmp_path: Path, name: str) -> None:
    task = load_task(write(tmp_path / name, SAME[name]))
    assert [problem.question for problem in task.problems] == ["q1?", "q2?"]
    assert answers(task) == ["007", "1.0"]
    assert task.role == "eval"
    assert task.name == "a"


def test_parquet_keeps_texts_and_writes_numbers_exactly(tmp_path: Path) -> None:
    name = write_parquet(tmp_path / "a.parquet", {"question": ["q1?", "q2?"], "answer": ["007", "1.0"], "id": [7, 9]})
    task = load_task(name)
    assert answers(task) == ["007", "1.0"]
    assert [problem.id for problem in task.problems] == ["a/7", "a/9"]
    numbers = write_parquet(tmp_path / "b.parquet", {"question": ["q?"], "answer": [2**62 + 1]})
    assert answers(load_task(numbers)) == [str(2**62 + 1)]


def test_columns_can_be_mapped(tmp_path: Path) -> None:
    name = write(tmp_path / "a.csv", "prompt,label,uid,area\nq?,5,p1,Algebra\n")
    task = load_task(f"{name}?question=prompt&answer=label&id=uid&subject=area&name=mine&licence=CC0-1.0")
    assert task.name == "mine"
    assert task.problems[0].id == "mine/p1"
    assert task.problems[0].subject == "Algebra"
    assert task.source.licence == "CC0-1.0"


def test_a_list_of_acceptable_answers_becomes_a_tuple(tmp_path: Path) -> None:
    task = load_task(write(tmp_path / "a.jsonl", '{"question": "q?", "answer": ["3", -3]}'))
    assert answers(task) == [("3", "-3")]


def test_a_cell_may_hold_line_breaks_and_ids_name_the_first_line(tmp_path: Path) -> None:
    task = load_task(write(tmp_path / "a.csv", 'question,answer\n"two\nlines, a comma",1\nnext,2\n'))
    assert task.problems[0].question == "two\nlines, a comma"
    assert [problem.id for problem in task.problems] == ["a/line-2", "a/line-4"]


def test_jsonl_under_the_name_json_is_read(tmp_path: Path) -> None:
    assert answers(load_task(write(tmp_path / "a.json", SAME["a.jsonl"]))) == ["007", "1.0"]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    for name, content in SAME.items():
        assert len(load_task(write(tmp_path / name, b"\xef\xbb\xbf" + content.encode())).problems) == 2


def test_a_path_may_hold_a_question_mark(tmp_path: Path) -> None:
    assert load_task(write(tmp_path / "what?.csv", SAME["a.csv"])).name == "what"


def test_the_role_is_the_one_asked_for(tmp_path: Path) -> None:
    assert load_task(write(tmp_path / "a.csv", SAME["a.csv"]), role="train").role == "train"


def test_a_changed_file_is_another_version(tmp_path: Path) -> None:
    first = load_task(write(tmp_path / "a.csv", SAME["a.csv"]))
    second = load_task(write(tmp_path / "a.csv", SAME["a.csv"].replace("007", "7")))
    assert first.version != second.version


BAD = [
    ("a.csv", "question,answer\nq?,NaN\n", r"line 2: field 'answer' holds NaN"),
    ("a.csv", "question,answer\nnan,5\n", r"line 2: field 'question' holds NaN"),
    ("a.csv", "question,answer\nq?,5\n ,6\n", r"line 3: field 'question' is empty; fill it in"),
    ("a.csv", "question,answer\nq?,\n", r"line 2: field 'answer' holds an empty text"),
    ("a.csv", "question,answer\nq?\n", r"line 2: has 1 cells, the header has 2"),
    ("a.csv", "question,answer\nq, too,5\n", r"line 2: has 3 cells, the header has 2; quote cells that hold ','"),
    ("a.csv", "question,question\nq?,5\n", r"line 1: column 'question' stands twice"),
    ("a.csv", 'question,answer\n"q?,5\n', r"line 2: not CSV"),
    ("a.csv", "prompt,answer\nq?,5\n", r"has no column 'question' \(found: prompt, answer\);.*question=…"),
    ("a.csv", "question\nq?\n", r"has no column 'answer'"),
    ("a.csv", b"question,answer\nq?,5\n\xff\xfe,6\n", r"line 3: byte 1 is not UTF-8"),
    ("a.csv", "id,question,answer\n1,q?,5\n1,r?,6\n", r"line 3: field 'id' repeats '1' of line 2"),
    ("a.csv", "question,answer\n", r"has no rows"),
    ("a.json", '[{"id": 1, "question": "q?", "answer": 5}, {"id": 1, "question": "r?", "answer": 6}]', "repeats '1'"),
    ("a.json", "[]", r"has no rows"),
    ("a.json", '"text"', r"line 1: is not a list of objects"),
    ("a.json", '[{"question": "q?", "answer": "5"},\n 7]', r"line 2: holds the number 7"),
    ("a.json", '[{"question": "q?", "answer": "5"}\n {}]', r"line 2: not JSON; expected ','"),
    ("a.json", '[{"question": "q?", "answer": "5"}] x', r"line 1: not JSON; something follows"),
    ("a.json", '[{"question": "q?",\n "answer": }]', r"line 2: not JSON"),
    ("a.json", '[\n{"question": "q?", "answer": null}]', r"line 2: field 'answer' holds null"),
    ("a.json", '[\n{"question": "q?", "answer": NaN}]', r"line 2: field 'answer' holds NaN"),
    ("a.json", '[\n{"question": "q?", "answer": true}]', r"line 2: field 'answer' holds the truth value true"),
    ("a.json", '[\n{"question": "q?", "answer": []}]', r"line 2: field 'answer' is an empty list"),
    ("a.json", '[\n{"question": 5, "answer": "5"}]', r"line 2: field 'question' holds the number 5"),
    ("a.json", b'[\n{"question": "q\xff", "answer": "5"}]', r"line 2: byte 16 is not UTF-8"),
    ("a.json", "[" * 100_000, r"line 1: holds brackets nested too deep"),
    ("a.jsonl", '{"question": "q?", "answer": "5"}\n{"question": "q?"', r"line 2: not JSON"),
    ("a.jsonl", '{"question": "q?", "answer": {"x": 1}}', r"line 1: field 'answer' holds an object"),
    ("a.xlsx", "", r"the ending does not tell the format"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_is_one_line_with_file_and_place(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_task(write(tmp_path / name, content))
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_null_in_parquet_is_named_by_row(tmp_path: Path) -> None:
    name = write_parquet(tmp_path / "a.parquet", {"question": ["q?", "r?"], "answer": ["5", None]})
    with pytest.raises(InputError, match=r"a\.parquet, row 2: field 'answer' holds null"):
        load_task(name)
    name = write_parquet(tmp_path / "b.parquet", {"question": ["q?"], "answer": [float("nan")]})
    with pytest.raises(InputError, match=r"b\.parquet, row 1: field 'answer' holds NaN"):
        load_task(name)


def test_a_broken_parquet_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.parquet: cannot be read as Parquet"):
        load_task(write(tmp_path / "a.parquet", b"PAR1 no parquet"))


def test_a_line_of_100_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    for name, start in (("a.csv", "question,answer\n"), ("a.jsonl", "")):
        path = tmp_path / name
        with path.open("w") as file:
            file.write(start)
            file.writelines(["x" * 1_000_000] * 100)
        with pytest.raises(InputError, match=r", line \d: longer than 16 MiB"):
            load_task(f"user:{path}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("user:", "names no file"),
        ("user:/nowhere/a.csv", r"/nowhere/a\.csv: cannot be read"),
        ("user:a.csv?quesion=prompt", "setting 'quesion' is not known; use one of question, answer"),
        ("user:a.csv?question=", "setting 'question' is empty"),
        ("user:a.csv?format=xml&question=q", "format 'xml' is not known"),
        ("user:a.csv?question=q&", "settings are written setting=value"),
    ],
)
def test_a_wrong_name_is_refused_with_the_fix(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_task(name)


def test_a_mapped_column_that_is_missing_is_named(tmp_path: Path) -> None:
    name = write(tmp_path / "a.csv", SAME["a.csv"])
    with pytest.raises(InputError, match=r"has no column 'uid', which id=uid asks for"):
        load_task(f"{name}?id=uid")


def test_jsonl_ids_and_labels_come_along(tmp_path: Path) -> None:
    row = {"id": 12, "question": "q?", "answer": "5", "subject": "Geometry", "level": 4}
    task = load_task(write(tmp_path / "a b.jsonl", json.dumps(row)))
    assert task.problems[0].id == "a-b/12"
    assert (task.problems[0].subject, task.problems[0].level) == ("Geometry", "4")
