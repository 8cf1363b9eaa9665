"""The finished trajectories of one search, and when there are enough of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rstar.protocols import Classes
from rstar.search.config import SearchConfig
from rstar.search.stopping import is_decided
from rstar.search.tree import Node
from rstar.types import SearchResult, StopReason, Trajectory, Usage
from tasks.types import Problem


@dataclass(slots=True)
class Finished:
    """Collects trajectories in order of completion until the budget is met or the answer is decided."""

    problem: Problem
    config: SearchConfig
    classes: Classes
    trajectories: list[Trajectory] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    usage_at: list[Usage] = field(default_factory=list)
    stop: StopReason | None = None
    """Why no more is needed; None while more is."""

    def add(self, trajectory: Trajectory, value: float, usage: Usage) -> None:
        """Take one more trajectory; those beyond the budget or after the decision are not taken."""
        if self.stop is not None:
            return
        self.trajectories.append(trajectory)
        self.values.append(value)
        self.usage_at.append(usage)
        if self.num_left == 0:
            self.stop = "budget"
        elif self.config.stop != "never":
            answers = [each.answer for each in self.trajectories]
            if is_decided(self.config.stop, answers, self.num_left, self.classes):
                self.stop = self.config.stop

    @property
    def num_left(self) -> int:
        """Trajectories of the budget that are still to come."""
        return self.config.budget - len(self.trajectories)

    def result(self, num_duplicates: int = 0, trees: Sequence[Node] = ()) -> SearchResult:
        """The search's result; what stopped it must be known by now."""
        assert self.stop is not None, "the search has not ended"
        return SearchResult(
            problem_id=self.problem.id,
            trajectories=tuple(self.trajectories),
            values=tuple(self.values),
            usage_at=tuple(self.usage_at),
            budget=self.config.budget,
            stop=self.stop,
            num_duplicates=num_duplicates,
            trees=tuple(trees),
        )
