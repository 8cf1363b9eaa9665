"""Step-level beam search under the reward model (the released `sft_eval_bs.yaml`: 8 beams, 8 candidates each).

All beams are continued, the candidates of all are judged together, and the best stay. One that is finished leaves the
beam with its place, so the beam narrows until nothing is open. Then, while the budget asks for more, the next beam
starts with new seeds. A beam in which everything failed gives one failed trajectory.

The first n trajectories are not what a beam of width n would have found: compare by tokens, not by n.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from rstar.ledger import Ledger
from rstar.protocols import Classes, Clock, Interpreter, Policy, RewardModel
from rstar.search.config import SearchConfig, whole
from rstar.search.finished import Finished
from rstar.search.stepper import FAILED, Stepper
from rstar.types import SearchResult, Trajectory
from tasks.answers import classes as answer_classes
from tasks.types import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamConfig(SearchConfig):
    """Settings of `beam_search`. Raises InputError, naming the field, for a value out of range."""

    width: int = 8
    """Beams. 8: released `sft_eval_bs.yaml`."""
    num_candidates: int = 8
    """Candidates for each beam. 8: the same."""

    def __post_init__(self) -> None:
        SearchConfig.__post_init__(self)
        whole(self, "width")
        whole(self, "num_candidates")


async def beam_search(
    problem: Problem,
    policy: Policy,
    reward: RewardModel,
    interpreter: Interpreter,
    config: BeamConfig,
    seed: int,
    *,
    clock: Clock = time.monotonic,
    classes: Classes = answer_classes,
) -> SearchResult:
    """Beams until `config.budget` trajectories are finished, those of one step in order of value."""
    stepper = Stepper(policy, reward, interpreter, config, seed, Ledger(clock))
    finished = Finished(problem, config, classes)
    number = 0
    while finished.stop is None:
        await _one_beam(problem, stepper, config, finished, number)
        number += 1
    return finished.result(stepper.num_duplicates)


async def _one_beam(problem: Problem, stepper: Stepper, config: BeamConfig, finished: Finished, number: int) -> None:
    beams, num_free, has_finished = [Trajectory(problem)], config.width, False
    while beams and finished.stop is None:
        last = await _continued(beams, stepper, config, number)
        values = await stepper.values(last)
        ranked = sorted(zip(values, last, strict=True), key=lambda pair: -pair[0])
        kept = [(value, each) for value, each in ranked if each.ending in ("open", "answered")][:num_free]
        beams = [each for _, each in kept if each.ending == "open"]
        for value, trajectory in kept:
            if trajectory.ending == "answered":
                finished.add(trajectory, value, stepper.ledger.usage())
                num_free, has_finished = num_free - 1, True
        if not beams and not has_finished:
            finished.add(last[0], FAILED, stepper.ledger.usage())


async def _continued(beams: list[Trajectory], stepper: Stepper, config: BeamConfig, number: int) -> list[Trajectory]:
    """All beams one step further, in the order of the beams."""
    requests = [
        stepper.continuations(beam, config.num_candidates, (number, len(beam.steps), index))
        for index, beam in enumerate(beams)
    ]
    return [step.trajectory for steps in await asyncio.gather(*requests) for step in steps]
