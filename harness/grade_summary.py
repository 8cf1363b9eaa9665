"""What a grading came to: counts per grader and verdict, disagreements, overrides and changes; as text or for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.grade_diff import GradeDiff
from harness.graded_answer import VERDICTS, GradedAnswer, GraderName
from harness.overrides import Overrides
from tasks.jsonl import shorten

MAX_SHOWN = 10
"""Disagreements listed in the text; the queue file has all. Chosen, not tuned."""
MISSING = "missing"
"""Problems of the task without a row: no verdict of any grader, and counted as wrong."""


@dataclass(slots=True)
class GradeSummary:
    """Counts over the rows of one run, in memory that does not grow with them."""

    path: Path
    task: str | None
    graders: tuple[GraderName, ...]
    """The one that counts first."""
    grader_version: str
    overrides: Overrides | None = None
    diff: GradeDiff | None = None
    num_rows: int = 0
    num_missing: int = 0
    seconds: float = 0.0
    counts: Counter[tuple[GraderName, str]] = field(default_factory=Counter)
    disagreements: Counter[GraderName] = field(default_factory=Counter)
    """Rows that ask for a review, by the grader that disagrees with the first."""
    shown: list[tuple[GraderName, GradedAnswer]] = field(default_factory=list)
    """The first of them."""

    def add(self, answer: GradedAnswer) -> None:
        """Count one row."""
        self.num_rows += 1
        for grader in self.graders:
            self.counts[grader, answer.verdict_of(grader)] += 1
        for grader in answer.disagreeing():
            self.disagreements[grader] += 1
            if len(self.shown) < MAX_SHOWN:
                self.shown.append((grader, answer))
        if self.diff:
            self.diff.add(answer)

    @property
    def num_expected(self) -> int:
        """The denominator of every rate: all rows, and the task's problems that have none."""
        return self.num_rows + self.num_missing

    def accuracy(self, grader: GraderName) -> float:
        """Share of `correct`, 0 to 1; a file has at least one row."""
        return self.counts[grader, "correct"] / self.num_expected

    def for_json(self) -> dict[str, Any]:
        """Everything, with names that stay."""
        return {
            "file": str(self.path),
            "task": self.task,
            "rows": self.num_rows,
            "missing": self.num_missing,
            "grader_version": self.grader_version,
            "policy": self.graders[0],
            "graders": {
                grader: {verdict: self.counts[grader, verdict] for verdict in VERDICTS}
                | {"accuracy": self.accuracy(grader)}
                for grader in self.graders
            },
            "disagreements": {grader: self.disagreements[grader] for grader in self.graders[1:]},
            "overrides": self.overrides.summary() if self.overrides else None,
            "diff": self.diff.summary() if self.diff else None,
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.num_rows / self.seconds, 1) if self.seconds else None,
        }

    def lines(self) -> Iterator[str]:
        """The summary for a reader."""
        task = f", task {self.task}" if self.task else ""
        rate = f"{self.num_rows / self.seconds:,.0f} rows/s" if self.seconds else ""
        yield f"{self.path}{task}, grader version {self.grader_version}"
        yield f"{self.num_rows:,} rows in {self.seconds:.1f} s ({rate})"
        yield ""
        yield from aligned(self._table())
        if self.overrides:
            yield ""
            yield _overrides_line(self.overrides)
        if self.shown:
            yield ""
            yield from self._disagreement_lines()
        if self.diff:
            yield ""
            yield from _diff_lines(self.diff)

    def _table(self) -> list[list[str]]:
        rows = [["verdict", *self.graders]] + [
            [verdict, *(self._share(self.counts[grader, verdict]) for grader in self.graders)] for verdict in VERDICTS
        ]
        if self.task:
            rows.append([MISSING, *(self._share(self.num_missing) for _ in self.graders)])
        rows.append(["accuracy", *(f"{100 * self.accuracy(grader):.1f} %" for grader in self.graders)])
        if len(self.graders) > 1:
            others = (f"{self.disagreements[grader]:,}" for grader in self.graders[1:])
            rows.append([f"disagree with {self.graders[0]}", "", *others])
        return rows

    def _share(self, count: int) -> str:
        return f"{count:,} {100 * count / self.num_expected:6.1f} %"

    def _disagreement_lines(self) -> Iterator[str]:
        total = self.disagreements.total()
        yield f"Disagreements with {self.graders[0]}" + (
            f" (first {len(self.shown)} of {total:,})" if total > len(self.shown) else ""
        )
        rows = [["id", "reference", "predicted", self.graders[0], "other", ""]]
        for grader, answer in self.shown:
            ours, theirs = answer.opinions[self.graders[0]], answer.opinions[grader]
            rows.append([*_cells(answer.id, answer.reference, answer.predicted), ours.verdict, theirs.verdict, grader])
        yield from aligned(rows, num_left=6)


def aligned(rows: Sequence[Sequence[str]], num_left: int = 1) -> Iterator[str]:
    """The rows as lines with columns of equal width, the first `num_left` flush left and the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if index < num_left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _overrides_line(overrides: Overrides) -> str:
    found = overrides.summary()
    return (
        f"Overrides {found['file']} (sha256 {found['sha256']}): {found['decisions']:,} decisions, applied to "
        f"{found['applied_to_rows']:,} rows, {found['changed_rows']:,} verdicts changed, {found['unused']:,} unused, "
        f"{found['undecided']:,} undecided"
    )


def _diff_lines(diff: GradeDiff) -> Iterator[str]:
    yield (
        f"Compared with {diff.path}: {diff.num_changed:,} verdicts changed, {diff.num_same:,} the same, "
        f"{diff.num_only_here:,} rows only here, {diff.num_only_there:,} only there"
    )
    if diff.changes:
        changes = sorted(diff.changes.items(), key=lambda item: -item[1])
        yield from aligned(
            [["there", "here", "rows"], *([*change, f"{count:,}"] for change, count in changes)], num_left=2
        )
        yield ""
        yield "Changed rows" + (f" (first {len(diff.examples)})" if diff.num_changed > len(diff.examples) else "")
        rows = [["id", "reference", "predicted", "there", "here"]] + [
            [*_cells(one["id"], one["reference"], one["predicted"]), one["there"], one["here"]] for one in diff.examples
        ]
        yield from aligned(rows, num_left=5)


def _cells(name: str, reference: object, predicted: str | None) -> tuple[str, str, str]:
    """The three texts that say which answer it is, each short and on one line."""
    stated = reference if isinstance(reference, str) else " | ".join(map(str, reference))  # type: ignore[call-overload]
    found = "" if predicted is None else predicted
    return shorten(name, 30), shorten(" ".join(stated.split()), 30), shorten(" ".join(found.split()), 30)
