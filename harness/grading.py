"""Grading of stored answers in parallel: rows in, rows with every grader's opinion out, in order, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from harness.graded_answer import GradedAnswer, GraderName, Opinion, StoredAnswer
from harness.second_opinion import CHUNK_SIZE as SECOND_CHUNK_SIZE
from harness.second_opinion import LIMIT_SECONDS as SECOND_LIMIT_SECONDS
from harness.second_opinion import second_opinion
from harness.workers import Failure, WorkerPool
from tasks.answers import GradingPolicy

LIMIT_SECONDS = 10.0
"""Wall time per row. One comparison ends within 2 s by itself; a row may have two policies and several references."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What our own grader says about one stored answer."""

    predicted: str | None
    opinions: tuple[Opinion, ...]
    """One per policy, in the order asked for."""


def check(policies: Sequence[GradingPolicy], answer: StoredAnswer) -> Checked:
    """Extract the answer where the row brings a whole reply, and grade it under each policy. Runs in a worker."""
    from tasks.answers import extract, grade

    predicted = answer.predicted if answer.reply is None else extract(answer.reply)
    grades = [grade(predicted, answer.reference, policy=policy) for policy in policies]
    return Checked(grades[0].predicted, tuple(Opinion(one.verdict, one.detail) for one in grades))


@dataclass(frozen=True, slots=True)
class Graders:
    """Who grades, and with how many processes."""

    policies: tuple[GradingPolicy, ...]
    """At least one; the first one's verdict is the row's."""
    has_second_opinion: bool
    num_workers: int
    """Per grader: ours and the second opinion have processes of their own."""
    limit_seconds: float = LIMIT_SECONDS
    check: Callable[[Sequence[GradingPolicy], StoredAnswer], Checked] = check
    """Importable by name. Tests put a grader here that hangs."""

    @property
    def names(self) -> tuple[GraderName, ...]:
        """All graders, the one that counts first."""
        return (*self.policies, *(("math-verify",) if self.has_second_opinion else ()))


def grade_answers(answers: Iterable[StoredAnswer], graders: Graders) -> Generator[GradedAnswer, None, None]:
    """Yield every answer graded, in order. A hang, a crash or an exception costs one row: a `grader_error`.

    Close the iterator (`contextlib.closing`) to end its processes when it is left early.
    """
    preload = (__name__, "tasks.answers", *(("math_verify",) if graders.has_second_opinion else ()))
    with ExitStack() as stack:
        ours: WorkerPool[StoredAnswer, Checked] = stack.enter_context(
            WorkerPool(
                partial(graders.check, graders.policies),
                graders.num_workers,
                graders.limit_seconds,
                preload=preload,
            )
        )
        checked = ours.map(answers, StoredAnswer.size)
        graded = (_graded(answer, outcome, graders.policies) for answer, outcome in checked)
        if not graders.has_second_opinion:
            yield from graded
            return
        theirs: WorkerPool[GradedAnswer, Opinion] = stack.enter_context(
            WorkerPool(second_opinion, graders.num_workers, SECOND_LIMIT_SECONDS, SECOND_CHUNK_SIZE, preload)
        )
        for answer, outcome in theirs.map(graded):
            opinion = _error(outcome) if isinstance(outcome, Failure) else outcome
            yield replace(answer, opinions={**answer.opinions, "math-verify": opinion})


def _graded(answer: StoredAnswer, outcome: Checked | Failure, policies: Sequence[GradingPolicy]) -> GradedAnswer:
    if isinstance(outcome, Failure):
        predicted, opinions = answer.predicted, (_error(outcome),) * len(policies)
    else:
        predicted, opinions = outcome.predicted, outcome.opinions
    return GradedAnswer(
        answer.id, answer.reference, predicted, dict(zip(policies, opinions, strict=True)), answer.end_byte
    )


def _error(failure: Failure) -> Opinion:
    return Opinion("grader_error", f"{failure.reason}: {failure.detail}")
