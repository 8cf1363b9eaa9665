"""Records to scaling curves: accuracy against what it cost, for every task, method and rule, on a chosen axis.

Beside the curves stand what a reader would otherwise judge by eye: whether each still rises at its end, which method
and budget is the best for its cost, and what the paper reports on the same task.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.compute_axis import Axis, GivenSizes, model_sizes
from harness.frontier import frontier, frontier_shares
from harness.metrics import Estimate
from harness.published import Cited, CitedCurve, cited, cited_curves
from harness.run_summary import ORACLE, RunSummary
from harness.saturation import Saturation, saturation
from harness.scaling_methods import Method, differences, methods_by_task
from tasks.types import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One rule of one method at one budget."""

    budget: int
    cost: float
    """Mean per problem and seed, on the report's axis."""
    accuracy: Estimate
    counts: dict[str, int]
    """Problems and seeds by verdict; they add up to all of them."""
    truncated: float
    """Share of the trajectories so far that a length cap cut off."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One rule of one method at all its budgets."""

    method: Method
    rule: str
    points: tuple[CurvePoint, ...]
    saturation: Saturation | None
    """None for a single budget."""

    @property
    def is_oracle(self) -> bool:
        """Whether this is pass@N, which no rule can beat."""
        return self.rule == ORACLE

    @property
    def is_headline(self) -> bool:
        """Whether this is the method's own rule."""
        return self.rule == self.method.spec.rule


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """A method at a budget that nothing as cheap equals."""

    curve: Curve
    point: CurvePoint
    share: float | None
    """Share of resamples of the problems in which it is on the frontier; None where methods have other problems."""


@dataclass(frozen=True, slots=True)
class TaskScaling:
    """Everything about one task."""

    task: str
    methods: tuple[Method, ...]
    curves: tuple[Curve, ...]
    """In the order of `methods`; of each method its own rule first and the oracle last."""
    frontier: tuple[FrontierPoint, ...]
    """Cheapest first; empty where there is nothing to choose from."""
    cited: tuple[Cited, ...]
    """What the paper reports on this task; empty for tasks that it does not have."""
    cited_curves: tuple[CitedCurve, ...]
    """The part of it that belongs on this axis: all on trajectories, none on others, for the paper gives no cost."""
    notes: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every method is."""
        return all(method.is_complete for method in self.methods)


@dataclass(frozen=True, slots=True)
class Scaling:
    """A whole report."""

    axis: Axis
    tasks: tuple[TaskScaling, ...]

    @property
    def labels(self) -> list[str]:
        """The methods' names, each once, in order of first appearance: what a colour belongs to."""
        return list(dict.fromkeys(method.label for task in self.tasks for method in task.methods))


@dataclass(frozen=True, slots=True)
class ScalingOptions:
    """What a reader may choose."""

    axis: Axis = "trajectories"
    rules: tuple[str, ...] = ()
    """Drawn beside the oracle; empty: of one method all its rules, of several each one's own."""
    is_mixed: bool = False
    """Put runs on one chart that did not answer the same problems, or were not graded alike."""
    sizes: GivenSizes = field(default_factory=GivenSizes)
    has_cited: bool = True
    """Show what the paper reports."""


def scaling(summaries: Sequence[RunSummary], options: ScalingOptions | None = None) -> Scaling:
    """The curves of these runs. Raises InputError for runs that cannot be shown together, naming the reason."""
    options = options or ScalingOptions()
    groups = methods_by_task(summaries, is_mixed=options.is_mixed)
    return Scaling(options.axis, tuple(_task_scaling(task, methods, options) for task, methods in groups.items()))


def _task_scaling(task: str, methods: list[Method], options: ScalingOptions) -> TaskScaling:
    begun = [method for method in methods if method.num_done]
    curves = [curve for method in begun for curve in _curves(method, len(begun), options)]
    named = methods[0].spec.task
    shown = options.has_cited and bool(curves)
    return TaskScaling(
        task,
        tuple(methods),
        tuple(curves),
        tuple(_frontier(task, curves, is_paired=not _differences(methods))),
        tuple(cited(named)) if shown else (),
        tuple(cited_curves(named)) if shown and options.axis == "trajectories" else (),
        tuple(_notes(methods, options)),
    )


def _curves(method: Method, num_methods: int, options: ScalingOptions) -> Iterator[Curve]:
    costs = method.costs(options.axis, options.sizes)
    budgets, problems = method.spec.budgets, _recorded([method])
    for rule in (*_rules(method, num_methods, options), ORACLE):
        points = tuple(
            CurvePoint(
                budget, cost, method.accuracy(rule, budget), method.counts(rule, budget), method.truncated(budget)
            )
            for budget, cost in zip(budgets, costs, strict=True)
        )
        right = _right(method, rule, budgets, problems)
        name = f"{method.runs[0].record.identity}|{rule}"
        yield Curve(method, rule, points, saturation(right, budgets, costs, name))


def _rules(method: Method, num_methods: int, options: ScalingOptions) -> list[str]:
    own: str = method.spec.rule
    known: list[str] = [rule for rule in method.spec.rules if rule != method.spec.rule]
    if options.rules:
        chosen = [rule for rule in (own, *known) if rule in options.rules]
        if not chosen:
            raise InputError(
                f"--rule {', '.join(options.rules)}: {method.label} has none of them; it has "
                f"{', '.join(method.spec.rules)}"
            )
        return chosen
    return [own, *known] if num_methods == 1 else [own]


def _right(method: Method, rule: str, budgets: Sequence[int], problems: Sequence[str]) -> NDArray[np.float64]:
    """Share of the seeds that were right: a row per problem (`problems`, then those without a record), a column per
    budget."""
    import numpy as np

    matrix = np.zeros((method.num_problems, len(budgets)))
    for column, budget in enumerate(budgets):
        right = method.right(rule, budget)
        matrix[: len(problems), column] = [right.get(problem, 0) / method.num_seeds for problem in problems]
    return matrix


def _recorded(methods: Sequence[Method]) -> list[str]:
    """The problems that any of the methods has a record of."""
    return sorted({problem for each in methods for problem in each.right(ORACLE, each.spec.budgets[-1])})


def _frontier(task: str, curves: Sequence[Curve], *, is_paired: bool) -> Iterator[FrontierPoint]:
    """Of all rules' points but the oracle's; with shares where all methods have the same problems."""
    import numpy as np

    points = [(curve, point) for curve in curves if not curve.is_oracle for point in curve.points]
    if len(points) < 2:
        return
    costs = [point.cost for _, point in points]
    shares: list[float] | None = None
    if is_paired:
        problems = _recorded([curve.method for curve in curves])
        columns = [_right(curve.method, curve.rule, [point.budget], problems) for curve, point in points]
        shares = frontier_shares(costs, np.hstack(columns), f"{task}|frontier")
    for index in frontier(costs, [point.accuracy.value for _, point in points]):
        yield FrontierPoint(*points[index], None if shares is None else shares[index])


def _notes(methods: Sequence[Method], options: ScalingOptions) -> Iterator[str]:
    """What a reader must know before believing the chart."""
    for method in methods:
        for run in method.runs:
            if not run.is_complete:
                yield (
                    f"PARTIAL: {method.label}, {run.record.id}: {run.num_done:,} of {run.record.num_records:,} "
                    f"searches done, {run.num_failed:,} failed, {run.num_missing:,} missing; those count as wrong, "
                    "and costs are of the others"
                )
        if not method.num_done:
            yield f"{method.label} has no record yet and is not drawn."
        if method.num_seeds > 1 and method.is_complete:
            yield f"Seeds of {method.label}: {method.agreement().text()}."
    yield from (f"MIXED: {each}" for each in _differences(methods))
    first = methods[0].runs[0].record
    if first.num_problems != first.num_task_problems:
        yield f"{first.num_problems:,} of the task's {first.num_task_problems:,} problems, spread evenly."
    if options.axis == "trajectories" and len(methods) > 1:
        yield (
            "A trajectory of one method need not cost what one of another does; to compare methods use --x tokens, "
            "flops or wall."
        )
    if options.axis == "flops":
        for method in methods:
            yield f"FLOPs of {method.label}: {model_sizes(method.runs[0], options.sizes).source}"
    if options.axis in ("gpu-seconds", "wall"):
        devices = {str(session["device"]) for each in methods for run in each.runs for session in run.record.sessions}
        yield f"Measured on {', '.join(sorted(devices)) or 'an unknown device'}." + (
            " MIXED devices: their seconds are not the same." if len(devices) > 1 else ""
        )


def _differences(methods: Sequence[Method]) -> list[str]:
    first = methods[0].runs[0].record
    others = [method.runs[0].record for method in methods[1:]]
    found = [(other.id, differences(first, other)) for other in others]
    return [f"{first.id} and {name} differ: {'; '.join(words)}" for name, words in found if words]
