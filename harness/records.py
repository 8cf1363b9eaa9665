"""The record of one problem, searched once: every trajectory's answer, value, ending and cost, and every verdict.

A record is one JSON object on a line of its own, which begins with its format and ends with a checksum of the rest.
Everything in it but `timing` is a function of the run's spec and inputs (for engines that are), so two records of the
same search can be compared. Every budget and rule can be recomputed from it: see `ProblemRecord.search_result` and
`harness.judge.choose`. docs/records.md describes the format field by field; old formats: `harness.record_versions`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

from harness.record_versions import FIRST, upgrade
from rstar.types import Ending, SearchResult, StopReason, Trajectory, Usage
from tasks.answers import NO_CLASS
from tasks.types import Problem, Verdict

FORMAT = "rstar-records-1"
"""Raised when a field changes its meaning; stands in every run.json and in every record."""
SECONDS = ("engine_seconds", "wall_seconds")
COUNTERS = tuple(each.name for each in fields(Usage) if each.name not in SECONDS)
"""The part of a cost that is the same on every machine."""


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """One answer that the search found, and its verdict."""

    text: str
    number: int
    """Equivalence class; answers with the same number mean the same. -1: takes no part in a vote."""
    verdict: Verdict
    detail: str


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall-clock figures of one record, which differ from machine to machine. Everything else does not."""

    engine_seconds: tuple[float, ...] = ()
    """Waited for policy and reward up to the end of each trajectory, summed over requests."""
    wall_seconds: tuple[float, ...] = ()
    """Since the search began, up to the end of each trajectory."""
    grading_seconds: float = 0.0
    finished: str = ""
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True)
class ProblemRecord:
    """One problem, searched with one seed. The sequences in `trajectories` order have one entry for each of them."""

    problem_id: str
    seed: int
    error: str = ""
    """What the engine failed with after its retries. Such a record holds nothing else, and a resume replaces it."""
    budget: int = 0
    stop: StopReason = "budget"
    num_duplicates: int = 0
    answers: tuple[JudgedAnswer, ...] = ()
    """The different answer texts, in order of first appearance."""
    answer_of: tuple[int | None, ...] = ()
    """Per trajectory: position in `answers`, None for one without an answer."""
    values: tuple[float, ...] = ()
    """Per trajectory: the reward of its end, in [-1, 1]."""
    endings: tuple[Ending, ...] = ()
    usage: dict[str, tuple[int, ...]] | None = None
    """Per counter of `rstar.types.Usage` and trajectory: the cost up to its end."""
    chosen: dict[str, tuple[int | None, ...]] | None = None
    """Per rule: position in `answers` at each budget of the run, None for no answer."""
    grader_version: str = ""
    timing: Timing = Timing()

    @property
    def key(self) -> tuple[str, int]:
        """What is unique in a run."""
        return self.problem_id, self.seed

    def verdict(self, rule: str, budget_index: int) -> Verdict:
        """The verdict on what `rule` chooses at the run's budget of this position."""
        position = (self.chosen or {})[rule][budget_index]
        return "no_answer" if position is None else self.answers[position].verdict

    def num_counted(self, budget: int) -> int:
        """Trajectories within `budget`: fewer only where an adaptive rule ended the search."""
        return min(budget, len(self.values))

    def has_correct(self, budget: int) -> bool:
        """Whether any of the first `budget` trajectories is right: the oracle's pass@budget."""
        found = self.answer_of[:budget]
        return any(self.answers[each].verdict == "correct" for each in found if each is not None)

    def search_result(self) -> SearchResult:
        """The search's result without its steps: enough to vote again."""
        problem = Problem(self.problem_id, "")
        texts = [None if each is None else self.answers[each].text for each in self.answer_of]
        trajectories = tuple(
            Trajectory(problem, (), ending, text) for ending, text in zip(self.endings, texts, strict=True)
        )
        usage = tuple(Usage() for _ in trajectories)
        return SearchResult(
            self.problem_id, trajectories, self.values, usage, self.budget, self.stop, self.num_duplicates
        )

    def classes(self, texts: Sequence[str | None]) -> list[int]:
        """The equivalence classes of answers of this record, as they were decided when it was made."""
        numbers = {each.text: each.number for each in self.answers}
        return [NO_CLASS if text is None else numbers[text] for text in texts]


def encode(record: ProblemRecord) -> bytes:
    """The record's line, line feed included. Lone surrogates stay escapes."""
    text = json.dumps({"format": FORMAT, **asdict(record)}, separators=(",", ":"))
    return f'{text[:-1]},"crc32":"{zlib.crc32(text.encode()):08x}"}}\n'.encode()


def decode(line: bytes) -> ProblemRecord:
    """The record in `line`, brought up from an old format where need be.

    Raises ValueError, saying what is wrong, for a line that `encode` did not write, and UnreadableFormatError, which is
    one, for a format that this program does not read.
    """
    text, mark, checksum = line.decode("ascii").rstrip("\n").rpartition(',"crc32":"')
    text += "}"
    if not mark or checksum != f'{zlib.crc32(text.encode()):08x}"}}':
        raise ValueError("its checksum is wrong")
    try:
        row = json.loads(text)
        return _record(upgrade(row, row.pop("format", FIRST), FORMAT))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no record of the format {FORMAT} ({error})") from error


def _record(row: dict[str, Any]) -> ProblemRecord:
    answers = tuple(JudgedAnswer(**answer) for answer in row.pop("answers"))
    timing = row.pop("timing")
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    columns = {
        name: {key: tuple(column) for key, column in row[name].items()} if row[name] is not None else None
        for name in ("usage", "chosen")
    }
    unknown = {answer.verdict for answer in answers} - set(get_args(Verdict))
    if unknown:
        raise KeyError(f"verdict {unknown.pop()!r}")
    engine_seconds, wall_seconds = (tuple(timing.pop(name)) for name in SECONDS)
    clocks = Timing(engine_seconds, wall_seconds, **timing)
    return ProblemRecord(**(row | lists | columns | {"answers": answers}), timing=clocks)
