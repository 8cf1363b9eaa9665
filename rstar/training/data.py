"""Training files, JSONL or Parquet, read row by row; a row from an eval task or the eval split stops the training.

SFT rows have `id`, `question`, `solution`. Pair rows have `id`, `question`, `chosen`, `rejected`, and may have `weight`
(above 0), `depth` and `rule`. An id is a path that starts with its task: `procedural-train/relations-4-0017`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from rstar.prompts import ANSWER, CODE
from rstar.synthesis.pairs import RULES, Pair
from rstar.training.examples import SftRow
from tasks.catalog import BENCHMARKS, GENERATED, load_task
from tasks.jsonl import NumberText, Row
from tasks.overlap import OverlapIndex
from tasks.procedural import split_of
from tasks.tables import read_table
from tasks.types import InputError

_VALIDATION = "procedural-validation"


def read_sft(path: Path) -> Iterator[SftRow]:
    """The solutions in a file, in order. Raises InputError for a bad row, and for one that may not be trained on."""
    for row in read_table(path):
        question = _question(row)
        solution = row.filled_text("solution")
        if CODE not in solution and ANSWER not in solution:
            row.reject(f"field 'solution' holds no {CODE} and no {ANSWER}; write it in the format of rstar.prompts")
        yield SftRow(row.id(), question, solution)


def read_pairs(path: Path) -> Iterator[Pair]:
    """The preference pairs in a file, in order. Raises InputError as `read_sft` does."""
    for row in read_table(path):
        question = _question(row)
        chosen, rejected = row.filled_text("chosen"), row.filled_text("rejected")
        if chosen == rejected:
            row.reject("fields 'chosen' and 'rejected' are the same; remove the row")
        rule = str(row.fields.get("rule", RULES[-1]))
        yield Pair(
            row.id(), question, chosen, rejected, _number(row, "weight", 1.0), int(_number(row, "depth", 1.0)), rule
        )


def write_rows(path: Path, rows: Iterator[SftRow] | Iterator[Pair]) -> int:
    """Write one JSON object per row, replacing the file only when all are written; returns their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, count = path.with_suffix(".partial"), 0
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
            count += 1
    partial.replace(path)
    return count


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def refusal(problem_id: str, question: str) -> str | None:
    """Why a problem may not be trained on, as half a sentence; None where it may.

    Refused are: ids of eval tasks and of the validation split; questions of the generated families whose numbers put
    them into the eval or validation split; and questions that hold one of the generated eval tasks'. Copies of the
    other eval tasks' questions under another id are what `rstar overlap` finds.
    """
    task = problem_id.partition("/")[0]
    if task in BENCHMARKS and BENCHMARKS[task].role == "eval":
        return f"is from the eval task {task}"
    if task == _VALIDATION or (task in GENERATED and GENERATED[task][0] == "eval"):
        return f"is from {task}, which is not for training"
    if task in GENERATED and (split := split_of(question)) != "train":
        return f"has a question of the {split or 'no'} split"
    hits = _generated_evals().hits(problem_id, question)
    return f"has the question of {hits[0].problem_id}" if hits else None


@cache
def _generated_evals() -> OverlapIndex:
    return OverlapIndex([load_task(name) for name, (role, _) in GENERATED.items() if role == "eval"])


def _question(row: Row) -> str:
    question = row.filled_text("question")
    why = refusal(row.id(), question)
    if why is not None:
        row.reject(f"problem {row.id()} {why}; remove it from the training data")
    return question


def _number(row: Row, name: str, default: float) -> float:
    """The positive number in field `name`."""
    value: Any = row.fields.get(name, default)
    try:
        number = float(value) if isinstance(value, int | float | NumberText) else 0.0
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        row.reject(f"field '{name}' is not a number above 0")
    return number


__all__ = ["InputError", "file_hash", "read_pairs", "read_sft", "refusal", "write_rows"]
