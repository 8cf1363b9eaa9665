"""A run's records judged again, from the answers in them: verdicts, equivalence classes and choices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from harness.judge import choose_again
from harness.records import JudgedAnswer, ProblemRecord
from harness.spec import RunSpec
from tasks.answers import GRADER_VERSION
from tasks.answers import classes as answer_classes
from tasks.answers import grade as grade_answer
from tasks.types import Reference

_MOST_SHOWN = 5
"""Differences that are written out; all are counted."""
_SHOWN_CHARS = 60


@dataclass(slots=True)
class Regrade:
    """What came out differently."""

    num_answers: int = 0
    num_records: int = 0
    verdicts: int = 0
    """Answers whose verdict is another."""
    classes: int = 0
    """Records whose answers are grouped otherwise."""
    choices: int = 0
    """Records in which a rule chooses another answer."""
    ungraded: int = 0
    """Answers without a verdict."""
    examples: tuple[str, ...] = ()

    def reasons(self) -> Iterator[str]:
        """In words, what speaks against the run; nothing where everything came out alike."""
        counts = (
            (self.verdicts, f"of {self.num_answers:,} answers have another verdict"),
            (self.classes, f"of {self.num_records:,} searches group their answers otherwise"),
            (self.choices, f"of {self.num_records:,} searches choose another answer"),
            (self.ungraded, f"of {self.num_answers:,} answers have no verdict"),
        )
        for count, what in counts:
            if count:
                yield f"graded again with version {GRADER_VERSION}: {count:,} {what}"
        if self.examples:
            yield f"for example {'; '.join(self.examples)}"


def regrade(records: Iterable[ProblemRecord], spec: RunSpec, references: Mapping[str, Reference]) -> Regrade:
    """Judge every record again. Records with an engine's failure hold nothing to judge and are passed over.

    Raises KeyError for a problem without a reference.
    """
    found = Regrade()
    for record in records:
        if not record.error:
            _regrade_one(record, spec, references[record.problem_id], found)
    return found


def _regrade_one(record: ProblemRecord, spec: RunSpec, reference: Reference, found: Regrade) -> None:
    found.num_records += 1
    found.num_answers += len(record.answers)
    for answer in record.answers:
        verdict = grade_answer(answer.text, reference).verdict
        found.ungraded += verdict == "grader_error"
        if verdict != answer.verdict:
            found.verdicts += 1
            _note(found, f"{record.problem_id}: {_short(answer)} was {answer.verdict}, is {verdict}")
    if answer_classes([answer.text for answer in record.answers]) != [answer.number for answer in record.answers]:
        found.classes += 1
        _note(found, f"{record.problem_id}: answers that mean the same are not those of the record")
    chosen = choose_again(record, rules=spec.rules, budgets=spec.budgets, top_k=spec.top_k)
    if chosen != record.chosen:
        found.choices += 1
        _note(found, f"{record.problem_id}: the recorded choice does not follow from the recorded values")


def _note(found: Regrade, text: str) -> None:
    if len(found.examples) < _MOST_SHOWN:
        found.examples = (*found.examples, text)


def _short(answer: JudgedAnswer) -> str:
    return repr(answer.text if len(answer.text) <= _SHOWN_CHARS else f"{answer.text[:_SHOWN_CHARS]}…")
