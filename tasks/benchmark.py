"""A named set of problems with a pinned source: what is known before loading, and how its rows become a `Task`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.sources import DataFile, State, combined_sha256, fetch, state
from tasks.types import InputError, Problem, Reference, Role, Source, Task


@dataclass(frozen=True, slots=True)
class Item:
    """One problem together with its reference, before the two are kept apart."""

    id: str
    """Unique in its task, without the task's name: `I-07`."""
    question: str
    reference: Reference
    subject: str = ""
    level: str = ""


Reader = Callable[[Sequence[Path]], Iterator[Item]]
"""Turns the fetched files, in the order of `Benchmark.files`, into items."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A task that can be loaded by name. Cheap to hold: nothing is read until `load`."""

    name: str
    title: str
    """What a reader calls it, with the split: `MATH, test split`."""
    version: str
    """Raised when ids, questions or references change."""
    role: Role
    num_problems: int
    """Exact; where `drops_rows`, the number of rows in the files, of which some are left out."""
    files: tuple[DataFile, ...]
    location: str
    """Pinned origin of the files, for people: URL or hub id with its revision."""
    licence: str
    homepage: str
    read: Reader
    drops_rows: bool = False

    def load(self) -> Task:
        """Fetch, check and read the files. Raises InputError as `fetch` does, and where the rows are not as stated."""
        paths = [fetch(file) for file in self.files]
        source = Source(self.location, combined_sha256(paths), self.licence, self.homepage)
        task = build_task(self.name, self.version, self.role, source, self.read(paths))
        found = len(task.problems)
        if found > self.num_problems or (found != self.num_problems and not self.drops_rows):
            raise InputError(f"{paths[0]}: gave {found} problems, expected {self.num_problems}; replace this copy")
        return task

    def state(self) -> State:
        """Where the data would come from; `not fetched` as soon as one file is missing."""
        states = {state(file) for file in self.files}
        return "not fetched" if "not fetched" in states else "cached" if "cached" in states else "local"


def build_task(name: str, version: str, role: Role, source: Source, items: Iterable[Item]) -> Task:
    """The task with `items` as its problems, in order, under ids `<name>/<item id>`.

    Raises InputError for a repeated id, a blank question or a blank reference. Equal questions are kept: they are
    different problems with different ids.
    """
    problems: list[Problem] = []
    answers: dict[str, Reference] = {}
    for item in items:
        id_ = f"{name}/{item.id}"
        references = item.reference if isinstance(item.reference, tuple) else (item.reference,)
        if id_ in answers:
            raise InputError(f"{source.location}: the id '{id_}' stands twice; give every problem its own id")
        if not item.question.strip() or not references or not all(one.strip() for one in references):
            raise InputError(f"{source.location}: problem '{id_}' has an empty question or answer; fill it in")
        problems.append(Problem(id_, item.question, item.subject, item.level))
        answers[id_] = item.reference
    return Task(name, version, role, source, tuple(problems), answers)
