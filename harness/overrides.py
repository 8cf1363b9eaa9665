"""A person's decisions on answers that graders dispute: a JSONL file, best made from the review queue.

A decision names the pair it is about (`reference` and `predicted`) and then applies wherever that pair occurs, or a row
by `id` (with `task` for one task only). Pair and id together: the pair counts, the id says where it was seen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.graded_answer import GradedAnswer, Override
from tasks.jsonl import Row, describe, read_rows, shorten
from tasks.types import InputError, Reference

_FIELDS = frozenset("id task reference predicted ours theirs against detail their_detail verdict reason".split())
"""Those of the review queue, and `task`."""

_Key = tuple[str, str] | tuple[str, Reference, str]


@dataclass(slots=True)
class Overrides:
    """The decisions of one file, and how often each was used."""

    path: Path
    sha256: str
    num_undecided: int = 0
    """Rows whose `verdict` is still null."""
    num_applied: int = 0
    num_changed: int = 0
    """Of the applied ones, those that changed the verdict."""
    _decisions: dict[_Key, tuple[int, Override]] = field(default_factory=dict)
    _used: set[_Key] = field(default_factory=set)

    def apply(self, answer: GradedAnswer) -> GradedAnswer:
        """`answer` with the decision about it, if there is one; a decision by id goes before one by pair."""
        keys: list[_Key] = [("id", answer.id)]
        if answer.predicted is not None:
            keys.append(("pair", answer.reference, answer.predicted))
        for key in keys:
            if key in self._decisions:
                self._used.add(key)
                settled = replace(answer, override=self._decisions[key][1])
                self.num_applied += 1
                self.num_changed += settled.verdict != answer.verdict
                return settled
        return answer

    def summary(self) -> dict[str, Any]:
        """The file, its hash and the counts, as they are recorded with the run."""
        return {
            "file": str(self.path),
            "sha256": self.sha256,
            "decisions": len(self._decisions),
            "applied_to_rows": self.num_applied,
            "changed_rows": self.num_changed,
            "unused": len(self._decisions) - len(self._used),
            "undecided": self.num_undecided,
        }

    def add(self, row: Row, task: str | None) -> None:
        """Take in one row of the file; raises InputError where it is incomplete or contradicts an earlier one."""
        unknown = sorted(row.fields.keys() - _FIELDS)
        if unknown:
            row.reject(f"field '{shorten(unknown[0])}' is not known; use {', '.join(sorted(_FIELDS))}")
        if row.fields.get("verdict", "") is None:
            self.num_undecided += 1
            return
        decision = _decision(row)
        key = _key(row)
        if row.fields.get("task") is not None and row.text("task") != task:
            return
        number, earlier = self._decisions.setdefault(key, (row.number, decision))
        if earlier.verdict != decision.verdict:
            row.reject(f"field 'verdict' contradicts line {number} about the same answer; keep one of them")


def read_overrides(path: Path, task: str | None = None) -> Overrides:
    """The decisions in `path` that apply to a run on `task`. Raises InputError at the first unusable row."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path given to --overrides") from error
    overrides = Overrides(path, digest)
    for row in read_rows(path):
        overrides.add(row, task)
    return overrides


def _decision(row: Row) -> Override:
    verdict = row.text("verdict")
    if verdict not in ("correct", "incorrect"):
        row.reject(f'field \'verdict\' holds {shorten(verdict)!r}; write "correct", "incorrect" or null (undecided)')
    reason = row.text("reason")
    if not reason.strip():
        row.reject("field 'reason' holds an empty text; say why, in a few words")
    return Override("correct" if verdict == "correct" else "incorrect", reason)


def _key(row: Row) -> _Key:
    if row.fields.get("predicted") is None:
        if "id" not in row.fields:
            row.reject("names no answer; add 'reference' and 'predicted', or the 'id' of a row")
        return ("id", row.id())
    value = row.fields.get("reference")
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return ("pair", tuple(value), row.text("predicted"))
    if isinstance(value, list):
        row.reject(f"field 'reference' holds {describe(value)}; write a text, or a list of texts")
    return ("pair", row.text("reference"), row.text("predicted"))
