"""The demonstration: the models of the package search a generated task, and what the search gains is tested.

Greedy and a tree search solve the same problems. The search's own rule is compared with one trajectory and with greedy;
so is the best rule and budget, whose p-value is multiplied by the number of choices that there were (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.paired import Comparison, compare, outcomes
from harness.report import RULE_TITLES, headline
from harness.run_summary import RunSummary
from harness.spec import RunSpec
from harness.spec_fields import make_spec

TASK = "procedural-hard"
LIMIT = 96
"""Problems: enough for a gain of 10 points to be significant, and few enough for four minutes on two cores."""
BUDGETS = (1, 2, 4, 8, 16, 32, 64)
FROM_BUDGET = 16
"""Budgets from here on take part in the choice of the best."""
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Candidate:
    """One rule at one budget."""

    rule: str
    budget: int
    accuracy: float


def demo_specs(given: dict[str, Any]) -> tuple[RunSpec, RunSpec]:
    """The greedy run and the search of the demonstration, with the fields of `given` in place of their own."""
    shared = {"task": TASK, "limit": LIMIT} | {name: value for name, value in given.items() if value is not None}
    budgets = shared.pop("budgets", list(BUDGETS))
    return make_spec(shared | {"preset": "greedy"}), make_spec(shared | {"preset": "tiny", "budgets": budgets})


def comparison_lines(greedy: RunSummary, search: RunSummary) -> Iterator[str]:
    """Greedy's figure, and the paired comparisons with one trajectory and with greedy."""
    own_rule, last = search.record.spec.rule, search.record.spec.budgets[-1]
    yield f"Greedy, {headline(greedy)}"
    yield f"Search, {headline(search)}"
    yield ""
    own = outcomes(search.folder, own_rule, last)
    yield from _against(own, greedy, search, f"{RULE_TITLES[own_rule]} at {last}, the run's own rule", 1)
    tried = _candidates(search)
    best = max(tried, key=lambda each: each.accuracy, default=None)
    if best and (best.rule, best.budget) != (own_rule, last):
        name = f"{RULE_TITLES[best.rule]} at {best.budget}, the best of {len(tried)}"
        yield from _against(outcomes(search.folder, best.rule, best.budget), greedy, search, name, len(tried))


def _candidates(search: RunSummary) -> list[Candidate]:
    """The rules and budgets that could be the best: no oracle, nothing below `FROM_BUDGET`."""
    spec = search.record.spec
    return [
        Candidate(rule, budget, search.point(rule, budget).accuracy.value)
        for rule in spec.rules
        for budget in spec.budgets
        if budget >= FROM_BUDGET
    ]


def _against(
    now: dict[tuple[str, int], bool], greedy: RunSummary, search: RunSummary, name: str, num_tried: int
) -> Iterator[str]:
    before = {
        "one trajectory": outcomes(search.folder, search.record.spec.rule, search.record.spec.budgets[0]),
        "greedy": outcomes(greedy.folder, greedy.record.spec.rule, 1),
    }
    yield f"{name}, on the same {len(now)} problems:"
    for title, outcome in before.items():
        yield f"  against {title}: {_in_words(compare(outcome, now), num_tried)}"


def _in_words(found: Comparison, num_tried: int) -> str:
    p_value = min(1.0, found.p_value * num_tried)
    verdict = "significant" if p_value < SIGNIFICANT else "not significant"
    corrected = f", times {num_tried} for the choice" if num_tried > 1 else ""
    return (
        f"{found.points:+.1f} points ({found.num_gained} gained, {found.num_lost} lost), "
        f"p = {p_value:.2g} (exact McNemar{corrected}): {verdict} at {SIGNIFICANT:g}"
    )


def results_folder(out: Path | None) -> Path:
    """Where the demonstration's runs go."""
    return out or Path("results")
