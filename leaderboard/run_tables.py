"""The tables of a run's page: accuracy, verdicts, costs, expectations, and why wrong searches are wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.anatomy import Anatomy, Dissection
from harness.failure_bins import BIN_TITLES, BINS
from harness.failure_rates import FailureRates
from harness.report import RULE_TITLES
from harness.run_statistics import TITLES, RunStatistics
from harness.run_summary import RunSummary

_NO_FIGURE = "—"


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names its rows."""

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    is_extra: bool = False
    """Not shown at first."""


def figures(summary: RunSummary, statistics: RunStatistics | None, rates: FailureRates | None) -> Iterator[Table]:
    """Accuracy, verdicts and costs; expectations and rates where they were computed."""
    budgets = summary.record.spec.budgets
    yield Table(
        "Accuracy by trajectories",
        "Per cent of all searches with a 95 % interval; the run's own rule first. Oracle: any trajectory is right.",
        ("trajectories", *(RULE_TITLES[rule] for rule in summary.rules)),
        tuple(
            (f"{budget:,}", *(summary.point(rule, budget).accuracy.text() for rule in summary.rules))
            for budget in budgets
        ),
    )
    yield Table(
        "Verdicts by the run's own rule",
        "Searches. Everything but the first column counts as wrong.",
        ("trajectories", *(name.replace("_", " ") for name in summary.point(summary.rules[0], budgets[0]).counts)),
        tuple(
            (f"{budget:,}", *(f"{count:,}" for count in summary.point(summary.rules[0], budget).counts.values()))
            for budget in budgets
        ),
    )
    yield _costs(summary)
    if statistics:
        yield _subsets(statistics)
    if rates:
        rows = [(name.replace("_", " "), getattr(rates, name).text()) for name in FailureRates.__slots__]
        if statistics and statistics.agreement:
            rows.append(("between seeds", statistics.agreement.text()))
        note = f"Of all searches, by {RULE_TITLES[summary.rules[0]]} at {budgets[-1]:,}; per cent with a 95 % interval."
        yield Table("Rates", note, ("rate", "per cent"), tuple(rows))


def _costs(summary: RunSummary) -> Table:
    columns = {
        "completion_tokens": "tokens written", "prompt_tokens": "tokens read", "cached_tokens": "of them cached",
        "reward_tokens": "PPM tokens", "executions": "programs", "engine_seconds": "engine seconds",
        "wall_seconds": "seconds",
    }  # fmt: skip
    costs = [summary.cost(budget) for budget in summary.record.spec.budgets]
    endings = sorted({ending for cost in costs for ending in cost.endings})
    return Table(
        "Cost of a search, and how its trajectories ended",
        "Means over the searches with a record; shares of trajectories in per cent.",
        ("trajectories", *columns.values(), *(ending.replace("_", " ") for ending in endings)),
        tuple(
            (
                f"{cost.budget:,}"
                if cost.trajectories == cost.budget
                else f"{cost.budget:,} ({cost.trajectories:.1f})",
                *(_amount(cost.usage[name]) for name in columns),
                *(f"{100 * cost.endings.get(ending, 0.0):.1f}" for ending in endings),
            )
            for cost in costs
        ),
    )


def _subsets(found: RunStatistics) -> Table:
    rules = list(dict.fromkeys(point.rule for point in found.points))
    by_key = {(point.rule, point.size): point.accuracy.text() for point in found.points}
    note = "Expectation over all subsets of k of the recorded trajectories, per cent with a 95 % interval."
    return Table(
        "Expectations over subsets",
        f"{note} {found.caveat.capitalize()}." if found.caveat else note,
        ("k", *(TITLES[rule] for rule in rules)),
        tuple((f"{size:,}", *(by_key[rule, size] for rule in rules)) for size in found.run.spec.budgets),
    )


def dissections(anatomy: Anatomy) -> Iterator[Table]:
    """The bins of wrong searches by every rule, the run's own first, the cost of a right answer, the regret."""
    spec = anatomy.run.spec
    for rule in dict.fromkeys((spec.rule, *spec.rules)):
        found = [anatomy.dissection(rule, budget) for budget in spec.budgets]
        rows = [("right", *(f"{each.num_right:,}" for each in found))]
        rows += [(BIN_TITLES[name], *(f"{each.bins[name]:,}" for each in found)) for name in BINS if _any(found, name)]
        yield Table(
            f"Why searches are wrong, by {RULE_TITLES[rule]}",
            f"Of {anatomy.run.num_records:,} searches, by trajectories; each wrong one is in exactly one row.",
            ("", *(f"{budget:,}" for budget in spec.budgets)),
            tuple(rows),
            is_extra=rule != spec.rule,
        )
        if rule == spec.rule:
            yield _cost_per_right(found)
    regrets = [anatomy.selection_regret(budget) for budget in spec.budgets]
    if any(regret is not None for regret in regrets):
        yield Table(
            "Regret of the reward",
            "Oracle less best score, per cent of all searches: right answers that were there and not picked.",
            ("", *(f"{budget:,}" for budget in spec.budgets)),
            (("regret", *(_NO_FIGURE if each is None else f"{100 * each:.1f}" for each in regrets)),),
        )


def _any(found: Sequence[Dissection], name: Any) -> bool:
    return any(each.bins[name] for each in found)


def _cost_per_right(found: Sequence[Dissection]) -> Table:
    names = {
        "trajectories": "trajectories", "completion_tokens": "tokens written", "tokens": "tokens in all",
        "engine_seconds": "engine seconds", "wall_seconds": "seconds of search",
    }  # fmt: skip
    return Table(
        "Cost of a right answer",
        "What all searches spent, the wrong ones included, over the number of right ones.",
        ("", *(f"{each.budget:,}" for each in found)),
        tuple(
            (
                title,
                *(
                    _NO_FIGURE if getattr(each.cost, name) is None else _amount(getattr(each.cost, name))
                    for each in found
                ),
            )
            for name, title in names.items()
        ),
    )


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 10 or value == 0 else f"{value:.3g}"
