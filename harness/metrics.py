"""Accuracy, pass@k and rates, each with how sure it is. docs/statistics.md says where every formula comes from.

A problem without a record counts as wrong: the caller passes one number for every problem of the run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.intervals import Z_95, repeated, wilson

__all__ = ["Z_95", "Estimate", "accuracy", "agreement", "flip_rate", "mean_of", "pass_at_k", "share", "wilson"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share of all problems, 0 to 1, with its 95 % interval."""

    value: float
    low: float
    high: float

    def text(self) -> str:
        """In per cent: `43.3 [27.4, 60.8]`."""
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def accuracy(num_correct: Sequence[int], num_seeds: int) -> Estimate:
    """Share of right answers; `num_correct` has one number per problem: how many of its `num_seeds` runs were right.

    One run per problem: Wilson's interval. Several: problems are the independent units and the seeds stand inside
    them, see `harness.intervals.repeated`. Raises ValueError without problems, and for a count that cannot be.
    """
    if not num_correct or num_seeds < 1:
        raise ValueError("an accuracy needs at least one problem and one seed")
    if min(num_correct) < 0 or max(num_correct) > num_seeds:
        raise ValueError(f"a problem has between 0 and {num_seeds} right runs")
    value = sum(num_correct) / (len(num_correct) * num_seeds)
    return Estimate(value, *repeated(num_correct, num_seeds))


def share(num_events: int, num_trials: int) -> Estimate:
    """Share of independent trials with an event, with Wilson's interval; the whole range, 0 to 1, without trials."""
    if not num_trials:
        return Estimate(0.0, 0.0, 1.0)
    return Estimate(num_events / num_trials, *wilson(num_events / num_trials, num_trials))


def mean_of(values: Sequence[float], runs_per_problem: int = 1) -> Estimate:
    """Mean over problems of one share each, 0 to 1, such as an expectation over subsets or a share of trajectories.

    `runs_per_problem` says how many independent runs stand behind each share: 8 seeds, or the 64 // 4 separate groups
    behind maj@4 of 64 trajectories. Raises ValueError without problems.
    """
    if not values:
        raise ValueError("a mean needs at least one problem")
    mean = min(1.0, max(0.0, math.fsum(values) / len(values)))
    low, high = repeated([value * runs_per_problem for value in values], runs_per_problem)
    return Estimate(mean, min(low, mean), max(high, mean))


def pass_at_k(num_runs: int, num_correct: int, k: int) -> float:
    """The chance that at least one of `k` runs is right, unbiased, where `num_correct` of `num_runs` were right.

    1 - C(n - c, k) / C(n, k): Chen et al. 2021 (arXiv 2107.03374, equation 1), as the hypergeometric chance of no
    right run in a draw of k. Raises ValueError unless 1 <= k <= num_runs and 0 <= num_correct <= num_runs.
    """
    if not 1 <= k <= num_runs or not 0 <= num_correct <= num_runs:
        raise ValueError(f"pass@{k} of {num_correct} right among {num_runs} runs is not defined; k is 1 to {num_runs}")
    # Whole numbers are exact at any size; a quotient of floats is not.
    return 1 - math.comb(num_runs - num_correct, k) / math.comb(num_runs, k)


def flip_rate(num_correct: Sequence[int], num_seeds: int) -> Estimate:
    """The chance that two runs of one problem with different seeds disagree about being right, mean over problems.

    2 c (S - c) / (S (S - 1)) for c right of S runs, which is unbiased. Raises ValueError with fewer than two seeds.
    """
    if num_seeds < 2:
        raise ValueError("a flip rate needs at least two seeds")
    pairs = num_seeds * (num_seeds - 1)
    flips = [2 * count * (num_seeds - count) / pairs for count in num_correct]
    return mean_of(flips, num_seeds // 2)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How much of a score is the seed's doing, from runs with several seeds."""

    flip_rate: Estimate
    """Chance that two seeds disagree on a problem."""
    correlation: float
    """Between two runs of one problem (intraclass, 0 to 1): 1 where a problem is always or never solved."""
    seed_deviation: float
    """Standard deviation of one seed's accuracy on these same problems, 0 to 0.5."""
    deviation: float
    """Standard error of the accuracy over all seeds, for new problems of the kind and new seeds, 0 to 0.5."""

    def text(self) -> str:
        """One line: `two seeds disagree on 12.0 [6.1, 21.4] % of the problems; one seed varies by 3.2 points`."""
        return (
            f"two seeds disagree on {self.flip_rate.text()} % of the problems; the accuracy of one seed varies by "
            f"{100 * self.seed_deviation:.1f} points (standard deviation)"
        )


def agreement(num_correct: Sequence[int], num_seeds: int) -> Agreement:
    """How far the seeds of a run agree; arguments as for `accuracy`. Raises ValueError with fewer than two seeds.

    The correlation is the analysis-of-variance estimate, cut to 0 to 1; 1 where all runs are right or all are wrong,
    since no run then says otherwise.
    """
    flips = flip_rate(num_correct, num_seeds)
    problems = len(num_correct)
    mean = sum(num_correct) / (problems * num_seeds)
    # Half the chance of a flip is the variance of one run inside a problem.
    within = flips.value / 2
    between = sum((count / num_seeds - mean) ** 2 for count in num_correct) / max(1, problems - 1)
    of_levels = max(0.0, between - within / num_seeds)
    total = of_levels + within
    correlation = of_levels / total if total > 0 else 1.0
    return Agreement(flips, correlation, math.sqrt(within / problems), math.sqrt(between / problems))
