"""Settings that every search has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tasks.types import InputError

StopRule = Literal["never", "certain", "posterior"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """What every search is told. Raises InputError, naming the field, for a value out of range."""

    budget: int = 16
    """Trajectories to finish. 16: the paper's default on AIME and AMC (8 elsewhere)."""
    max_depth: int = 16
    """Steps of a solution before it is given up. 16: paper, appendix A.1, and the released configurations."""
    temperature: float = 1.0
    """Of the policy's sampling; 0 is greedy. 1.0: released `sft_eval_mcts.yaml`."""
    errors_threshold: int = 1
    """Failed programs in a row that end a trajectory. 1: released configurations of rounds 2-4 and of the test."""
    stop: StopRule = "never"
    """When to end before the budget is spent, see `rstar.search.stopping`."""

    def __post_init__(self) -> None:
        for name in ("budget", "max_depth", "errors_threshold"):
            whole(self, name)
        not_negative(self, "temperature")
        if self.stop not in ("never", "certain", "posterior"):
            raise InputError(f"search setting stop = {self.stop!r} is unknown; use never, certain or posterior")


def whole(config: SearchConfig, name: str) -> None:
    """Raise the InputError for a field that is not a whole number of at least 1."""
    value = getattr(config, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"search setting {name} = {value!r} is out of range; use a whole number of at least 1")


def not_negative(config: SearchConfig, name: str) -> None:
    """Raise the InputError for a field that is not a finite number of at least 0."""
    value = getattr(config, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise InputError(f"search setting {name} = {value!r} is out of range; use a number of at least 0")
