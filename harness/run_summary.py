"""What a run came to: its records read once, one at a time, into counts that add up to the whole task."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.metrics import Estimate, accuracy
from harness.record_file import read_records
from harness.records import COUNTERS, SECONDS, ProblemRecord
from harness.run_folder import RECORDS, RunRecord
from tasks.types import InputError

ORACLE = "oracle"
"""Right where any trajectory within the budget is right (pass@N): what a perfect choice would reach."""
UNANSWERED = ("no_answer", "grader_error", "failed", "missing")
"""Counted as wrong and shown: no answer found, no verdict, the engine failed, no record yet."""


@dataclass(frozen=True, slots=True)
class Point:
    """One rule at one budget."""

    rule: str
    budget: int
    accuracy: Estimate
    """Over all problems of the run, those without a record included."""
    counts: dict[str, int]
    """Problems and seeds by verdict, with `failed` and `missing`; they add up to all of them."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What the searches had cost at one budget, as a mean over the records that are there."""

    budget: int
    trajectories: float
    """Less than the budget only with an adaptive stop."""
    usage: dict[str, float]
    """Per counter and clock of `rstar.types.Usage`."""
    endings: dict[str, float]
    """Share of the trajectories by their ending, 0 to 1."""


@dataclass(slots=True)
class _Tally:
    """One rule at one budget, over the records so far."""

    verdicts: Counter[str] = field(default_factory=Counter)
    right: array[int] = field(default_factory=lambda: array("I"))
    """How many seeds were right, by the problem's place."""


@dataclass(slots=True)
class RunSummary:
    """Counts over the records of one run, in memory that grows with its problems and not with their trajectories."""

    folder: Path
    record: RunRecord
    num_done: int = 0
    """Records without an engine failure."""
    num_failed: int = 0
    num_duplicates: int = 0
    num_saved: int = 0
    """Trajectories that an adaptive stop did not spend."""
    errors: Counter[str] = field(default_factory=Counter)
    finished: list[str] = field(default_factory=list)
    """When each search was finished: UTC, ISO 8601."""
    _tallies: dict[tuple[str, int], _Tally] = field(default_factory=dict)
    _places: dict[str, int] = field(default_factory=dict)
    """Of each problem with a record in every tally, so that a site of many runs holds each id once a run."""
    _usage: dict[int, Counter[str]] = field(default_factory=dict)
    _endings: dict[int, Counter[str]] = field(default_factory=dict)

    @property
    def rules(self) -> tuple[str, ...]:
        """The headline rule first, then the others, then the oracle."""
        spec = self.record.spec
        return (spec.rule, *(rule for rule in spec.rules if rule != spec.rule), ORACLE)

    @property
    def num_missing(self) -> int:
        """Problems and seeds without a record."""
        return self.record.num_records - self.num_done - self.num_failed

    @property
    def is_complete(self) -> bool:
        """Whether every problem and seed has a record without a failure."""
        return self.num_done == self.record.num_records

    @property
    def wall_seconds(self) -> float:
        """Of all sessions that have ended."""
        return sum(session["seconds"] or 0.0 for session in self.record.sessions)

    def add(self, record: ProblemRecord) -> None:
        """Count one record."""
        if record.error:
            self.num_failed += 1
            self.errors[record.error] += 1
            return
        self.num_done += 1
        self.finished.append(record.timing.finished)
        self.num_duplicates += record.num_duplicates
        self.num_saved += record.budget - len(record.values)
        place = self._places.setdefault(record.problem_id, len(self._places))
        rules = self.record.spec.rules
        for index, budget in enumerate(self.record.spec.budgets):
            for rule in rules:
                self._count(rule, budget, place, record.verdict(rule, index))
            self._count(ORACLE, budget, place, "correct" if record.has_correct(budget) else "incorrect")
            self._add_cost(budget, record)

    def point(self, rule: str, budget: int) -> Point:
        """The figures of one rule at one budget."""
        tally = self._tallies.get((rule, budget), _Tally())
        counts = dict(tally.verdicts)
        counts |= {"failed": self.num_failed, "missing": self.num_missing}
        right = list(tally.right)
        right += [0] * (self.record.num_problems - len(right))
        verdicts = ("correct", "incorrect", *UNANSWERED)
        return Point(
            rule,
            budget,
            accuracy(right, len(self.record.spec.seeds)),
            {verdict: counts.get(verdict, 0) for verdict in verdicts},
        )

    def right_by_problem(self, rule: str, budget: int) -> dict[str, int]:
        """Problem id to how many of its seeds were right, 0 to all; problems without a record are not in it."""
        tally = self._tallies.get((rule, budget))
        return dict(zip(self._places, tally.right, strict=True)) if tally else {}

    def cost(self, budget: int) -> Cost:
        """The mean cost up to one budget; zeros without a record."""
        done = max(1, self.num_done)
        endings = self._endings.get(budget, Counter())
        total = max(1, endings.total())
        usage = self._usage.get(budget, Counter())
        return Cost(
            budget,
            endings.total() / done,
            {name: usage[name] / done for name in (*COUNTERS, *SECONDS)},
            {ending: count / total for ending, count in sorted(endings.items())},
        )

    def for_json(self) -> dict[str, Any]:
        """Everything, with names that stay."""
        spec, budgets = self.record.spec, self.record.spec.budgets
        return {
            "id": self.record.id,
            "folder": str(self.folder),
            "status": self.record.status,
            "is_complete": self.is_complete,
            "task": self.record.task_name,
            "num_task_problems": self.record.num_task_problems,
            "num_problems": self.record.num_problems,
            "seeds": list(spec.seeds),
            "num_records": self.record.num_records,
            "done": self.num_done,
            "failed": self.num_failed,
            "missing": self.num_missing,
            "rule": spec.rule,
            "points": [
                {
                    "rule": rule,
                    "budget": budget,
                    "accuracy": point.accuracy.value,
                    "interval_95": [point.accuracy.low, point.accuracy.high],
                    "counts": point.counts,
                }
                for rule in self.rules
                for budget in budgets
                for point in [self.point(rule, budget)]
            ],
            "costs": [
                {"budget": each.budget, "trajectories": each.trajectories, **each.usage, "endings": each.endings}
                for each in map(self.cost, budgets)
            ],
            "num_duplicates": self.num_duplicates,
            "num_saved": self.num_saved,
            "wall_seconds": self.wall_seconds,
            "commits": self.commits(),
            "errors": dict(self.errors),
        }

    def commits(self) -> list[str]:
        """The commits of the sessions, each once, `-dirty` where the product differed from it."""
        names = [
            f"{session['commit'] or 'unknown'}{'-dirty' if session['is_dirty'] else ''}"
            for session in self.record.sessions
        ]
        return list(dict.fromkeys(names))

    def _count(self, rule: str, budget: int, place: int, verdict: str) -> None:
        tally = self._tallies.get((rule, budget))
        if tally is None:
            tally = self._tallies[rule, budget] = _Tally()
        tally.verdicts[verdict] += 1
        if place == len(tally.right):
            tally.right.append(0)
        tally.right[place] += verdict == "correct"

    def _add_cost(self, budget: int, record: ProblemRecord) -> None:
        counted = record.num_counted(budget)
        self._endings.setdefault(budget, Counter()).update(record.endings[:counted])
        usage, timing = self._usage.setdefault(budget, Counter()), record.timing
        columns = {**(record.usage or {}), **{name: getattr(timing, name) for name in SECONDS}}
        for name, column in columns.items():
            usage[name] += column[counted - 1]


def summarize(folder: Path) -> RunSummary:
    """The summary of the run in `folder`, also while it is going on. Raises InputError for damaged files."""
    summary = RunSummary(folder, RunRecord.read(folder))
    for record in read_records(folder / RECORDS):
        if not record.error and set(record.chosen or {}) != set(summary.record.spec.rules):
            raise InputError(f"{folder / RECORDS}: problem {record.problem_id} was recorded by other rules; restore it")
        summary.add(record)
    if summary.num_missing < 0:
        raise InputError(f"{folder / RECORDS}: holds more records than the run has problems; restore the file")
    return summary
