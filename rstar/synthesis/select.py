"""Which trajectories become SFT examples: per problem the two correct ones of highest average Q (paper, section 3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from rstar.synthesis.rollouts import Rollout
from rstar.synthesis.tree_pairs import Solution, distinct, solutions
from rstar.synthesis.trees import RIGHT, ProblemTrees

TOP = 2
"""Trajectories per problem: paper, section 3.4, and the released `extra_sft_file.py`."""


@dataclass(frozen=True, slots=True)
class Valued:
    """A trajectory and the Q of each of its steps."""

    rollout: Rollout
    q_values: tuple[float, ...]
    """Of each step's node: mean label, in [-1, 1], of all trajectories that begin with the steps up to it."""

    @property
    def average_q(self) -> float:
        """Mean of `q_values`."""
        return sum(self.q_values) / len(self.q_values)


def by_problem(rollouts: Iterable[Rollout]) -> list[list[Rollout]]:
    """The rollouts of each problem; those of one problem must stand together."""
    return [list(group) for _, group in groupby(rollouts, key=lambda each: each.id)]


def with_q_values(rollouts: Sequence[Rollout]) -> list[Valued]:
    """Q of every step in the tree that the rollouts of one problem make.

    Beginnings that do the same, in whatever words, are one node: the policies' comments vary, their code decides.
    Labels are +1 and -1, each counted as often as it was drawn; nothing else enters, so this is terminal-guided
    annotation (paper, section 3.2, rounds 1 and 2).
    """
    sums: dict[tuple[str, ...], tuple[float, int]] = {}
    paths = [each.path for each in rollouts]
    for each, path in zip(rollouts, paths, strict=True):
        label = each.count if each.is_correct else -each.count
        for depth in range(1, len(path) + 1):
            total, visits = sums.get(path[:depth], (0.0, 0))
            sums[path[:depth]] = (total + label, visits + each.count)
    return [
        Valued(each, tuple(_q(sums[path[:depth]]) for depth in range(1, len(path) + 1)))
        for each, path in zip(rollouts, paths, strict=True)
        if path
    ]


def select(rollouts: Sequence[Rollout], top: int = TOP) -> list[Valued]:
    """The `top` correct trajectories of one problem by (average Q, lowest Q), best first, none of them twice.

    Ties keep the order of the rollouts. Fewer where fewer are correct.
    """
    correct = [each for each in with_q_values(rollouts) if each.rollout.is_correct]
    return sorted(correct, key=lambda each: (-each.average_q, -min(each.q_values)))[:top]


def select_solutions(trees: ProblemTrees, top: int = TOP) -> list[Solution]:
    """The `top` right solutions of a problem's trees by (average Q, lowest Q), best first, no text twice.

    Solutions of all trees of all passes compete. Ties keep the order of the nodes.
    """
    right = [each for each in solutions(trees.nodes) if each.label == RIGHT]
    return distinct(trees.nodes, sorted(right, key=lambda each: (-each.average_q, -each.lowest_q)), top)


def _q(node: tuple[float, int]) -> float:
    return node[0] / node[1]
