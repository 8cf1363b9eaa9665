"""Training files: what is read, and what is refused with one line."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from rstar.synthesis.pairs import Pair
from rstar.training.data import file_hash, read_pairs, read_sft, refusal, write_rows
from rstar.training.examples import SftRow
from tasks.procedural import FAMILIES, LEVELS, generate, load_procedural
from tasks.types import InputError

GOOD = generate("train", "areas", 2, 3).problem
SOLUTION = "<code>\nprint(1)\n<end_of_code>"


def file_of(folder: Path, *fields: dict[str, object]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in fields), encoding="utf-8")
    return path


def row(problem_id: str = GOOD.id, question: str = GOOD.question, **others: object) -> dict[str, object]:
    return {"id": problem_id, "question": question, "solution": SOLUTION, **others}


def test_sft_rows_are_read_from_jsonl_and_parquet_alike(tmp_path: Path) -> None:
    jsonl, parquet = file_of(tmp_path, row(), row("my/1", "How many?")), tmp_path / "rows.parquet"
    pd.read_json(jsonl, lines=True).to_parquet(parquet)
    expected = [SftRow(GOOD.id, GOOD.question, SOLUTION), SftRow("my/1", "How many?", SOLUTION)]
    assert list(read_sft(jsonl)) == list(read_sft(parquet)) == expected


def test_pairs_come_back_from_their_file(tmp_path: Path) -> None:
    pairs = [Pair(GOOD.id, GOOD.question, "a", "b", 0.25, 2, "siblings")]
    assert write_rows(tmp_path / "p.jsonl", iter(pairs)) == 1
    assert list(read_pairs(tmp_path / "p.jsonl")) == pairs
    assert len(file_hash(tmp_path / "p.jsonl")) == 64


@pytest.mark.parametrize("task", ["procedural", "procedural-hard", "aime2024", "procedural-validation", "math500"])
def test_a_row_of_an_eval_task_is_refused(tmp_path: Path, task: str) -> None:
    with pytest.raises(InputError, match=rf"rows\.jsonl, line 2: problem {task}/x-1-0001 .*remove it"):
        list(read_sft(file_of(tmp_path, row(), row(f"{task}/x-1-0001"))))


@pytest.mark.parametrize("split", ["eval", "validation"])
def test_a_question_of_another_split_is_refused_under_a_train_id(tmp_path: Path, split: str) -> None:
    question = generate(split, "relations", 3, 9).problem.question  # type: ignore[arg-type]
    with pytest.raises(InputError, match=f"{split} split"):
        list(read_sft(file_of(tmp_path, row(question=question))))


def test_the_question_of_an_eval_task_is_refused_under_any_id(tmp_path: Path) -> None:
    question = load_procedural("procedural").problems[200].question
    with pytest.raises(InputError, match="has the question of procedural"):
        list(read_pairs(file_of(tmp_path, {"id": "mine/1", "question": question, "chosen": "a", "rejected": "b"})))


def test_no_generated_train_problem_is_refused() -> None:
    made = [generate("train", family, level, 11).problem for family in FAMILIES for level in LEVELS]
    assert [problem.id for problem in made if refusal(problem.id, problem.question)] == []


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"solution": ""}, "field 'solution' is empty"),
        ({"solution": "The answer is 5."}, "field 'solution' holds no <code>"),
        ({"question": "  "}, "field 'question' is empty"),
    ],
)
def test_a_broken_sft_row_is_one_clear_line(tmp_path: Path, fields: dict[str, object], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        list(read_sft(file_of(tmp_path, row() | fields)))


@pytest.mark.parametrize("weight", [0, -1, "heavy", None, float("nan")])
def test_a_pair_whose_weight_is_no_positive_number_is_refused(tmp_path: Path, weight: object) -> None:
    fields = {"id": "mine/1", "question": "Why?", "chosen": "a", "rejected": "b", "weight": weight}
    with pytest.raises(InputError, match="'weight' is not a number above 0"):
        list(read_pairs(file_of(tmp_path, fields)))


def test_a_pair_of_equal_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="are the same"):
        list(read_pairs(file_of(tmp_path, {"id": "mine/1", "question": "Why?", "chosen": "a", "rejected": "a"})))
