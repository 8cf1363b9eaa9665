"""Searches whose trajectories do not look at each other: all at once for the engine, in fixed order for the result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rstar.ledger import Ledger, combined
from rstar.protocols import Classes, Clock, Interpreter, Policy, RewardModel
from rstar.search.config import SearchConfig
from rstar.search.finished import Finished
from rstar.search.stepper import Stepper
from rstar.types import SearchResult, Trajectory, Usage
from tasks.types import Problem

Descent = Callable[[Stepper, Problem, int], Awaitable[tuple[Trajectory, float]]]
"""Finishes trajectory number i: (stepper, problem, i) to its end and the value of that."""


@dataclass(frozen=True, slots=True)
class _End:
    trajectory: Trajectory
    value: float
    usage: Usage
    num_duplicates: int


async def independent(
    descent: Descent,
    problem: Problem,
    policy: Policy,
    reward: RewardModel,
    interpreter: Interpreter,
    config: SearchConfig,
    seed: int,
    clock: Clock,
    classes: Classes,
) -> SearchResult:
    """Run `descent` `config.budget` times side by side; trajectory i is the i-th whichever ended first.

    With an adaptive stop they run in waves of 1, 1, 2, 4, ..., so at most half of what was run was not needed; a wave's
    surplus is part of the cost.
    """
    start = clock()
    finished = Finished(problem, config, classes)
    usage, num_duplicates = Usage(), 0

    async def run(number: int) -> _End:
        stepper = Stepper(policy, reward, interpreter, config, seed, Ledger(clock, start))
        trajectory, value = await descent(stepper, problem, number)
        return _End(trajectory, value, stepper.ledger.usage(), stepper.num_duplicates)

    num_started = 0
    while finished.stop is None:
        wave = finished.num_left if config.stop == "never" else min(finished.num_left, max(1, num_started))
        for end in await asyncio.gather(*map(run, range(num_started, num_started + wave))):
            usage = combined(usage, end.usage)
            num_duplicates += end.num_duplicates
            finished.add(end.trajectory, end.value, usage)
        num_started += wave
    finished.usage_at[-1] = usage
    return finished.result(num_duplicates)
