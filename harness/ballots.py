"""One record's trajectories as ballots: who votes for which class of answers, with which value, and who is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records import ProblemRecord
from rstar.seeds import derive


@dataclass(frozen=True, slots=True)
class Ballots:
    """The trajectories of one record that have an answer, and how many there are in all.

    Arrays have one entry per ballot, in the order in which `best` would take them: highest value first, of equal
    values the class that wins ties, then the earlier trajectory. So of any subset the first ballot is what `best`
    chooses, and the first ballot of a class is what a vote for that class chooses.
    """

    num_trajectories: int
    num_correct: int
    """Trajectories with a right answer, 0 to `num_trajectories`."""
    classes: NDArray[np.int64]
    """0 to `num_classes - 1`; of two classes with the same total the smaller number wins."""
    values: NDArray[np.float64]
    """In [-1, 1]."""
    is_correct: NDArray[np.bool_]
    positions: NDArray[np.int64]
    """Place of the trajectory in order of completion."""
    num_classes: int

    @property
    def num_blank(self) -> int:
        """Trajectories without a vote."""
        return self.num_trajectories - len(self.classes)


def ballots(record: ProblemRecord) -> Ballots:
    """The ballots of a record; ties are broken as `rstar.search.voting` does, by the hash of a class's first answer."""
    answers = record.answers
    voting = [
        (place, each) for place, each in enumerate(record.answer_of) if each is not None and answers[each].number >= 0
    ]
    hashes: dict[int, int] = {}
    for _, each in voting:
        answer = answers[each]
        if answer.number not in hashes:
            hashes[answer.number] = derive(record.seed, record.problem_id, answer.text)
    rank = {number: place for place, number in enumerate(sorted(hashes, key=lambda number: hashes[number]))}
    rows = sorted(
        (-record.values[place], rank[answers[each].number], place, answers[each].verdict == "correct")
        for place, each in voting
    )
    table: NDArray[Any] = np.array(rows, dtype=np.float64).reshape(len(rows), 4)
    right = [answer.verdict == "correct" for answer in answers]
    return Ballots(
        num_trajectories=len(record.values),
        num_correct=sum(right[each] for each in record.answer_of if each is not None),
        classes=table[:, 1].astype(np.int64),
        values=-table[:, 0],
        is_correct=table[:, 3].astype(np.bool_),
        positions=table[:, 2].astype(np.int64),
        num_classes=len(rank),
    )
