"""The verdicts of this run beside those of an earlier graded output file: which rows changed, and how."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from harness.graded_answer import VERDICTS, GradedAnswer
from tasks.jsonl import UniqueIds, read_rows, shorten
from tasks.types import Verdict

MAX_EXAMPLES = 10
"""Changed rows that are shown; the counts cover all. Chosen, not tuned."""


@dataclass(slots=True)
class GradeDiff:
    """Counts of verdict changes by row id. Holds a hash and a verdict per row of the other file, not the row."""

    path: Path
    num_same: int = 0
    num_only_here: int = 0
    changes: Counter[tuple[Verdict, Verdict]] = field(default_factory=Counter)
    """(verdict there, verdict here), for the rows where they differ."""
    examples: list[dict[str, Any]] = field(default_factory=list)
    """The first changed rows."""
    _there: dict[bytes, Verdict] = field(default_factory=dict)

    @property
    def num_changed(self) -> int:
        """Rows of both files with different verdicts."""
        return self.changes.total()

    @property
    def num_only_there(self) -> int:
        """After the last `add`: rows of the other file that this run does not have."""
        return len(self._there)

    @property
    def has_differences(self) -> bool:
        """Whether a verdict changed or a row is in one file only."""
        return bool(self.changes or self.num_only_here or self.num_only_there)

    def keep(self, name: str, verdict: Verdict) -> None:
        """Note one row of the other file."""
        self._there[_digest(name)] = verdict

    def add(self, answer: GradedAnswer) -> None:
        """Compare one row of this run with its counterpart."""
        before = self._there.pop(_digest(answer.id), None)
        if before is None:
            self.num_only_here += 1
        elif before == answer.verdict:
            self.num_same += 1
        else:
            self.changes[before, answer.verdict] += 1
            if len(self.examples) < MAX_EXAMPLES:
                self.examples.append(
                    {
                        "id": answer.id,
                        "reference": answer.reference,
                        "predicted": answer.predicted,
                        "there": before,
                        "here": answer.verdict,
                    }
                )

    def summary(self) -> dict[str, Any]:
        """The counts and the first changed rows, for JSON."""
        return {
            "file": str(self.path),
            "same": self.num_same,
            "changed": self.num_changed,
            "changes": {f"{before} -> {after}": count for (before, after), count in sorted(self.changes.items())},
            "only_here": self.num_only_here,
            "only_there": self.num_only_there,
            "examples": self.examples,
        }


def read_diff(path: Path) -> GradeDiff:
    """The verdicts of a file that `rstar grade --out` has written. Raises InputError at the first unusable row."""
    diff = GradeDiff(path)
    ids = UniqueIds()
    known: dict[str, Verdict] = {verdict: verdict for verdict in VERDICTS}
    for row in read_rows(path):
        name = ids.add(row)
        if "verdict" not in row.fields:
            row.reject("field 'verdict' is missing; give --diff a file that 'rstar grade --out' has written")
        verdict = known.get(row.text("verdict"))
        if verdict is None:
            row.reject(f"field 'verdict' holds {shorten(row.text('verdict'))!r}; write one of {', '.join(VERDICTS)}")
        diff.keep(name, verdict)
    return diff


def _digest(name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
