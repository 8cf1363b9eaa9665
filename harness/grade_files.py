"""Files of stored replies, read row by row with every defect named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.graded_answer import StoredAnswer
from tasks.jsonl import Row, UniqueIds, describe, read_rows, shorten
from tasks.types import Reference, Task


@dataclass(slots=True)
class AnswerFile:
    """A JSONL file of stored replies, and the task that holds its references, if any.

    A row has `reply` (the model's text; null where it gave none) or else `predicted` (the extracted answer, null for
    none), and its `reference` (a text or a list of acceptable ones). With a task the reference is the task's, and `id`
    names the problem; where a problem has several replies, `problem` names it and each reply has its own `id`.
    """

    path: Path
    task: Task | None = None
    _seen: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[StoredAnswer]:
        """The rows in order. Raises InputError at the first one that cannot be used."""
        ids = UniqueIds()
        for row in read_rows(self.path):
            name = ids.add(row)
            reply, predicted = _reply_or_predicted(row)
            yield StoredAnswer(name, self._reference(row), reply, predicted, row.end_byte)

    def num_missing(self) -> int:
        """After reading: how many problems of the task have no row."""
        return len(self.task.problems) - len(self._seen) if self.task else 0

    def _reference(self, row: Row) -> Reference:
        if self.task is None:
            return _stated_reference(row)
        name = "problem" if row.fields.get("problem") is not None else "id"
        problem = row.text(name)
        reference = self.task.answers.get(problem)
        if reference is None:
            example = self.task.problems[0].id
            row.reject(
                f"field '{name}' holds {shorten(problem)!r}, which is no problem of task {self.task.name}; "
                f"write an id of that task, e.g. {example!r}"
            )
        self._seen.add(problem)
        return reference


def _stated_reference(row: Row) -> Reference:
    if "reference" not in row.fields:
        row.reject("field 'reference' is missing; add it, or name the task that has it with --task")
    value = row.fields["reference"]
    for text in value if isinstance(value, list) and value else [value]:
        if not isinstance(text, str) or not text.strip():
            row.reject(
                f"field 'reference' holds {describe(text)}; write an answer as text in quotes, or a list of such"
            )
    return value if isinstance(value, str) else tuple(value)


def _reply_or_predicted(row: Row) -> tuple[str | None, str | None]:
    if "reply" in row.fields:
        return (None if row.fields["reply"] is None else row.text("reply")), None
    if "predicted" not in row.fields:
        row.reject("field 'reply' is missing; add the model's text as 'reply' or the extracted answer as 'predicted'")
    return None, (None if row.fields["predicted"] is None else row.text("predicted"))
