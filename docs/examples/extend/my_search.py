"""A search is a coroutine over one problem. This one keeps the best-judged candidate of each step, and goes on.

python docs/examples/extend/my_search.py run --method follow-the-judge --task procedural --limit 4 --budgets 1,2
"""

import sys
import time

from harness.cli import main
from rstar.protocols import Classes, Clock, Interpreter, Policy, RewardModel
from rstar.search.config import SearchConfig
from rstar.search.independent import independent
from rstar.search.presets import METHODS, Method
from rstar.search.stepper import Stepper
from rstar.types import SearchResult, Trajectory
from tasks.answers import classes as answer_classes
from tasks.types import Problem

WIDTH = 4
"""Candidates at each step."""


async def follow_the_judge(
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
    """`config.budget` descents side by side; seeds, the ledger and adaptive stops come with `independent`."""
    return await independent(_descend, problem, policy, reward, interpreter, config, seed, clock, classes)


async def _descend(stepper: Stepper, problem: Problem, number: int) -> tuple[Trajectory, float]:
    trajectory, value = Trajectory(problem), 0.0
    while trajectory.ending == "open":
        steps = await stepper.continuations(trajectory, WIDTH, (number, len(trajectory.steps)))
        values = await stepper.values([step.trajectory for step in steps])
        value, best = max(zip(values, range(len(steps)), strict=True))
        trajectory = steps[best].trajectory
    return trajectory, value


METHODS["follow-the-judge"] = Method(follow_the_judge, SearchConfig)

if __name__ == "__main__":
    main(sys.argv[1:])
