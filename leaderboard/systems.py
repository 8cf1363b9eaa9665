"""The systems of a site: runs of one method pooled over their seeds, each with its name, its figures and its rank."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.compute_axis import Axis, GivenSizes
from harness.metrics import Estimate
from harness.scaling_methods import Method, methods_by_task
from harness.spec import NO_REWARD
from leaderboard.found_results import LeftOut
from leaderboard.ranks import Rank, ranks
from leaderboard.site_run import SiteRun
from tasks.types import InputError

_SHOWN_HASH = 8


@dataclass(frozen=True, slots=True)
class System:
    """One method on one task, by its own rule at its largest budget."""

    method: Method
    runs: tuple[SiteRun, ...]
    rank: Rank | None
    """None where a run of it has a reason against it."""
    group: str
    """What the rank is among: systems of one task with the same problems, data and grader."""

    @property
    def task(self) -> str:
        """The task's name."""
        return self.runs[0].record.task_name

    @property
    def budget(self) -> int:
        """Trajectories per problem."""
        return self.method.spec.budgets[-1]

    @property
    def accuracy(self) -> Estimate:
        """With its 95 % interval."""
        return self.method.accuracy(self.method.spec.rule, self.budget)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it has no rank."""
        return tuple(dict.fromkeys(reason for run in self.runs for reason in run.reasons))

    @property
    def models(self) -> str:
        """Which models it ran, each with the first digits of its hash."""
        spec, inputs = self.method.spec, self.runs[0].record.inputs
        names = (
            ("policy", spec.policy, inputs.policy_sha256),
            ("PPM", spec.ppm, inputs.ppm_sha256),
            ("ORM", spec.orm, inputs.orm_sha256),
        )
        return ", ".join(
            f"{role} {name.rstrip('/').rpartition('/')[2]} {sha256[:_SHOWN_HASH]}".strip()
            for role, name, sha256 in names
            if name != NO_REWARD
        )

    @property
    def part(self) -> str:
        """How much of the task it solved: empty for all of it."""
        record = self.runs[0].record
        if record.num_problems == record.num_task_problems:
            return ""
        return f"{record.num_problems:,} of {record.num_task_problems:,} problems"

    def cost(self, axis: Axis) -> float | None:
        """The mean cost per problem at the largest budget; None where nothing was measured on this axis."""
        if not self.method.num_done:
            return None
        try:
            return self.method.costs(axis, GivenSizes())[-1]
        except InputError:
            return None

    def usage(self, counter: str) -> float:
        """The mean of one counter of `rstar.types.Usage` per problem at the largest budget."""
        done = sum(run.summary.num_done for run in self.runs)
        total = sum(run.summary.cost(self.budget).usage[counter] * run.summary.num_done for run in self.runs)
        return total / max(1, done)


def systems_of(runs: Sequence[SiteRun]) -> tuple[list[System], list[LeftOut]]:
    """The systems of all tasks, best first, and the runs that are none because another holds the same seed."""
    of_summary = {id(run.summary): run for run in runs}
    groups, left_out = _pooled(runs)
    systems: list[System] = []
    for methods in groups.values():
        found = [(method, tuple(of_summary[id(each)] for each in method.runs)) for method in methods]
        systems += _ranked(found)
    return sorted(
        systems, key=lambda each: (each.task, -each.method.num_problems, each.group, -each.accuracy.value)
    ), left_out


def _pooled(runs: Sequence[SiteRun]) -> tuple[dict[str, list[Method]], list[LeftOut]]:
    kept, left_out = list(runs), []
    seen: dict[tuple[str, int], str] = {}
    for run in runs:
        content = run.record.spec.content()
        seeds = content.pop("seeds")
        name = str((content, run.record.inputs, run.record.num_problems))
        other = next((seen[name, seed] for seed in seeds if (name, seed) in seen), None)
        if other:
            kept.remove(run)
            left_out.append(LeftOut(run.place, f"holds a seed of the same method as {other}; its own page is there"))
        else:
            seen |= dict.fromkeys(((name, seed) for seed in seeds), run.place)
    return methods_by_task([run.summary for run in kept], is_mixed=True), left_out


def _ranked(methods: Iterable[tuple[Method, tuple[SiteRun, ...]]]) -> Iterator[System]:
    groups: dict[str, list[tuple[Method, tuple[SiteRun, ...]]]] = {}
    for method, runs in methods:
        groups.setdefault(_group(runs[0]), []).append((method, runs))
    for group, found in groups.items():
        ranked = [(method, runs) for method, runs in found if not any(run.reasons for run in runs)]
        places = ranks([_shares(method) for method, _ in ranked], group)
        place_of = {method.label: place for (method, _), place in zip(ranked, places, strict=True)}
        yield from (System(method, runs, place_of.get(method.label), group) for method, runs in found)


def _shares(method: Method) -> dict[str, float]:
    right = method.right(method.spec.rule, method.spec.budgets[-1])
    return {problem: count / method.num_seeds for problem, count in right.items()}


def _group(run: SiteRun) -> str:
    record, inputs = run.record, run.record.inputs
    parts: tuple[Any, ...] = (inputs.task_sha256, inputs.task_version, inputs.grader_version, record.num_problems)
    return "|".join(map(str, (record.task_name, *parts)))
