"""Two runs compared problem by problem, or several pairs of runs together.

Problems are the independent units: what is tested is whether the difference would be found again on other problems of
the same kind, with other seeds. Nothing is averaged over what is missing: problems that are not done on both sides are
left out, and every output says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.comparable import Allowed, common_problems, mismatches, settings
from harness.compared_run import RunAnswer, Side, check_choice, read_side
from harness.compute_axis import Axis, GivenSizes
from harness.equal_compute import EqualCompute, equal_compute
from harness.metrics import Estimate
from harness.paired import PairedDifference, paired_difference
from harness.paired_intervals import holm
from harness.run_folder import RunRecord
from tasks.types import InputError


@dataclass(frozen=True, slots=True)
class Choice:
    """What is compared of each run. None: of rules each run's own, of budgets the largest that both have."""

    rules: tuple[str, str] | None = None
    budgets: tuple[int, int] | None = None
    axis: Axis | None = None
    allowed: Allowed = field(default_factory=Allowed)
    sizes: tuple[GivenSizes, GivenSizes] = (GivenSizes(), GivenSizes())


@dataclass(frozen=True, slots=True)
class Flip:
    """A problem that one side got right more often than the other."""

    problem: str
    difference: float
    """B's share of right runs minus A's, in [-1, 1]."""
    a: tuple[RunAnswer, ...]
    b: tuple[RunAnswer, ...]


@dataclass(frozen=True, slots=True)
class PairResult:
    """A and B on one task."""

    a: Side
    b: Side
    problems: tuple[str, ...]
    """Done on both sides: what every figure is about."""
    difference: PairedDifference
    accuracies: tuple[Estimate, Estimate]
    notes: tuple[str, ...]
    """What a reader must know first: unfinished runs, what was allowed to differ, other rules, budgets or seeds."""
    settings: tuple[str, ...]
    """In what the runs differ."""
    flips: tuple[Flip, ...]
    """The largest differences first."""
    compute: EqualCompute
    adjusted_p: float
    """Holm's, over all pairs that are compared together; with one pair its own p-value."""

    @property
    def task(self) -> str:
        """The task's name."""
        return self.a.record.task_name

    @property
    def is_complete(self) -> bool:
        """Whether both runs are."""
        return self.a.summary.is_complete and self.b.summary.is_complete


def compare_runs(pairs: Sequence[tuple[Path, Path]], choice: Choice) -> list[PairResult]:
    """Compare the runs of each pair (A's folder, B's folder). Raises InputError where they cannot be compared."""
    found = [_compare(a, b, choice) for a, b in pairs]
    adjusted = holm([each.difference.p_value for each in found])
    return [replace(each, adjusted_p=p_value) for each, p_value in zip(found, adjusted, strict=True)]


def find_pairs(names: Sequence[str], folders: Sequence[Sequence[Path]]) -> list[tuple[Path, Path]]:
    """The runs to compare: `names` are A, B and further pairs, `folders` the runs that each of them stands for.

    Names that stand for one run each are a pair, others are paired by task. Raises InputError for an odd number of
    names, and for runs that do not pair.
    """
    if not names or len(names) % 2:
        raise InputError(f"{len(names)} run{'s' * (len(names) != 1)} given; give them in pairs: A B, or A1 B1 A2 B2")
    given = list(zip(names, folders, strict=True))
    return [pair for a, b in zip(given[::2], given[1::2], strict=True) for pair in _pairs(a, b)]


def _pairs(a: tuple[str, Sequence[Path]], b: tuple[str, Sequence[Path]]) -> list[tuple[Path, Path]]:
    if len(a[1]) == len(b[1]) == 1:
        return [(a[1][0], b[1][0])]
    first, other = _of_tasks(*a), _of_tasks(*b)
    alone = sorted(first.keys() ^ other.keys())
    if alone:
        raise InputError(f"{a[0]} and {b[0]}: only one has a run of {', '.join(alone)}; name the runs to compare")
    return [(first[task], other[task]) for task in sorted(first)]


def _of_tasks(name: str, folders: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in folders:
        task = RunRecord.read(folder).task_name
        if task in found:
            raise InputError(
                f"{name}: holds more than one run of {task} ({found[task].name}, {folder.name}); name the runs to "
                "compare"
            )
        found[task] = folder
    return found


def _compare(a: Path, b: Path, choice: Choice) -> PairResult:
    rules, budgets = _chosen(a, b, choice)
    sides = read_side(a, rules[0], budgets[0]), read_side(b, rules[1], budgets[1])
    first, other = sides
    allowed = mismatches(first, other, choice.allowed)
    problems, notes = common_problems(first, other, choice.allowed)
    difference = paired_difference(first.right_at(problems, first.index), other.right_at(problems, other.index))
    return PairResult(
        first,
        other,
        tuple(problems),
        difference,
        (first.accuracy(problems, first.index), other.accuracy(problems, other.index)),
        (*notes, *(f"allowed to differ: {each}" for each in allowed), *_choice_notes(first, other)),
        tuple(settings(first.record, other.record)),
        _flips(first, other, problems, difference),
        equal_compute(first, other, problems, choice.axis, choice.sizes),
        difference.p_value,
    )


def _chosen(a: Path, b: Path, choice: Choice) -> tuple[tuple[str, str], tuple[int, int]]:
    """The rules and budgets to compare, checked against what the runs have."""
    records = RunRecord.read(a), RunRecord.read(b)
    rules: tuple[str, str] = choice.rules or (records[0].spec.rule, records[1].spec.rule)
    budgets = choice.budgets
    if budgets is None:
        shared = set(records[0].spec.budgets) & set(records[1].spec.budgets)
        if not shared:
            lists = " and ".join(",".join(map(str, record.spec.budgets)) for record in records)
            raise InputError(
                f"{a} and {b}: have no budget in common ({lists}); give A's and B's, e.g. --budget "
                f"{records[0].spec.budgets[-1]},{records[1].spec.budgets[-1]}"
            )
        budgets = (max(shared), max(shared))
    for folder, record, rule, budget in zip((a, b), records, rules, budgets, strict=True):
        if record.num_problems < 1:
            raise InputError(f"{folder}: is a run of 0 problems, so there is nothing to compare; name another")
        check_choice(folder, record, rule, budget)
    return rules, budgets


def _choice_notes(a: Side, b: Side) -> list[str]:
    found = []
    if a.rule != b.rule:
        found.append(f"the rules differ: {a.rule} in A, {b.rule} in B")
    if a.budget != b.budget:
        found.append(f"the budgets differ: {a.budget} trajectories in A, {b.budget} in B")
    if a.record.spec.seeds != b.record.spec.seeds:
        ours, theirs = (",".join(map(str, each.record.spec.seeds)) for each in (a, b))
        found.append(f"the seeds differ: {ours} in A, {theirs} in B; runs are paired by problem alone")
    return found


def _flips(a: Side, b: Side, problems: Sequence[str], found: PairedDifference) -> tuple[Flip, ...]:
    flips = [
        Flip(name, difference, tuple(a.answers[name]), tuple(b.answers[name]))
        for name, difference in zip(problems, found.differences, strict=True)
        if difference
    ]
    return tuple(sorted(flips, key=lambda flip: (-abs(flip.difference), flip.difference, flip.problem)))
