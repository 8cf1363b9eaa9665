"""Two ways of solving the same problems, compared problem by problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.record_file import read_records
from harness.run_folder import RECORDS, RunRecord
from tasks.types import InputError

Outcomes = Mapping[tuple[str, int], bool]
"""(problem id, seed) to whether the answer was right."""


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


def compare(before: Outcomes, now: Outcomes) -> Comparison:
    """Compare two ways on the same problems. Raises InputError where the problems differ or there are none."""
    if before.keys() != now.keys() or not now:
        raise InputError("only runs of the same problems can be compared; give both the same task, limit and seeds")
    gained = sum(now[key] and not before[key] for key in now)
    lost = sum(before[key] and not now[key] for key in now)
    return Comparison(len(now), gained, lost, mcnemar(gained, lost))


def mcnemar(num_gained: int, num_lost: int) -> float:
    """The exact two-sided p-value of McNemar's test, 0 to 1."""
    from scipy.stats import binomtest

    changed = num_gained + num_lost
    return float(binomtest(num_gained, changed, 0.5).pvalue) if changed else 1.0


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
