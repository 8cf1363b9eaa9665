"""Particle filtering over reasoning steps (Puri et al. 2025): sample with the reward model as the likelihood.

All particles take a step; then as many are drawn with replacement, a particle with the chance of the odds of its value.
A finished particle stays in the draw, a failed one has no chance while another lives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from rstar.ledger import Ledger
from rstar.protocols import Classes, Clock, Interpreter, Policy, RewardModel
from rstar.search.config import SearchConfig
from rstar.search.finished import Finished
from rstar.search.stepper import Stepper
from rstar.seeds import generator
from rstar.types import SearchResult, Trajectory
from tasks.answers import classes as answer_classes
from tasks.types import InputError, Problem

CLIP = 1e-6
"""Distance that a probability keeps from 0 and 1, so that odds stay finite. Chosen, not tuned."""


async def particle_filter(
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
    """`config.budget` particles, in order; all have the cost of the whole, since they were resampled together.

    So a smaller budget has to be run, it is no prefix of a larger one. Raises InputError for an adaptive stop.
    """
    if config.stop != "never":
        raise InputError("search setting stop must be never for particle filtering: its particles end together")
    stepper = Stepper(policy, reward, interpreter, config, seed, Ledger(clock))
    particles, values = [Trajectory(problem)] * config.budget, [0.0] * config.budget
    depth = 0
    while any(each.ending == "open" for each in particles):
        particles, values = await _moved(particles, values, stepper, depth)
        if any(each.ending == "open" for each in particles):
            survivors = generator(seed, problem.id, "resample", depth).choices(
                range(len(particles)), odds(particles, values), k=len(particles)
            )
            particles, values = [particles[index] for index in survivors], [values[index] for index in survivors]
        depth += 1
    finished = Finished(problem, config, classes)
    for particle, value in zip(particles, values, strict=True):
        finished.add(particle, value, stepper.ledger.usage())
    return finished.result(stepper.num_duplicates)


def odds(particles: Sequence[Trajectory], values: Sequence[float]) -> list[float]:
    """p / (1 - p) of each particle, p = (value + 1) / 2; 0 for a failed one."""
    weights = []
    for particle, value in zip(particles, values, strict=True):
        prob = min(max((value + 1) / 2, CLIP), 1 - CLIP)
        weights.append(prob / (1 - prob) if particle.ending in ("open", "answered") else 0.0)
    return weights


async def _moved(
    particles: Sequence[Trajectory], values: Sequence[float], stepper: Stepper, depth: int
) -> tuple[list[Trajectory], list[float]]:
    """Every open particle one step further, and judged anew."""
    is_open = [each.ending == "open" for each in particles]
    steps = iter(
        await asyncio.gather(
            *(stepper.continuations(each, 1, (depth, index)) for index, each in enumerate(particles) if is_open[index])
        )
    )
    moved = [next(steps)[0].trajectory if is_open[index] else each for index, each in enumerate(particles)]
    judged = iter(await stepper.values([each for index, each in enumerate(moved) if is_open[index]]))
    return moved, [next(judged) if is_open[index] else value for index, value in enumerate(values)]
