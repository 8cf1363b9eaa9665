"""The anatomy of a run: why its wrong searches are wrong, what a right answer cost, and where to look.

Bins and their precedence are defined in `harness.failure_bins`. Counts add up: at every rule and budget the right
searches and the bins make the whole run, problems times seeds, those without a record included.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.checked_records import checked_records
from harness.failure_bins import BINS, Bin, Evidence, bin_of, evidence
from harness.kept_searches import kept_journal
from harness.records import ProblemRecord
from harness.regret import RegretByDepth, TreeRegret
from harness.run_folder import RECORDS, RunRecord
from tasks.types import InputError

NUM_EXAMPLES = 3
"""Problems named per bin. Chosen, not tuned."""
MAX_TREES = 200
"""Trees grown again: 64 trajectories of 32 candidates took 0.05 s of processor time each. Chosen, not tuned."""
_TOKENS = ("prompt_tokens", "completion_tokens", "reward_tokens")


@dataclass(frozen=True, slots=True)
class Example:
    """One wrong search, and where its trace lies."""

    problem_id: str
    seed: int
    line: int
    """Of its record in `problems.jsonl`."""

    def trace(self, folder: Path) -> str:
        """The kept journal with every reply or solution, or else the record: its file and line."""
        kept = kept_journal(folder, self.problem_id, self.seed)
        return str(kept) if kept else f"{folder / RECORDS}:{self.line}"


@dataclass(frozen=True, slots=True)
class CostPerRight:
    """What the searches spent at one budget, over the number of right answers; None without a right answer.

    The cost of wrong searches is part of it. Searches that an engine failed on are not: their cost was not recorded.
    """

    num_right: int
    trajectories: float | None
    completion_tokens: float | None
    """Written by the policy."""
    tokens: float | None
    """Written and read by the policy, and read by the reward model; cached ones included."""
    engine_seconds: float | None
    """Waited for policy and reward, summed over requests."""
    wall_seconds: float | None
    """From the start of each search, summed over searches. Many run at a time: no time of the whole run."""


@dataclass(frozen=True, slots=True)
class Dissection:
    """One rule at one budget."""

    rule: str
    budget: int
    num_searches: int
    num_right: int
    bins: dict[Bin, int]
    """Every bin; they add up to `num_searches - num_right`."""
    with_truncated: int
    """Of `never_generated`: searches in which some trajectory was cut off."""
    with_failed_code: int
    """Of `never_generated`: searches in which a failed program ended some trajectory."""
    examples: dict[Bin, tuple[Example, ...]]
    cost: CostPerRight

    @property
    def num_wrong(self) -> int:
        """Searches without a right answer."""
        return self.num_searches - self.num_right


@dataclass(slots=True)
class Anatomy:
    """Counts over the records of one run, in memory that grows with its searches and not with their trajectories."""

    folder: Path
    run: RunRecord
    num_examples: int = NUM_EXAMPLES
    num_records: int = 0
    """Those with an engine's failure included."""
    num_failed: int = 0
    trees: RegretByDepth | None = None
    """None where it was not asked for."""
    _right: Counter[tuple[str, int]] = field(default_factory=Counter)
    _wrong: dict[tuple[str, int, Bin], list[Example]] = field(default_factory=lambda: defaultdict(list))
    _notes: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    _oracle: Counter[int] = field(default_factory=Counter)
    _spent: dict[int, dict[str, float]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(float)))

    @property
    def num_missing(self) -> int:
        """Searches without a record."""
        return self.run.num_records - self.num_records

    @property
    def is_complete(self) -> bool:
        """Whether every search has a record without a failure."""
        return self.num_records == self.run.num_records and not self.num_failed

    def add(self, line: int, record: ProblemRecord) -> None:
        """Count one record, which stands in this line of the file."""
        self.num_records += 1
        self.num_failed += bool(record.error)
        example = Example(record.problem_id, record.seed, line)
        for index, budget in enumerate(self.run.spec.budgets):
            seen = evidence(record, budget)
            self._oracle[budget] += seen.has_right
            self._spend(record, budget)
            for rule in self.run.spec.rules:
                self._sort(record, rule, index, budget, seen, example)

    def dissection(self, rule: str, budget: int) -> Dissection:
        """The figures of one rule at one of the run's budgets."""
        found = {name: self._wrong.get((rule, budget, name), []) for name in BINS}
        counts = {name: len(examples) for name, examples in found.items()}
        counts["missing"] = self.num_missing
        first = {name: tuple(_first(examples, self.num_examples)) for name, examples in found.items()}
        num_right = self._right[rule, budget]
        return Dissection(
            rule=rule,
            budget=budget,
            num_searches=self.run.num_records,
            num_right=num_right,
            bins=counts,
            with_truncated=self._notes[rule, budget, "truncated"],
            with_failed_code=self._notes[rule, budget, "code_failed"],
            examples=first,
            cost=self._cost(budget, num_right),
        )

    def selection_regret(self, budget: int) -> float | None:
        """The oracle's accuracy less that of rule `best`: right answers generated that the reward did not select.

        A share of all searches, 0 to 1; None for a run without a reward model or without searches.
        """
        if "best" not in self.run.spec.rules or not self.run.num_records:
            return None
        return (self._oracle[budget] - self._right["best", budget]) / self.run.num_records

    def _sort(
        self, record: ProblemRecord, rule: str, index: int, budget: int, seen: Evidence, example: Example
    ) -> None:
        name = bin_of(record, rule, index, budget, self.run.spec.top_k, seen)
        if name is None:
            self._right[rule, budget] += 1
            return
        self._wrong[rule, budget, name].append(example)
        if name == "never_generated":
            self._notes[rule, budget, "truncated"] += seen.has_truncated
            self._notes[rule, budget, "code_failed"] += seen.has_failed_code

    def _spend(self, record: ProblemRecord, budget: int) -> None:
        if record.error:
            return
        counted, spent = record.num_counted(budget), self._spent[budget]
        spent["trajectories"] += counted
        for name in _TOKENS:
            spent[name] += (record.usage or {})[name][counted - 1]
        spent["engine_seconds"] += record.timing.engine_seconds[counted - 1]
        spent["wall_seconds"] += record.timing.wall_seconds[counted - 1]

    def _cost(self, budget: int, num_right: int) -> CostPerRight:
        spent = self._spent[budget]

        def per_right(total: float) -> float | None:
            return total / num_right if num_right else None

        return CostPerRight(
            num_right,
            per_right(spent["trajectories"]),
            per_right(spent["completion_tokens"]),
            per_right(sum(spent[name] for name in _TOKENS)),
            per_right(spent["engine_seconds"]),
            per_right(spent["wall_seconds"]),
        )


def dissect(folder: Path, *, num_examples: int = NUM_EXAMPLES, max_trees: int = MAX_TREES) -> Anatomy:
    """The anatomy of the run in `folder`, also while it is going on.

    About `max_trees` of the kept trees, where there are any, are grown again for the regret by depth; 0: none. Raises
    InputError for damaged or broken files.
    """
    anatomy = Anatomy(folder, RunRecord.read(folder), num_examples)
    regret = TreeRegret(folder, anatomy.run, max_trees) if max_trees else None
    for line, record in checked_records(folder, anatomy.run):
        anatomy.add(line, record)
        if regret and not record.error:
            regret.add(record)
    anatomy.trees = regret.by_depth() if regret else None
    return anatomy


def chosen_points(run: RunRecord, rule: str | None, budget: int | None) -> tuple[str, tuple[int, ...]]:
    """The rule to show, by default the run's own, and the budgets. Raises InputError for what the run does not have."""
    spec = run.spec
    if rule is not None and rule not in spec.rules:
        raise InputError(f"--rule {rule}: this run has {', '.join(spec.rules)}; name one of them")
    if budget is not None and budget not in spec.budgets:
        raise InputError(
            f"--budget {budget}: answers were chosen at {', '.join(map(str, spec.budgets))}; name one of them"
        )
    return rule or spec.rule, (budget,) if budget is not None else spec.budgets


def for_json(anatomy: Anatomy, rules: tuple[str, ...], budgets: tuple[int, ...]) -> dict[str, Any]:
    """Everything at these rules and budgets, with names that stay."""
    return {
        "id": anatomy.run.id,
        "folder": str(anatomy.folder),
        "task": anatomy.run.task_name,
        "status": anatomy.run.status,
        "is_complete": anatomy.is_complete,
        "num_searches": anatomy.run.num_records,
        "failed": anatomy.num_failed,
        "missing": anatomy.num_missing,
        "points": [_point(anatomy, anatomy.dissection(rule, budget)) for rule in rules for budget in budgets],
        "selection_regret": [{"budget": budget, "regret": anatomy.selection_regret(budget)} for budget in budgets],
        "regret_by_depth": anatomy.trees.for_json() if anatomy.trees else None,
    }


def _point(anatomy: Anatomy, found: Dissection) -> dict[str, Any]:
    cost = found.cost
    return {
        "rule": found.rule,
        "budget": found.budget,
        "right": found.num_right,
        "wrong": found.num_wrong,
        "bins": {
            name: {
                "count": found.bins[name],
                "share_of_wrong": found.bins[name] / found.num_wrong if found.num_wrong else 0.0,
                "examples": [
                    {"problem": each.problem_id, "seed": each.seed, "trace": each.trace(anatomy.folder)}
                    for each in found.examples[name]
                ],
            }
            for name in BINS
        },
        "never_generated_with_truncated": found.with_truncated,
        "never_generated_with_failed_code": found.with_failed_code,
        "cost_per_right": {
            name: getattr(cost, name)
            for name in ("trajectories", "completion_tokens", "tokens", "engine_seconds", "wall_seconds")
        },
    }


def _first(examples: list[Example], count: int) -> list[Example]:
    """The first by problem and seed: the order of the records depends on which search ended first."""
    return sorted(examples, key=lambda each: (each.problem_id, each.seed))[:count]
