"""How much of a pool the searches solved, by level, subject and difficulty, and whose labels are doubtful."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from rstar.synthesis.trees import ProblemTrees, difficulty_of

MIN_RIGHT_SHARE = 0.5
"""Synthetic problems with a smaller share of right trajectories are left out: paper, appendix A.1."""
DIFFICULTIES = ("easy", "medium", "hard")


class Counted(Protocol):
    """What coverage needs to know of a problem: a row of a shard, with or without its nodes."""

    @property
    def num_rollouts(self) -> int: ...
    @property
    def num_right(self) -> int: ...
    @property
    def is_synthetic(self) -> bool: ...


@dataclass(slots=True)
class Coverage:
    """Counts over problems, added one by one."""

    num_problems: int = 0
    num_solved: int = 0
    """With at least one right trajectory."""
    num_rollouts: int = 0
    num_right: int = 0
    num_noisy: int = 0
    """Synthetic problems that `is_noisy`."""
    difficulty: Counter[str] = field(default_factory=Counter)
    by_level: dict[str, Counter[str]] = field(default_factory=dict)
    """Level to `total`, `solved` and the difficulties."""
    by_subject: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, row: Counted, level: str, subject: str) -> None:
        """Count one problem."""
        is_solved, bin_ = row.num_right > 0, difficulty_of(row.num_right, row.num_rollouts)
        self.num_problems += 1
        self.num_solved += is_solved
        self.num_rollouts += row.num_rollouts
        self.num_right += row.num_right
        self.num_noisy += is_noisy(row)
        self.difficulty[bin_] += 1
        for groups, name in ((self.by_level, level), (self.by_subject, subject)):
            group = groups.setdefault(name or "-", Counter())
            group["total"] += 1
            group["solved"] += is_solved
            group[bin_] += 1

    @property
    def solved(self) -> float:
        """Share of the problems that were solved; 0 before the first."""
        return self.num_solved / self.num_problems if self.num_problems else 0.0

    def as_fields(self) -> dict[str, Any]:
        """All of it as JSON, groups in order of their names."""
        return {
            "num_problems": self.num_problems,
            "num_solved": self.num_solved,
            "coverage": self.solved,
            "num_rollouts": self.num_rollouts,
            "num_right": self.num_right,
            "num_noisy": self.num_noisy,
            "difficulty": {name: self.difficulty[name] for name in DIFFICULTIES},
            "by_level": _sorted(self.by_level),
            "by_subject": _sorted(self.by_subject),
        }


def _sorted(groups: dict[str, Counter[str]]) -> dict[str, dict[str, int]]:
    """Groups and counts in a fixed order, so that equal counts are equal files."""
    return {name: {key: groups[name][key] for key in ("total", "solved", *DIFFICULTIES)} for name in sorted(groups)}


def is_noisy(row: Counted) -> bool:
    """Whether the label of a problem is doubtful: a model wrote it, and less than half of its trajectories agree."""
    return row.is_synthetic and row.num_right < MIN_RIGHT_SHARE * row.num_rollouts


def without_noise(rows: Iterable[ProblemTrees], dropped: Counter[str]) -> Iterator[ProblemTrees]:
    """`rows` without the ones that `is_noisy`, which are counted in `dropped["noisy"]`."""
    for row in rows:
        if is_noisy(row):
            dropped["noisy"] += 1
        else:
            yield row
