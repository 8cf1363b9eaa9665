"""How often the reward ranks a step that leads nowhere above one that leads to a right answer, by depth.

A *decision* is one call in which the search let the reward judge several continuations side by side: the children of a
node (MCTS, DVTS), the candidates of all beams, all particles. Of some continuations the outcome is known: a finished
trajectory passes through them, or they are themselves an answer that the record judged. Such a continuation is *good*
where a right answer lies on it or below it. Over the decisions in which at least two outcomes are known:

    regret = mean over decisions of (is any known one good?) - (is the one that the reward ranks first good?)

the known continuations only. 0: whenever the search found a right answer below one of them, it was below the one ranked
first. It says what was found, not what could have been: a continuation under which nothing right was found counts as
not good, and one that the search did not enter is left out. `random` is the regret of a choice by lot among the same.

The trees are grown again from the journals that `--trees full` keeps: the same search, answered from the journal, with
no model (`rstar.journal`). A search that keeps no journal has no regret by depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.kept_searches import Call, grow_again, kept_journal
from harness.metrics import wilson
from harness.records import ProblemRecord
from harness.run_folder import RunRecord
from harness.spec import NO_REWARD
from rstar.prompts import solution_text, step_text
from rstar.seeds import derive
from rstar.types import SearchResult, Trajectory


@dataclass(frozen=True, slots=True)
class DepthRegret:
    """All decisions among continuations of one length. Shares are 0 to 1."""

    depth: int
    """Steps of the continuations; 1 is the first step. Where a call judged several lengths, the longest."""
    num_decisions: int
    num_problems: int
    oracle: float
    """Share of the decisions in which a known continuation is good."""
    picked: float
    """Share in which the one ranked first is."""
    random: float
    """Expected share for a choice by lot."""
    low: float
    """95 % interval of the regret, clustered by problem."""
    high: float

    @property
    def regret(self) -> float:
        """What the reward's ranking lost."""
        return self.oracle - self.picked


@dataclass(frozen=True, slots=True)
class RegretByDepth:
    """The regret of a run's reward, or the reason why there is none."""

    depths: tuple[DepthRegret, ...]
    num_searches: int
    """Searches whose trees were grown again."""
    reason: str = ""
    """Why `depths` is empty; empty where it is not."""

    def for_json(self) -> dict[str, Any]:
        """Everything, with names that stay."""
        names = ("depth", "num_decisions", "num_problems", "oracle", "picked", "random", "regret")
        return {
            "searches": self.num_searches,
            "reason": self.reason,
            "depths": [
                {name: getattr(each, name) for name in names} | {"interval_95": [each.low, each.high]}
                for each in self.depths
            ],
        }


@dataclass(slots=True)
class _Tally:
    """Sums over decisions of one depth, by problem: a problem's decisions hang together."""

    num: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    oracle: int = 0
    picked: int = 0
    random: float = 0.0

    def add(self, problem_id: str, values: Sequence[float], is_good: Sequence[bool]) -> None:
        # The first of equal values, as a search takes it.
        first = max(range(len(values)), key=lambda index: values[index])
        self.num[problem_id] = self.num.get(problem_id, 0) + 1
        self.lost[problem_id] = self.lost.get(problem_id, 0) + (any(is_good) and not is_good[first])
        self.oracle += any(is_good)
        self.picked += is_good[first]
        self.random += sum(is_good) / len(is_good)

    def result(self, depth: int) -> DepthRegret:
        total = sum(self.num.values())
        low, high = _interval(list(self.lost.values()), list(self.num.values()))
        return DepthRegret(
            depth, total, len(self.num), self.oracle / total, self.picked / total, self.random / total, low, high
        )


@dataclass(slots=True)
class TreeRegret:
    """Collects the regret of one run, record by record."""

    folder: Path
    run: RunRecord
    max_searches: int
    """About as many are taken of a larger run, by chance that anyone can repeat: whatever the records' order."""
    num_searches: int = 0
    _tallies: dict[int, _Tally] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Why no tree can be grown again; empty where it can."""
        spec = self.run.spec
        if spec.ppm == NO_REWARD:
            return "the run has no reward model"
        if spec.trees != "full":
            return f"the run kept no trees (--trees {spec.trees}); run it with --trees full"
        return ""

    def add(self, record: ProblemRecord) -> None:
        """Grow the trees of one record again and count their decisions, if it is taken and its journal was kept."""
        if self.reason or not self._is_taken(record):
            return
        kept = kept_journal(self.folder, record.problem_id, record.seed)
        if kept is None:
            return
        result, calls = grow_again(kept, record, self.run)
        self.num_searches += 1
        outcomes = _Outcomes.of(result, record)
        for call in calls:
            self._count(record.problem_id, call, outcomes)

    def by_depth(self) -> RegretByDepth:
        """What was collected, by depth."""
        depths = tuple(tally.result(depth) for depth, tally in sorted(self._tallies.items()))
        if depths:
            return RegretByDepth(depths, self.num_searches)
        reason = self.reason or (
            "no journals are there"
            if not self.num_searches
            else f"method {self.run.spec.method} judged no two continuations side by side whose outcomes are known"
        )
        return RegretByDepth((), self.num_searches, reason)

    def _is_taken(self, record: ProblemRecord) -> bool:
        place = derive(0, "regret", record.problem_id, record.seed)
        return place * self.run.num_records < self.max_searches << 63

    def _count(self, problem_id: str, call: Call, outcomes: _Outcomes) -> None:
        known = [
            (value, good)
            for trajectory, value in zip(call.trajectories, call.values, strict=True)
            if (good := outcomes.is_good(trajectory)) is not None
        ]
        if len(known) < 2:
            return
        depth = max(len(trajectory.steps) for trajectory in call.trajectories)
        values, is_good = [value for value, _ in known], [good for _, good in known]
        self._tallies.setdefault(depth, _Tally()).add(problem_id, values, is_good)


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """What became of partial solutions: by text, since two paths of the same text are the same state."""

    entered: frozenset[str]
    good: frozenset[str]
    verdicts: dict[str, bool]
    """Answer to whether it is right."""

    @classmethod
    def of(cls, result: SearchResult, record: ProblemRecord) -> _Outcomes:
        verdicts = {answer.text: answer.verdict == "correct" for answer in record.answers}
        entered: set[str] = set()
        good: set[str] = set()
        for trajectory in result.trajectories:
            prefixes = _prefixes(trajectory)
            entered.update(prefixes)
            if trajectory.answer is not None and verdicts[trajectory.answer]:
                good.update(prefixes)
        return cls(frozenset(entered), frozenset(good), verdicts)

    def is_good(self, trajectory: Trajectory) -> bool | None:
        """Whether a right answer lies on or below it; None where that is not known."""
        if trajectory.answer is not None:
            return self.verdicts.get(trajectory.answer)
        text = solution_text(trajectory)
        return text in self.good if text in self.entered else None


def _prefixes(trajectory: Trajectory) -> list[str]:
    """The solution after each step, shortest first."""
    prefixes, text = [], ""
    for step in trajectory.steps:
        text += step_text(step)
        prefixes.append(text)
    return prefixes


def _interval(lost: Sequence[int], num: Sequence[int]) -> tuple[float, float]:
    """Wilson's interval of sum(lost) / sum(num), with problems as clusters.

    The effective number of decisions is R (1 - R) over the variance of a ratio estimate (Cochran 1977, eq. 6.13), at
    least 1 and at most all decisions; where every cluster has the same ratio it is the number of clusters.
    """
    total, clusters = sum(num), len(num)
    ratio = sum(lost) / total
    squares = sum((part - ratio * size) ** 2 for part, size in zip(lost, num, strict=True))
    if clusters < 2 or squares == 0:
        return wilson(ratio, clusters)
    variance = squares * clusters / (clusters - 1) / total**2
    return wilson(ratio, min(float(total), max(1.0, ratio * (1 - ratio) / variance)))
