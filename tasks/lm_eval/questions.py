"""What the YAML files beside this one name: problems as lm-evaluation-harness reads them, and their grading.

`lm_eval` loads this file by its path. It reads and grades with the same `load_task`, `extract` and `grade` as `rstar
run`, so the same reply gets the same verdict.
"""

from __future__ import annotations

from typing import Any

from tasks.answers import extract, grade
from tasks.catalog import load_task
from tasks.types import InputError

SPLIT = "test"


def load(rstar_task: str = "", **_: Any) -> dict[str, Any]:
    """The problems of a task, by split: a `datasets.Dataset` with `id`, `question`, `subject`, `level`, `references`.

    Raises InputError, one sentence, where the task is unknown, for training, or its data is missing.
    """
    from datasets import Dataset  # type: ignore[import-untyped]

    if not rstar_task:
        raise InputError(
            """task rstar_user: no file is named; give one with --metadata '{"rstar_task": "user:my.csv"}'"""
        )
    task = load_task(rstar_task, "eval")
    rows = []
    for problem in task.problems:
        answer = task.answers[problem.id]
        rows.append(
            {
                "id": problem.id,
                "question": problem.question,
                "subject": problem.subject,
                "level": problem.level,
                "references": [answer] if isinstance(answer, str) else list(answer),
            }
        )
    return {SPLIT: Dataset.from_list(rows)}


def process_results(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """1.0 or 0.0 for each metric, of the first reply: right, without an answer, and without a verdict."""
    references = doc["references"]
    found = grade(extract(results[0]), references[0] if len(references) == 1 else tuple(references))
    return {
        "exact_match": float(found.verdict == "correct"),
        "no_answer": float(found.verdict == "no_answer"),
        "grader_error": float(found.verdict == "grader_error"),
    }
