"""The types that every part shares: a problem, a task, where its data came from, and a verdict on one answer.

`Problem` has no answer field, on purpose: a search receives problems, so it cannot see a reference answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["eval", "train"]
Verdict = Literal["correct", "incorrect", "no_answer", "grader_error"]
Reference = str | tuple[str, ...]
"""A reference answer; a tuple where the source lists several acceptable answers (any one of them is right)."""


class InputError(ValueError):
    """Bad input from the user: one line that names the file, field or flag and the fix.

    The command line prints it without a traceback and exits with code 2.
    """


@dataclass(frozen=True, slots=True)
class Problem:
    """One question, without its answer."""

    id: str
    """Path-like, unique in its task and never changed: `aime2024/I-07`."""
    question: str
    """The text as the source has it, never empty."""
    subject: str = ""
    """The source's own word, e.g. `Number Theory`; empty where the source has none."""
    level: str = ""
    """The source's own difficulty label, e.g. `5`; empty where the source has none."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a task's data comes from and which bytes count as that data."""

    location: str
    """Pinned URL, hub id, path of a user's file, or `generated`."""
    sha256: str
    """Hash of the data file, 64 hex digits; for a generated task, of its generated content."""
    licence: str
    """SPDX id where there is one, else the source's own wording, `unknown` where it states none."""
    homepage: str = ""
    """Page or paper a reader should cite."""


@dataclass(frozen=True, slots=True)
class Task:
    """Problems plus their reference answers, kept apart."""

    name: str
    version: str
    """Raised when ids, questions, references or grading rules of the task change."""
    role: Role
    """`eval` tasks are refused by everything that trains."""
    source: Source
    problems: tuple[Problem, ...]
    answers: Mapping[str, Reference]
    """Problem id to reference. Never handed to a search."""


@dataclass(frozen=True, slots=True)
class Grade:
    """The verdict on one predicted answer."""

    verdict: Verdict
    predicted: str | None
    """The extracted answer that was compared; None when there was none."""
    reference: Reference
    detail: str = ""
    """Why: the tier that decided, or the error's text for `grader_error`."""

    @property
    def is_correct(self) -> bool:
        """True only for `correct`; every other verdict counts as wrong and is shown apart."""
        return self.verdict == "correct"
