"""Labels as rewards, for making training data: the only place where a reference answer meets a search.

An evaluation never comes here: `AnswerReward` refuses a task whose role is not "train".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rstar.reward.outcome import StepsAndEnds
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


class StepsAndLabels(StepsAndEnds):
    """PPM-augmented annotation (paper, section 3.2, rounds 3 and 4): a PPM judges open steps, labels judge answers."""
