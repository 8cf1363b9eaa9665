"""Labels as rewards, for making training data: the only place where a reference answer meets a search.

An evaluation never comes here: `AnswerReward` refuses a task whose role is not "train".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rstar.protocols import RewardModel
from rstar.types import Scores, Trajectory
from tasks.types import Grade, InputError, Reference, Task, Verdict

Grader = Callable[[str | None, Reference], Grade]
"""(predicted answer, reference) to verdict; never raises."""
CORRECT, WRONG = 1.0, -1.0
"""Labels of a finished trajectory: paper, section 3.2, and the released `positive_reward`, `negative_reward`."""


@dataclass(slots=True)
class AnswerReward:
    """+1 for a finished trajectory whose answer is right, -1 for any other verdict; `verdicts` keeps them apart.

    Raises InputError when made for a task that is not for training.
    """

    task: Task
    grade: Grader
    verdicts: Counter[Verdict] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.task.role != "train":
            raise InputError(
                f"task {self.task.name} has the role {self.task.role!r}: its answers may not guide a search; "
                "use a task with the role 'train', or a reward model"
            )

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """The label of each trajectory. Raises ValueError for one that is still open: it has no answer to judge."""
        return Scores(tuple(self._label(trajectory) for trajectory in trajectories), 0, 0, 0.0)

    def _label(self, trajectory: Trajectory) -> float:
        if trajectory.ending == "open":
            raise ValueError(f"{trajectory.problem.id}: an open trajectory has no label; set scores_steps to False")
        verdict = self.grade(trajectory.answer, self.task.answers[trajectory.problem.id]).verdict
        self.verdicts[verdict] += 1
        return CORRECT if verdict == "correct" else WRONG


@dataclass(frozen=True, slots=True)
class StepsAndLabels:
    """PPM-augmented annotation (paper, section 3.2, rounds 3 and 4): a PPM judges open steps, labels judge answers."""

    steps: RewardModel
    labels: RewardModel

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """One value per trajectory, in order, each from the reward that its ending asks for."""
        is_open = [trajectory.ending == "open" for trajectory in trajectories]
        asked = list(zip(trajectories, is_open, strict=True))
        nothing = Scores((), 0, 0, 0.0)
        steps = await self.steps.score([each for each, is_step in asked if is_step]) if any(is_open) else nothing
        labels = (
            await self.labels.score([each for each, is_step in asked if not is_step]) if not all(is_open) else nothing
        )
        step_values, label_values = iter(steps.values), iter(labels.values)
        return Scores(
            tuple(next(step_values if is_step else label_values) for is_step in is_open),
            steps.tokens + labels.tokens,
            steps.cached_tokens + labels.cached_tokens,
            steps.seconds + labels.seconds,
        )
