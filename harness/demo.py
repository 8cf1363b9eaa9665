"""The demonstration: the models of the package solve a generated task in three ways, and the gains are tested.

Greedy, sampling with a weighted vote, and a tree search solve the same problems. Each search is compared with its own
first trajectory and with greedy; so is the best rule and budget of both, whose p-value is multiplied by the number of
choices that there were (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.paired import Comparison, compare, outcomes
from harness.report import RULE_TITLES, headline
from harness.run_summary import RunSummary
from harness.spec import RunSpec
from harness.spec_fields import make_spec

TASK = "procedural"
LIMIT = 144
"""Problems: enough for a gain of 15 points to be significant, and few enough for four minutes on two cores."""
BUDGETS = (1, 2, 4, 8, 16, 32)
SEARCHES: tuple[dict[str, Any], ...] = (
    # The temperature was chosen on validation problems, with that of `tiny` (model card of the package).
    {"preset": "weighted-best-of-n", "search": {"temperature": 0.8}},
    {"preset": "tiny"},
)
FROM_BUDGET = 16
"""Budgets from here on take part in the choice of the best."""
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Candidate:
    """One rule of one search at one budget."""

    search: RunSummary
    rule: str
    budget: int

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.search.point(self.rule, self.budget).accuracy.value

    @property
    def name(self) -> str:
        """As a title."""
        return f"{self.search.record.spec.solver}, {RULE_TITLES[self.rule]} at {self.budget}"


def demo_specs(given: dict[str, Any]) -> tuple[RunSpec, ...]:
    """The greedy run and the searches of the demonstration, with the fields of `given` in place of their own."""
    shared = {"task": TASK, "limit": LIMIT} | {name: value for name, value in given.items() if value is not None}
    budgets = shared.pop("budgets", list(BUDGETS))
    return (
        make_spec(shared | {"preset": "greedy"}),
        *(make_spec(shared | {"budgets": budgets} | search) for search in SEARCHES),
    )


def comparison_lines(greedy: RunSummary, searches: Sequence[RunSummary]) -> Iterator[str]:
    """Greedy's figure, and the paired comparisons with one trajectory and with greedy."""
    yield f"greedy, {headline(greedy)}"
    for search in searches:
        spec = search.record.spec
        own = Candidate(search, spec.rule, spec.budgets[-1])
        yield ""
        yield f"{spec.solver}, {headline(search)}"
        yield from _against(own, greedy, 1)
    tried = list(_candidates(searches))
    best = max(tried, key=lambda each: each.accuracy, default=None)
    if best:
        yield ""
        yield f"The best of {len(tried)} rules and budgets from {FROM_BUDGET} on is {best.name}:"
        yield from _against(best, greedy, len(tried))


def _candidates(searches: Sequence[RunSummary]) -> Iterator[Candidate]:
    """The rules and budgets that could be the best: no oracle, nothing below `FROM_BUDGET`."""
    for search in searches:
        spec = search.record.spec
        for rule in spec.rules:
            yield from (Candidate(search, rule, budget) for budget in spec.budgets if budget >= FROM_BUDGET)


def _against(now: Candidate, greedy: RunSummary, num_tried: int) -> Iterator[str]:
    spec, folder = now.search.record.spec, now.search.folder
    before = {
        "one trajectory": outcomes(folder, spec.rule, spec.budgets[0]),
        "greedy": outcomes(greedy.folder, greedy.record.spec.rule, 1),
    }
    after = outcomes(folder, now.rule, now.budget)
    for title, outcome in before.items():
        yield f"  against {title}: {_in_words(compare(outcome, after), num_tried)}"


def _in_words(found: Comparison, num_tried: int) -> str:
    p_value = min(1.0, found.p_value * num_tried)
    verdict = "significant" if p_value < SIGNIFICANT else "not significant"
    corrected = f", times {num_tried} for the choice" if num_tried > 1 else ""
    return (
        f"{found.points:+.1f} points ({found.num_gained} gained, {found.num_lost} lost), "
        f"p = {p_value:.2g} (exact McNemar{corrected}): {verdict} at {SIGNIFICANT:g}"
    )


def results_folder(out: Path | None) -> Path:
    """Where the demonstration's runs go: not to `results`, where a checkout has the published ones."""
    return out or Path("rstar-demo")
