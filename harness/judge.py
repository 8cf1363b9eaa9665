"""From a finished search to its record: here, and only here, a run meets the reference answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from harness.records import COUNTERS, JudgedAnswer, ProblemRecord, Timing
from rstar.protocols import Classes
from rstar.search.voting import Rule, choose_answers
from rstar.types import SearchResult
from tasks.answers import GRADER_VERSION, NO_CLASS
from tasks.answers import classes as answer_classes
from tasks.answers import grade as grade_answer
from tasks.types import Grade, Reference

Grader = Callable[[str | None, Reference], Grade]


def judge(
    result: SearchResult,
    reference: Reference,
    *,
    seed: int,
    rules: Sequence[Rule],
    budgets: Sequence[int],
    top_k: int,
    grade: Grader = grade_answer,
    classes: Classes = answer_classes,
) -> ProblemRecord:
    """The record of `result`: each different answer is graded once, and chosen by every rule at every budget.

    A grader that fails costs the answer its verdict (`grader_error`), never the record. May run in any thread.
    """
    begin = time.monotonic()
    texts = list(dict.fromkeys(each.answer for each in result.trajectories if each.answer is not None))
    numbers = dict(zip(texts, classes(texts), strict=True))
    answers = tuple(_judged(text, numbers[text], reference, grade) for text in texts)
    position = {text: index for index, text in enumerate(texts)}

    def known_classes(asked: Sequence[str | None]) -> list[int]:
        return [NO_CLASS if text is None else numbers[text] for text in asked]

    return ProblemRecord(
        problem_id=result.problem_id,
        seed=seed,
        budget=result.budget,
        stop=result.stop,
        num_duplicates=result.num_duplicates,
        answers=answers,
        answer_of=tuple(None if each.answer is None else position[each.answer] for each in result.trajectories),
        values=result.values,
        endings=tuple(each.ending for each in result.trajectories),
        usage={name: tuple(getattr(each, name) for each in result.usage_at) for name in COUNTERS},
        chosen=choose(result, known_classes, position, seed=seed, rules=rules, budgets=budgets, top_k=top_k),
        grader_version=GRADER_VERSION,
        timing=Timing(
            tuple(round(each.engine_seconds, 6) for each in result.usage_at),
            tuple(round(each.wall_seconds, 6) for each in result.usage_at),
            round(time.monotonic() - begin, 6),
            datetime.now(UTC).isoformat(timespec="seconds"),
        ),
    )


def choose(
    result: SearchResult,
    classes: Classes,
    position: dict[str, int],
    *,
    seed: int,
    rules: Sequence[Rule],
    budgets: Sequence[int],
    top_k: int,
) -> dict[str, tuple[int | None, ...]]:
    """Per rule: `position` of the chosen answer at each budget, None for no answer."""
    chosen = choose_answers(result, rules, budgets, classes=classes, seed=seed, top_k=top_k)

    def at(rule: Rule, budget: int) -> int | None:
        text = chosen[rule, budget]
        return None if text is None else position[text]

    return {rule: tuple(at(rule, budget) for budget in budgets) for rule in rules}


def choose_again(
    record: ProblemRecord, *, rules: Sequence[Rule], budgets: Sequence[int], top_k: int
) -> dict[str, tuple[int | None, ...]]:
    """What `choose` gave, from the record alone; other rules and budgets up to the run's work as well."""
    position = {answer.text: index for index, answer in enumerate(record.answers)}
    return choose(
        record.search_result(),
        record.classes,
        position,
        seed=record.seed,
        rules=rules,
        budgets=budgets,
        top_k=top_k,
    )


def _judged(text: str, number: int, reference: Reference, grade: Grader) -> JudgedAnswer:
    try:
        verdict = grade(text, reference)
    except Exception as error:  # noqa: BLE001 - the border around one grading: it becomes a named value
        return JudgedAnswer(text, number, "grader_error", f"{type(error).__name__}: {error}")
    return JudgedAnswer(text, number, verdict.verdict, verdict.detail)
