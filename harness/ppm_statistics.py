"""What a value model is worth, from its scores of labelled search trees. Counting only; the model is asked elsewhere.

Per problem the solutions are taken in the order in which the search finished them, so the first N of them are what a
search of budget N had to choose from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from harness.metrics import Estimate, accuracy
from rstar.synthesis.pairs import PairSettings
from rstar.synthesis.tree_pairs import node_pairs
from rstar.synthesis.trees import RIGHT, ProblemTrees
from rstar.training.calibration import Calibration, calibration

Values = Mapping[int, float]
"""Node to the model's value, in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class PairLine:
    """Pairs of one rule and depth."""

    rule: str
    depth: int
    num_pairs: int
    accuracy: float
    """Weighted share whose better one scores higher; ties count as wrong."""


@dataclass(frozen=True, slots=True)
class DepthLine:
    """Values after so many steps, of solutions that end right and that end wrong."""

    depth: int
    num_right: int
    num_wrong: int
    right: float
    """Mean value; NaN for none."""
    wrong: float
    drift: float
    """Mean change of the value from the step before, over all of them; 0 at the first."""


@dataclass(frozen=True, slots=True)
class ChoiceLine:
    """Which of the first `budget` solutions is taken, and how often it is right."""

    budget: int
    best: Estimate
    """The highest value."""
    majority: Estimate
    """The most frequent answer, the first of equals."""
    weighted: Estimate
    """The answer of the largest sum of (value + 1) / 2."""
    oracle: Estimate
    """Any of them."""

    @property
    def regret(self) -> float:
        """What `best` loses to the oracle, 0 to 1."""
        return self.oracle.value - self.best.value


@dataclass(frozen=True, slots=True)
class PpmReport:
    """All of it."""

    num_problems: int
    num_solutions: int
    pairs: tuple[PairLine, ...]
    ends: Calibration
    """Of (value + 1) / 2 at answers, against their labels."""
    steps: Calibration
    """Of (value + 1) / 2 at open steps, against the share of right answers below."""
    depths: tuple[DepthLine, ...]
    choices: tuple[ChoiceLine, ...]


@dataclass(slots=True)
class PpmCounts:
    """Sums over problems, added one by one."""

    budgets: Sequence[int]
    settings: PairSettings = field(default_factory=PairSettings)
    num_problems: int = 0
    num_solutions: int = 0
    _pairs: dict[tuple[str, int], list[tuple[float, bool]]] = field(default_factory=lambda: defaultdict(list))
    _ends: list[tuple[float, float]] = field(default_factory=list)
    _steps: list[tuple[float, float]] = field(default_factory=list)
    _depths: dict[int, list[tuple[bool, float, float]]] = field(default_factory=lambda: defaultdict(list))
    _chosen: dict[tuple[int, str], list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, trees: ProblemTrees, values: Values) -> None:
        """Count one problem; `values` has the nodes that `wanted` names."""
        self.num_problems += 1
        for pair in node_pairs(trees, self.settings):
            self._pairs[pair.rule, pair.depth].append((pair.weight, values[pair.chosen] > values[pair.rejected]))
        ends = finished(trees)
        self.num_solutions += len(ends)
        self._add_paths(trees, ends, values)
        for budget in self.budgets:
            for rule, is_right in _choices(trees, ends[:budget], values).items():
                self._chosen[budget, rule].append(is_right)

    def report(self) -> PpmReport:
        """The figures. Raises ValueError without problems."""
        pairs = tuple(
            PairLine(rule, depth, len(found), sum(w for w, good in found if good) / sum(w for w, _ in found))
            for (rule, depth), found in sorted(self._pairs.items())
        )
        choices = tuple(
            ChoiceLine(
                budget,
                *(accuracy(self._chosen[budget, rule], 1) for rule in ("best", "majority", "weighted", "oracle")),
            )
            for budget in self.budgets
        )
        depths = tuple(_depth_line(depth, found) for depth, found in sorted(self._depths.items()))
        return PpmReport(
            self.num_problems,
            self.num_solutions,
            pairs,
            calibration(*_columns(self._ends)),
            calibration(*_columns(self._steps)),
            depths,
            choices,
        )

    def _add_paths(self, trees: ProblemTrees, ends: Sequence[int], values: Values) -> None:
        nodes = trees.nodes
        below: dict[int, list[float]] = defaultdict(list)
        for end in ends:
            path, is_right = nodes.path(end), nodes.label[end] == RIGHT
            before = None
            for depth, node in enumerate(path, 1):
                value = values[node]
                self._depths[depth].append((is_right, value, 0.0 if before is None else value - before))
                below[node].append(float(is_right))
                before = value
            if nodes.answer[end] is not None:
                self._ends.append(((values[end] + 1) / 2, float(is_right)))
        self._steps += [
            ((values[node] + 1) / 2, fmean(found)) for node, found in below.items() if nodes.answer[node] is None
        ]


def finished(trees: ProblemTrees) -> list[int]:
    """The nodes at which the search's solutions ended with an answer, in order."""
    nodes = trees.nodes
    ends = [node for node, number in enumerate(nodes.rollout) if number >= 0 and nodes.answer[node] is not None]
    return sorted(ends, key=lambda node: nodes.rollout[node])


def wanted(trees: ProblemTrees, settings: PairSettings) -> list[int]:
    """The nodes whose values `PpmCounts.add` needs."""
    found = {node for end in finished(trees) for node in trees.nodes.path(end)}
    for pair in node_pairs(trees, settings):
        found |= {pair.chosen, pair.rejected}
    return sorted(found)


def _choices(trees: ProblemTrees, ends: Sequence[int], values: Values) -> dict[str, int]:
    """Rule to 1 where what it takes is right; all 0 where nothing is there."""
    nodes = trees.nodes
    if not ends:
        return dict.fromkeys(("best", "majority", "weighted", "oracle"), 0)
    votes: dict[str, int] = defaultdict(int)
    weights: dict[str, float] = defaultdict(float)
    right: dict[str, bool] = {}
    for end in ends:
        answer = nodes.answer[end] or ""
        votes[answer] += 1
        weights[answer] += (values[end] + 1) / 2
        right[answer] = nodes.label[end] == RIGHT
    taken = {
        "best": nodes.answer[max(ends, key=lambda end: values[end])] or "",
        "majority": max(votes, key=lambda answer: votes[answer]),
        "weighted": max(weights, key=lambda answer: weights[answer]),
    }
    return {rule: int(right[answer]) for rule, answer in taken.items()} | {"oracle": int(any(right.values()))}


def _depth_line(depth: int, found: Sequence[tuple[bool, float, float]]) -> DepthLine:
    right = [value for is_right, value, _ in found if is_right]
    wrong = [value for is_right, value, _ in found if not is_right]
    nan = float("nan")
    return DepthLine(
        depth,
        len(right),
        len(wrong),
        fmean(right) if right else nan,
        fmean(wrong) if wrong else nan,
        fmean(drift for _, _, drift in found),
    )


def _columns(found: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [prob for prob, _ in found], [outcome for _, outcome in found]
