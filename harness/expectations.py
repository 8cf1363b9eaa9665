"""What a rule would reach with k of the recorded trajectories, as an expectation over all subsets of that size.

A curve that takes the first 1, 2, 4, … trajectories sees one order of them; this sees all orders, so it has less noise.
For trajectories that were drawn independently (`sample`) it is the unbiased estimate of a run with budget k. Those of a
tree search build on one another: there it says what k of this search's trajectories hold, not what a search of
budget k would find, and `caveat` says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.metrics import Estimate, mean_of
from harness.records import ProblemRecord
from harness.run_folder import RunRecord
from harness.spec import RunSpec
from rstar.search.voting import TOP_K, Rule
from tasks.types import InputError

SubsetRule = Rule | Literal["oracle"]
"""A rule of `rstar.search.voting`, or `oracle` for pass@k: right where any trajectory of the subset is."""
_FEWEST_DRAWS = 2
"""Below which draws have no error of their own."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One rule's chance to be right over subsets of one size."""

    value: float
    """0 to 1."""
    error: float = 0.0
    """Monte Carlo standard error; 0 where every subset was counted."""


@dataclass(frozen=True, slots=True)
class SubsetPoint:
    """One rule at one size, over a run."""

    rule: str
    size: int
    accuracy: Estimate
    """Mean over the problems of the run, those without a record counted as wrong."""
    error: float
    """Monte Carlo standard error of the mean, 0 to 1; 0 where exact. The interval stands for problems and seeds."""


def expected(
    record: ProblemRecord,
    rules: Sequence[SubsetRule],
    sizes: Sequence[int],
    *,
    top_k: int = TOP_K,
    num_draws: int | None = None,
) -> dict[tuple[str, int], Expectation]:
    """Per rule and size: the chance that the rule is right on a random subset of so many trajectories of `record`.

    `oracle` is exact; so are `best` and `majority` up to 1,000 trajectories. `weighted` and `top_k` are exact where a
    size has at most 5,000 subsets; where it has more they are the mean of `num_draws` (default 1,000) draws, seeded by
    problem and seed. Where an adaptive stop left fewer trajectories than a size, all of them count. A record of an
    engine failure has 0 at every size. Raises InputError for a size below 1 or above the record's budget.
    """
    from harness.ballots import ballots
    from harness.subset_counting import MOST_TRAJECTORIES, best_at, majority_at, oracle_at

    if record.error or not record.values:
        return {(rule, size): Expectation(0.0) for rule in rules for size in sizes}
    cast = ballots(record)
    used = [_size(record, size) for size in sizes]
    counted = {"oracle": oracle_at}
    if cast.num_trajectories <= MOST_TRAJECTORIES:
        counted |= {"best": best_at, "majority": majority_at}
    found: dict[tuple[str, int], Expectation] = {}
    for rule in rules:
        if rule in counted:
            shares = counted[rule](cast, used)
            found |= {(rule, size): _exact(float(each)) for size, each in zip(sizes, shares, strict=True)}
    drawn = [rule for rule in rules if rule not in counted]
    return found | (_drawn(record, drawn, sizes, used, top_k, num_draws) if drawn else {})


def subset_curve(
    run: RunRecord,
    records: Iterable[ProblemRecord],
    rules: Sequence[SubsetRule],
    sizes: Sequence[int],
    *,
    num_draws: int | None = None,
) -> list[SubsetPoint]:
    """`expected`, averaged over all problems and seeds of a run; missing and failed ones count as wrong.

    Raises InputError for a size that the run's budget does not have.
    """
    by_problem: dict[tuple[str, int], dict[str, float]] = {(rule, size): {} for rule in rules for size in sizes}
    variance = dict.fromkeys(by_problem, 0.0)
    num_seeds = len(run.spec.seeds)
    for record in records:
        for key, found in expected(record, rules, sizes, top_k=run.spec.top_k, num_draws=num_draws).items():
            shares = by_problem[key]
            shares[record.problem_id] = shares.get(record.problem_id, 0.0) + found.value / num_seeds
            variance[key] += found.error**2
    points = []
    for (rule, size), shares in by_problem.items():
        values = [min(1.0, each) for each in shares.values()]
        values += [0.0] * (run.num_problems - len(values))
        runs = num_seeds * (max(1, run.spec.budgets[-1] // size) if is_exchangeable(run.spec) else 1)
        error = math.sqrt(variance[rule, size]) / run.num_records
        points.append(SubsetPoint(rule, size, mean_of(values, runs), error))
    return points


def is_exchangeable(spec: RunSpec) -> bool:
    """Whether a run's trajectories are independent draws, so that any k of them are as good as a run with budget k."""
    return spec.method == "sample" and spec.config.stop == "never"


def caveat(spec: RunSpec) -> str:
    """What a reader of subset expectations of such a run must know; empty where there is nothing."""
    if is_exchangeable(spec):
        return ""
    if spec.method == "sample":
        return (
            f"the adaptive stop ({spec.config.stop}) ended some problems early because of what was found, so "
            "expectations over subsets are biased; compare budgets of runs without it"
        )
    return (
        f"the trajectories of {spec.method} build on one another: these are expectations over subsets of one search's "
        "trajectories, not what a search with that budget would find"
    )


def _size(record: ProblemRecord, size: int) -> int:
    if size < 1 or size > max(record.budget, len(record.values)):
        raise InputError(
            f"subsets of {size} trajectories: problem {record.problem_id} was searched with a budget of "
            f"{record.budget}; use sizes from 1 to that"
        )
    return min(size, len(record.values))


def _exact(value: float) -> Expectation:
    # Counting adds up products of floats: the last digit may pass 1.
    return Expectation(min(1.0, value))


def _drawn(
    record: ProblemRecord,
    rules: Sequence[SubsetRule],
    sizes: Sequence[int],
    used: Sequence[int],
    top_k: int,
    num_draws: int | None,
) -> dict[tuple[str, int], Expectation]:
    from harness.ballots import ballots
    from harness.subset_draws import NUM_DRAWS, all_subsets, draw_ranks, is_right

    draws = NUM_DRAWS if num_draws is None else num_draws
    if draws < _FEWEST_DRAWS:
        raise InputError(f"{draws} draws have no error that could be stated; use at least {_FEWEST_DRAWS}")
    cast, ranks = ballots(record), None
    found: dict[tuple[str, int], Expectation] = {}
    for size, use in zip(sizes, used, strict=True):
        member = all_subsets(cast, use)
        is_all = member is not None
        if member is None:
            ranks = draw_ranks(cast, (record.problem_id, record.seed), draws) if ranks is None else ranks
            member = ranks < use
        for rule in rules:
            value = float(is_right(cast, rule, member, top_k).mean())
            error = 0.0 if is_all else math.sqrt(value * (1 - value) / (draws - 1))
            found[rule, size] = Expectation(value, error)
    return found
