"""The methods of a scaling report: runs of one spec pooled over their seeds, grouped by task, each with its name.

Runs of one task may stand on one chart only where they answered the same problems and were graded alike. Whoever mixes
on purpose says so, and the report repeats it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.compute_axis import Axis, GivenSizes, axis_values
from harness.metrics import Agreement, Estimate, accuracy, agreement
from harness.run_folder import RunRecord
from harness.run_inputs import slug
from harness.run_summary import UNANSWERED, RunSummary
from harness.spec import RunSpec
from tasks.types import InputError

_NO_PART = ("task", "limit", "seeds", "policy", "ppm", "orm", "trees", "budgets", "require_sandbox")
"""Fields of a spec that do not tell methods apart: what is asked, how often, where models lie, what is kept."""
_RARELY_MEANT = ("device", "dtype", "engine", "interpreter", "max_context_tokens", "max_new_tokens", "step_memory_mb")
"""Settings that stand in a method's name only where too few others tell it apart."""
VERDICTS = ("correct", "incorrect", *UNANSWERED)
_NUM_DIFFERENCES = 3
"""Settings in a method's name; more would not fit a legend."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way of solving one task, measured with one or more seeds."""

    label: str
    runs: tuple[RunSummary, ...]
    """They differ in seeds alone."""

    @property
    def spec(self) -> RunSpec:
        """The spec of the first run; the others differ in seeds."""
        return self.runs[0].record.spec

    @property
    def num_problems(self) -> int:
        """Of each run."""
        return self.runs[0].record.num_problems

    @property
    def num_seeds(self) -> int:
        """Of all runs."""
        return sum(len(run.record.spec.seeds) for run in self.runs)

    @property
    def num_records(self) -> int:
        """Searches that were asked for."""
        return sum(run.record.num_records for run in self.runs)

    @property
    def num_done(self) -> int:
        """Searches with a record and without an engine failure."""
        return sum(run.num_done for run in self.runs)

    @property
    def is_complete(self) -> bool:
        """Whether every search has a record without a failure."""
        return all(run.is_complete for run in self.runs)

    @property
    def state(self) -> str:
        """Empty for a complete method, else a mark for its name."""
        return "" if self.is_complete else f" (PARTIAL {self.num_done:,}/{self.num_records:,})"

    def right(self, rule: str, budget: int) -> dict[str, int]:
        """Problem id to how many of the seeds were right; problems without a record are not in it."""
        total: Counter[str] = Counter()
        for run in self.runs:
            total.update(run.right_by_problem(rule, budget))
        return dict(total)

    def accuracy(self, rule: str, budget: int) -> Estimate:
        """Over all problems and seeds, those without a record counted as wrong."""
        return accuracy(self._all_right(rule, budget), self.num_seeds)

    def agreement(self) -> Agreement:
        """How far the seeds agree, by the method's own rule at its largest budget."""
        return agreement(self._all_right(self.spec.rule, self.spec.budgets[-1]), self.num_seeds)

    def counts(self, rule: str, budget: int) -> dict[str, int]:
        """Problems and seeds by verdict; they add up to all of them."""
        total: Counter[str] = Counter()
        for run in self.runs:
            total.update(run.point(rule, budget).counts)
        return {verdict: total[verdict] for verdict in VERDICTS}

    def truncated(self, budget: int) -> float:
        """Share of the trajectories within the budget that a length cap cut off, 0 to 1."""
        return self._mean([run.cost(budget).endings.get("truncated", 0.0) for run in self.runs])

    def costs(self, axis: Axis, given: GivenSizes) -> list[float]:
        """The mean cost at each budget. Raises InputError as `axis_values` does."""
        columns = zip(*(axis_values(run, axis, given) for run in self.runs if run.num_done), strict=True)
        return [self._mean(column, [run for run in self.runs if run.num_done]) for column in columns]

    def _all_right(self, rule: str, budget: int) -> list[int]:
        """How many of its seeds were right, for every problem."""
        right = list(self.right(rule, budget).values())
        return right + [0] * (self.num_problems - len(right))

    def _mean(self, values: Sequence[float], runs: Sequence[RunSummary] | None = None) -> float:
        weights = [run.num_done for run in runs or self.runs]
        return sum(value * weight for value, weight in zip(values, weights, strict=True)) / max(1, sum(weights))


def methods_by_task(summaries: Sequence[RunSummary], *, is_mixed: bool) -> dict[str, list[Method]]:
    """The methods of each task, tasks and methods in order of first appearance.

    Raises InputError for one run given twice, for a seed that stands in two runs of a method, for a run without
    problems, and unless `is_mixed` for runs of one task that did not answer and grade the same.
    """
    _check_each(summaries)
    groups: dict[str, dict[str, list[RunSummary]]] = {}
    for summary in summaries:
        record = summary.record
        known = groups.setdefault(record.task_name, {})
        if known and not is_mixed:
            _check_alike(next(iter(known.values()))[0].record, record)
        known.setdefault(_merge_key(record), []).append(summary)
    names = _names([runs[0].record for task in groups.values() for runs in task.values()])
    return {task: list(_named([_pooled(runs) for runs in known.values()], names)) for task, known in groups.items()}


def differences(first: RunRecord, other: RunRecord) -> list[str]:
    """In words, what keeps two runs of one task from being compared; empty where nothing does."""
    found = [
        f"{name} {_short(str(ours))} and {_short(str(theirs))}"
        for name in ("task_sha256", "task_version", "grader_version")
        if (ours := getattr(first.inputs, name)) != (theirs := getattr(other.inputs, name))
    ]
    if first.num_problems != other.num_problems:
        found.append(f"{first.num_problems:,} and {other.num_problems:,} problems")
    return found


def _check_each(summaries: Sequence[RunSummary]) -> None:
    seen: dict[str, Path] = {}
    for summary in summaries:
        identity = summary.record.identity
        if identity in seen:
            raise InputError(f"{summary.folder}: is the same run as {seen[identity]}; leave one of them out")
        seen[identity] = summary.folder
        if summary.record.num_problems < 1:
            raise InputError(f"{summary.folder}: is a run of 0 problems, which has no accuracy; leave it out")


def _check_alike(first: RunRecord, other: RunRecord) -> None:
    found = differences(first, other)
    if found:
        raise InputError(
            f"{first.id} and {other.id} are no runs of the same {first.task_name}: {'; '.join(found)}; report them "
            "apart, or add --mixed to put them on one chart all the same"
        )


def _pooled(runs: list[RunSummary]) -> tuple[RunSummary, ...]:
    seeds: dict[int, str] = {}
    for run in runs:
        for seed in run.record.spec.seeds:
            if seed in seeds:
                raise InputError(
                    f"{seeds[seed]} and {run.record.id} both hold seed {seed} of one method; leave one of them out"
                )
            seeds[seed] = run.record.id
    return tuple(runs)


def _method_key(record: RunRecord) -> str:
    """The same for runs of one method, whatever the task."""
    content = {name: value for name, value in record.spec.content().items() if name not in _NO_PART}
    inputs = record.inputs
    return json.dumps([content, inputs.policy_sha256, inputs.ppm_sha256, inputs.orm_sha256], sort_keys=True)


def _merge_key(record: RunRecord) -> str:
    """The same for runs that may be pooled: one method, one task, the same problems, budgets and grader."""
    inputs = record.inputs
    return json.dumps(
        [
            _method_key(record),
            record.spec.budgets,
            record.num_problems,
            inputs.task_sha256,
            inputs.task_version,
            inputs.grader_version,
        ]
    )


def _named(pooled: Sequence[tuple[RunSummary, ...]], names: dict[str, str]) -> Iterator[Method]:
    """Each group as a method, its run's id in the name where that is not its own otherwise."""
    labels = [names[_method_key(runs[0].record)] for runs in pooled]
    for label, runs in zip(labels, pooled, strict=True):
        yield Method(label if labels.count(label) == 1 else f"{label} [{runs[0].record.id}]", runs)


def _names(records: Sequence[RunRecord]) -> dict[str, str]:
    """For each method key a short name: the search's, and the settings in which those of that name differ."""
    by_key = {_method_key(record): record for record in reversed(records)}
    by_solver: dict[str, list[str]] = {}
    for key, record in by_key.items():
        by_solver.setdefault(record.spec.solver, []).append(key)
    found = {}
    for solver, keys in by_solver.items():
        settings = {key: _settings(by_key[key]) for key in keys}
        everything = {name for each in settings.values() for name in each}
        differing = sorted(
            (name for name in everything if len({str(each.get(name)) for each in settings.values()}) > 1),
            key=lambda name: (name in _RARELY_MEANT, name),
        )
        for key in keys:
            words = [f"{name}={settings[key][name]}" for name in differing if name in settings[key]]
            found[key] = f"{solver} ({', '.join(words[:_NUM_DIFFERENCES])})" if words else solver
    return found


def _settings(record: RunRecord) -> dict[str, Any]:
    """Everything that may tell a method apart, by the name that stands in its label."""
    content = {name: value for name, value in record.spec.content().items() if name not in _NO_PART}
    search: dict[str, Any] = content.pop("search")
    models = {role: _model_name(getattr(record.spec, role)) for role in ("policy", "ppm", "orm")}
    return models | content | search


def _model_name(name: str) -> str:
    path = Path(name)
    return slug(path.stem if path.suffix == ".py" else path.name)


def _short(text: str) -> str:
    return text[:8]
