"""Diverse verifier tree search: independent greedy descents under the reward model (Beeching et al. 2024).

Each descent draws a few candidates for the next step and takes the best-judged one. Unlike in the authors' code, which
returns the last candidates whether or not they are finished, a trajectory here is a finished one, one to a descent.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from rstar.protocols import Classes, Clock, Interpreter, Policy, RewardModel
from rstar.search.config import SearchConfig, whole
from rstar.search.independent import independent
from rstar.search.stepper import Stepper
from rstar.types import SearchResult, Trajectory
from tasks.answers import classes as answer_classes
from tasks.types import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class DvtsConfig(SearchConfig):
    """Settings of `dvts`. Raises InputError, naming the field, for a value out of range."""

    num_candidates: int = 4
    """Candidates for each step of a descent. 4: the authors' `beam_width`."""

    def __post_init__(self) -> None:
        SearchConfig.__post_init__(self)
        whole(self, "num_candidates")


async def dvts(
    problem: Problem,
    policy: Policy,
    reward: RewardModel,
    interpreter: Interpreter,
    config: DvtsConfig,
    seed: int,
    *,
    clock: Clock = time.monotonic,
    classes: Classes = answer_classes,
) -> SearchResult:
    """`config.budget` descents; the first n of them are the search at a budget of n."""

    async def descend(stepper: Stepper, problem: Problem, number: int) -> tuple[Trajectory, float]:
        best, value = Trajectory(problem), 0.0
        while best.ending == "open":
            steps = await stepper.continuations(best, config.num_candidates, (number, len(best.steps)))
            values = await stepper.values([step.trajectory for step in steps])
            judged = list(zip(values, (step.trajectory for step in steps), strict=True))
            # A failed step is taken only where all failed.
            alive = [pair for pair in judged if pair[1].ending in ("open", "answered")]
            value, best = max(alive or judged, key=lambda pair: pair[0])
        return best, value

    return await independent(descend, problem, policy, reward, interpreter, config, seed, clock, classes)
