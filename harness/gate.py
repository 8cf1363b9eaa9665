"""The gate: is a candidate as good as a baseline, within a tolerance? Decided by the interval of the paired difference.

With [low, high] the 95 % interval of candidate minus baseline, and t the tolerance:

- `better`: low > 0;
- `same`: low > -t, so a loss of t or more is ruled out (non-inferiority); with several seeds also after
  `PairedDifference.guarded`;
- `worse`: high < -t, so a loss of more than t is shown;
- `unsure`: anything else: the data fit a loss within the tolerance and one beyond it.

So each of the three claims is wrong in at most about 2.5 % of cases, whatever the truth; the rates are measured in
docs/gate.md. Over several tasks `better` and `worse` use Bonferroni's level, as one of them is enough for the outcome;
`same` needs no correction, as all of them must hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from harness.compare import PairResult
from harness.distributions import normal_quantile
from harness.paired import PairedDifference
from harness.paired_intervals import DETECTION_POWER, LEVEL, Interval, points

Outcome = Literal["better", "same", "worse", "unsure"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
TITLES: dict[Outcome, str] = {
    "better": "better",
    "same": "same within tolerance",
    "worse": "worse",
    "unsure": "not enough evidence",
}
EXIT_CODES: dict[Outcome, int] = {"same": 0, "better": 10, "worse": 11, "unsure": 12}
"""1 is an unfinished run, 2 bad input, 130 an interrupt: none of these is an outcome."""
_MOST_PROBLEMS = 1_000_000
"""Beyond this a number of problems is no advice."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome on one task."""

    result: PairResult
    outcome: Outcome
    tolerance: float
    """A share, 0 to 1."""
    interval: Interval
    """95 %, of candidate minus baseline."""
    reason: str
    """Why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The outcome over all tasks."""

    decisions: tuple[Decision, ...]
    tolerance: float

    @property
    def outcome(self) -> Outcome:
        """Worse if any task is, else unsure if any is, else better if any is, else the same."""
        found = {each.outcome for each in self.decisions}
        ranked: tuple[Outcome, ...] = ("worse", "unsure", "better", "same")
        return next(each for each in ranked if each in found)

    @property
    def is_complete(self) -> bool:
        """Whether all runs are; if not, there is no outcome to act on."""
        return all(each.result.is_complete for each in self.decisions)


def gate(results: Sequence[PairResult], tolerance: float) -> Gate:
    """Decide every comparison (A the baseline, B the candidate) with `tolerance`, a share from 0 to 1."""
    return Gate(tuple(decide(found, tolerance, len(results)) for found in results), tolerance)


def decide(found: PairResult, tolerance: float, num_tasks: int = 1) -> Decision:
    """The outcome on one of `num_tasks` tasks."""
    difference = found.difference
    outcome = outcome_of(difference, tolerance, num_tasks)
    interval = difference.interval()
    reason = _reason(difference, interval, outcome, tolerance)
    if not found.is_complete:
        done = f"on the {difference.num_problems:,} problems that are done on both sides"
        reason = (
            f"no outcome before both runs are complete (see rstar resume); {done} {_estimate(difference, interval)}"
        )
    return Decision(found, outcome, tolerance, interval, reason)


def outcome_of(difference: PairedDifference, tolerance: float, num_tasks: int = 1) -> Outcome:
    """The decision rule alone."""
    level = 1 - (1 - LEVEL) / num_tasks
    interval = difference.interval(level)
    if interval.low > 0:
        return "better"
    if interval.high < -tolerance:
        return "worse"
    return "same" if difference.guarded().low > -tolerance else "unsure"


def problems_needed(deviation: float, tolerance: float) -> int | None:
    """Problems with which a truly equal candidate is called the same with a chance of 80 %; None where no number is
    enough (tolerance 0). `deviation`: standard deviation of the difference of one problem.

    The normal approximation for non-inferiority: n = ((z_97.5 + z_80) deviation / tolerance)^2. Never less than what an
    interval without any change needs (Tango's: z^2 (1 - t) / t).
    """
    if tolerance <= 0:
        return None
    z = normal_quantile((1 + LEVEL) / 2)
    unchanged = z**2 * (1 - tolerance) / tolerance
    noisy = ((z + normal_quantile(DETECTION_POWER)) * deviation / tolerance) ** 2
    needed = math.ceil(max(unchanged, noisy)) + 1
    return needed if needed <= _MOST_PROBLEMS else None


def _reason(difference: PairedDifference, interval: Interval, outcome: Outcome, tolerance: float) -> str:
    margin = f"{100 * tolerance:g}"
    text = _estimate(difference, interval)
    if outcome == "better":
        return f"{text}: a gain is shown"
    if outcome == "worse":
        return f"{text}: a loss of more than {margin} points is shown"
    if outcome == "same":
        real = " (a loss is shown, but one within the tolerance)" if interval.high < 0 else ""
        return f"{text}: a loss of {margin} points or more is ruled out{real}"
    return f"{text}: {_what_is_open(difference, interval, tolerance)}{_advice(difference, tolerance)}"


def _estimate(difference: PairedDifference, interval: Interval) -> str:
    return f"candidate minus baseline is {points(difference.value)} points, 95 % interval {interval.text()}"


def _what_is_open(difference: PairedDifference, interval: Interval, tolerance: float) -> str:
    margin = f"{100 * tolerance:g}"
    if interval.high < 0:
        return f"a loss is shown, but it may be more or less than {margin} points"
    if interval.low > -tolerance:
        few = f"{difference.num_problems:,} problems are too few"
        return f"{few} to rule out a loss of {margin} points by a kind of problem that is not among them"
    return f"a loss of {margin} points or more is neither ruled out nor shown"


def _advice(difference: PairedDifference, tolerance: float) -> str:
    needed = problems_needed(difference.deviation, tolerance)
    if needed is None:
        return "; with this tolerance no number of problems can show sameness"
    if needed <= difference.num_problems:
        return "; an equal candidate would be called the same with this many problems in about four of five cases"
    return f"; an equal candidate needs about {needed:,} problems like these for a chance of 80 %, or more seeds"
