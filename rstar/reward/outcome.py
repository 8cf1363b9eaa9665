"""Two rewards for one search: one judges the steps on the way, the other one where a solution ends.

An outcome reward model (ORM) is a `TransformersPPM` that was trained on whole solutions: the same head, the same
convention, tanh(logit / scale) at the last token. Best-of-N asks it alone. In a tree it judges the answers, beside a
PPM for the steps; that is also how labels and a PPM go together when training data is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rstar.protocols import RewardModel
from rstar.types import Scores, Trajectory

_NOTHING = Scores((), 0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class StepsAndEnds:
    """A `RewardModel` that hands open trajectories to `steps` and finished ones to `ends`."""

    steps: RewardModel
    ends: RewardModel

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """One value per trajectory, in order, each from the reward that its ending asks for; costs add up."""
        is_open = [trajectory.ending == "open" for trajectory in trajectories]
        asked = list(zip(trajectories, is_open, strict=True))
        steps = await self.steps.score([each for each, is_step in asked if is_step]) if any(is_open) else _NOTHING
        ends = await self.ends.score([each for each, is_step in asked if not is_step]) if not all(is_open) else _NOTHING
        step_values, end_values = iter(steps.values), iter(ends.values)
        return Scores(
            tuple(next(step_values if is_step else end_values) for is_step in is_open),
            steps.tokens + ends.tokens,
            steps.cached_tokens + ends.cached_tokens,
            steps.seconds + ends.seconds,
        )
