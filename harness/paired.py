"""Two ways of solving the same problems, compared problem by problem."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.distributions import sign_test
from harness.paired_intervals import (
    FEWEST_FOR_BOOTSTRAP,
    LEVEL,
    Interval,
    bootstrap_interval,
    bootstrap_p_value,
    detectable,
    fewest_changes,
    score_interval,
    student_interval,
    student_p_value,
)
from harness.record_file import read_records
from harness.run_folder import RECORDS, RunRecord
from tasks.types import InputError

Outcomes = Mapping[tuple[str, int], bool]
"""(problem id, seed) to whether the answer was right."""
Right = Mapping[str, Sequence[bool]]
"""Problem id to whether the answer was right, for each of its runs."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from one way to another, over the same problems."""

    num_problems: int
    num_gained: int
    """Right only now."""
    num_lost: int
    """Right only before."""
    p_value: float
    """McNemar's exact two-sided test (1947): the chance of a split as uneven as gained : lost, or more so, if both were
    equally likely. 1 where nothing changed."""

    @property
    def points(self) -> float:
        """Change of the accuracy in percentage points."""
        return 100 * (self.num_gained - self.num_lost) / self.num_problems


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The accuracy of B minus that of A over the same problems, and how sure it is."""

    differences: tuple[float, ...]
    """Per problem, in [-1, 1]: the share of B's runs that were right minus that of A's."""
    is_single: bool
    """Whether each problem was run once by A and once by B."""
    p_value: float
    """Two-sided, of no difference; for this pair alone."""
    test: str
    """What `p_value` comes from, in words."""
    method: str
    """What `interval` comes from, in words."""

    @property
    def value(self) -> float:
        """The difference of the accuracies, in [-1, 1]."""
        return math.fsum(self.differences) / len(self.differences)

    @property
    def num_gained(self) -> int:
        """Problems that B got right more often."""
        return sum(each > 0 for each in self.differences)

    @property
    def num_lost(self) -> int:
        """Problems that A got right more often."""
        return sum(each < 0 for each in self.differences)

    @property
    def num_problems(self) -> int:
        """Problems on both sides."""
        return len(self.differences)

    @property
    def deviation(self) -> float:
        """Standard deviation of the difference of one problem."""
        mean = self.value
        return math.sqrt(math.fsum((each - mean) ** 2 for each in self.differences) / len(self.differences))

    def interval(self, level: float = LEVEL) -> Interval:
        """The true differences that fit the data: single runs by Tango's score, repeated ones by the bootstrap.

        Where resampling says nothing (one problem, or the same difference on all) the score interval takes its place,
        and below `FEWEST_FOR_BOOTSTRAP` problems Student's t.
        """
        if self.is_single or not _vary(self.differences):
            gained = math.fsum(each for each in self.differences if each > 0)
            lost = -math.fsum(each for each in self.differences if each < 0)
            return score_interval(gained, lost, len(self.differences), level)
        if len(self.differences) < FEWEST_FOR_BOOTSTRAP:
            return student_interval(self.differences, level)
        return bootstrap_interval(self.differences, level)

    def guarded(self, level: float = LEVEL) -> Interval:
        """What a claim of sameness must stand on: `interval`, and with several seeds also the bootstrap after one
        problem wholly gained and one wholly lost are added.

        Many seeds on few problems show little noise, but say nothing of a kind of problem that is not among them. The
        two additions are Bonett and Price's adjustment (2012) carried from pairs to problems.
        """
        found = self.interval(level)
        if self.is_single or not _vary(self.differences):
            return found
        added = bootstrap_interval((*self.differences, 1.0, -1.0), level)
        return Interval(min(found.low, added.low), max(found.high, added.high))

    @property
    def detectable(self) -> float:
        """The true difference, 0 to 1, that a test of data like these finds with a chance of 80 %. Never less than what
        the smallest significant number of changes comes to."""
        least = fewest_changes() / len(self.differences) if self.is_single else 0.0
        return min(1.0, max(least, detectable(self.deviation, len(self.differences))))


def paired_difference(a: Right, b: Right) -> PairedDifference:
    """What changed from `a` to `b`. Raises InputError where the problems differ or there are none."""
    if a.keys() != b.keys() or not a or not all(a.values()) or not all(b.values()):
        raise InputError("only runs of the same problems can be compared; give both the same task, limit and seeds")
    differences = tuple(_share(b[name]) - _share(a[name]) for name in a)
    is_single = all(len(a[name]) == len(b[name]) == 1 for name in a)
    if is_single:
        gained, lost = sum(each > 0 for each in differences), sum(each < 0 for each in differences)
        return PairedDifference(differences, True, mcnemar(gained, lost), "exact McNemar", "Tango's score")
    if not _vary(differences):
        # Exact over sign flips: only the two unanimous outcomes of 2^n are as extreme.
        p_value = min(1.0, 2.0 ** (1 - len(differences))) if differences[0] else 1.0
        return PairedDifference(differences, False, p_value, "exact sign flips by problem", "Tango's score by problem")
    if len(differences) < FEWEST_FOR_BOOTSTRAP:
        name = "Student's t by problem"
        return PairedDifference(differences, False, student_p_value(differences), name, name)
    name = "bootstrap by problem"
    return PairedDifference(differences, False, bootstrap_p_value(differences), name, name)


def compare(before: Outcomes, now: Outcomes) -> Comparison:
    """Compare two ways on the same problems. Raises InputError where the problems differ or there are none."""
    if before.keys() != now.keys() or not now:
        raise InputError("only runs of the same problems can be compared; give both the same task, limit and seeds")
    gained = sum(now[key] and not before[key] for key in now)
    lost = sum(before[key] and not now[key] for key in now)
    return Comparison(len(now), gained, lost, mcnemar(gained, lost))


def mcnemar(num_gained: int, num_lost: int) -> float:
    """The exact two-sided p-value of McNemar's test, 0 to 1."""
    changed = num_gained + num_lost
    return sign_test(num_gained, changed) if changed else 1.0


def outcomes(folder: Path, rule: str, budget: int) -> dict[tuple[str, int], bool]:
    """Whether `rule` was right at `budget`, for each record of the run in `folder`. Raises InputError for a budget or
    rule that the run does not have."""
    spec = RunRecord.read(folder).spec
    if rule not in spec.rules or budget not in spec.budgets:
        raise InputError(f"{folder}: has no rule {rule} at budget {budget}; name one that it was run with")
    index = spec.budgets.index(budget)
    return {
        record.key: not record.error and record.verdict(rule, index) == "correct"
        for record in read_records(folder / RECORDS)
    }


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right)


def _vary(differences: Sequence[float]) -> bool:
    return any(each != differences[0] for each in differences)
