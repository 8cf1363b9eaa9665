"""Labels for one problem's search: the reference answer enters here, as +1 and -1, and goes no further.

A search is handed a `RewardModel` and can only call `score`. Problem, policy, interpreter and settings hold no answer,
and neither does what the search gives back (a test walks all of it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rstar.protocols import RewardModel
from rstar.reward.answer_reward import AnswerReward, Grader, StepsAndLabels
from rstar.types import Scores, Trajectory
from tasks.types import Grade, Problem, Reference, Source, Task


@dataclass(slots=True)
class Labels:
    """`AnswerReward` for one problem. Each different answer is graded once, in a thread: no engine waits for it."""

    problem: Problem
    reference: Reference
    grade: Grader
    _known: dict[str | None, Grade] = field(default_factory=dict)
    _reward: AnswerReward = field(init=False)

    def __post_init__(self) -> None:
        task = Task(
            "synthesis",
            "1",
            "train",
            Source("pool", "0" * 64, "unknown"),
            (self.problem,),
            {self.problem.id: self.reference},
        )
        self._reward = AnswerReward(task, lambda answer, _: self._known[answer])

    @property
    def num_grader_errors(self) -> int:
        """Different answers that the grader failed on; they count as wrong."""
        return sum(each.verdict == "grader_error" for each in self._known.values())

    @property
    def grades(self) -> Mapping[str | None, Grade]:
        """What is known of each answer that was asked about."""
        return self._known

    def learn(self, grades: Mapping[str | None, Grade]) -> None:
        """Take over what labels of the same problem have found out elsewhere."""
        self._known.update(grades)

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """+1 or -1 for each finished trajectory."""
        new = {each.answer for each in trajectories if each.ending != "open"} - self._known.keys()
        for answer in sorted(new, key=str):
            self._known[answer] = await asyncio.to_thread(self._graded, answer)
        return await self._reward.score(trajectories)

    def _graded(self, answer: str | None) -> Grade:
        try:
            return self.grade(answer, self.reference)
        except Exception as error:  # noqa: BLE001 - the border around one grading: it becomes a named value
            return Grade("grader_error", answer, self.reference, f"{type(error).__name__}: {error}")


def guided_by(labels: Labels, ppm: RewardModel | None) -> RewardModel:
    """Terminal-guided annotation without a PPM (rounds 1 and 2), PPM-augmented with one (rounds 3 and 4)."""
    return labels if ppm is None else StepsAndLabels(ppm, labels)
