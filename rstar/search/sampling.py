"""Independent samples: greedy (one, at temperature 0), self-consistency and best-of-N (many, and a rule over them).

Step by step, with the programs run in between, so that a sample is what one path of a tree is. The rule that picks the
answer is not part of the search: majority gives self-consistency, the highest value best-of-N, see `voting`.
"""

from __future__ import annotations

import time

from rstar.protocols import Classes, Clock, Interpreter, Policy, RewardModel
from rstar.search.config import SearchConfig
from rstar.search.independent import independent
from rstar.search.stepper import Stepper
from rstar.types import SearchResult, Trajectory
from tasks.answers import classes as answer_classes
from tasks.types import Problem


async def sample(
    problem: Problem,
    policy: Policy,
    reward: RewardModel,
    interpreter: Interpreter,
    config: SearchConfig,
    seed: int,
    *,
    clock: Clock = time.monotonic,
    classes: Classes = answer_classes,
) -> SearchResult:
    """`config.budget` independent trajectories, the reward model asked once about the end of each."""
    return await independent(_sample_one, problem, policy, reward, interpreter, config, seed, clock, classes)


async def _sample_one(stepper: Stepper, problem: Problem, number: int) -> tuple[Trajectory, float]:
    trajectory = Trajectory(problem)
    while trajectory.ending == "open":
        [step] = await stepper.continuations(trajectory, 1, (number, len(trajectory.steps)))
        trajectory = step.trajectory
    [value] = await stepper.values([trajectory])
    return trajectory, value
