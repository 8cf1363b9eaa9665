"""Exact expectations over all subsets of k trajectories, by counting subsets instead of drawing them.

A subset of k of the N recorded trajectories is as likely as any other, so the number of class members in it follows
the multivariate hypergeometric law, and the chance that a rule is right is a count of subsets over C(N, k).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.ballots import Ballots

MOST_TRAJECTORIES = 1000
"""Binomial coefficients of larger numbers do not fit a float (C(1030, 515) > 1.8e308)."""


def oracle_at(cast: Ballots, sizes: Sequence[int]) -> NDArray[Any]:
    """pass@k for each k of `sizes`: the chance that a subset holds a right answer. See `metrics.pass_at_k`."""
    from harness.metrics import pass_at_k

    return np.array([pass_at_k(cast.num_trajectories, cast.num_correct, size) for size in sizes])


def best_at(cast: Ballots, sizes: Sequence[int]) -> NDArray[Any]:
    """best@k for each k of `sizes`: the chance that the first ballot of a subset, by value, is right.

    The ballot of rank r is first in C(N - r - 1, k - 1) of the C(N, k) subsets: those without any of the r before it.
    """
    choose = _binomials(cast.num_trajectories)
    ranks = np.flatnonzero(cast.is_correct)
    behind = cast.num_trajectories - ranks - 1
    return np.array([choose[behind, size - 1].sum() / choose[cast.num_trajectories, size] for size in sizes])


def majority_at(cast: Ballots, sizes: Sequence[int]) -> NDArray[Any]:
    """maj@k for each k of `sizes`: the chance that the vote of a subset chooses a right answer, ties as in a search.

    For each class that holds a right answer and each number of votes m for it, counts the subsets in which no other
    class has more, or as many where it would win the tie.
    """
    choose = _binomials(cast.num_trajectories)
    counts = np.bincount(cast.classes, minlength=cast.num_classes)
    total: NDArray[Any] = np.zeros(len(sizes))
    for number in np.unique(cast.classes[cast.is_correct]):
        votes = np.arange(1, min(int(counts[number]), max(sizes)) + 1)
        others, free = _others(counts, int(number), votes, cast.num_blank, max(sizes), choose)
        weight = choose[counts[number], votes] * _right_given_votes(cast, int(number), votes, choose)
        total += [_num_subsets(others, free, votes, weight, size, choose) for size in sizes]
    total /= choose[cast.num_trajectories, list(sizes)]
    return total


def _others(
    counts: NDArray[Any], number: int, votes: NDArray[Any], num_blank: int, largest: int, choose: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Ways to draw j votes for the classes that `number` with `votes` must keep below it: shape (votes, j).

    Beside it: trajectories that may be drawn in any number, per entry of `votes`.
    """
    ways = np.zeros((len(votes), largest + 1))
    ways[:, 0] = 1.0
    free = np.full(len(votes), num_blank)
    for other, size in enumerate(counts):
        if other == number:
            continue
        # A class with the smaller number wins a tie.
        most = votes - 1 if other < number else votes
        is_bound = size > most
        free += np.where(is_bound, 0, size)
        # `most` ascends, so the bound rows come first.
        bound = int(is_bound.sum())
        if not bound:
            continue
        before = ways[:bound].copy()
        for drawn in range(1, min(int(most[bound - 1]), largest) + 1):
            first = int(np.searchsorted(most[:bound], drawn))
            ways[first:bound, drawn:] += choose[size, drawn] * before[first:, : largest + 1 - drawn]
    return ways, free


def _right_given_votes(cast: Ballots, number: int, votes: NDArray[Any], choose: NDArray[Any]) -> NDArray[Any]:
    """The chance that the first of m random members of a class is right: 1 unless its members' verdicts differ."""
    members = cast.is_correct[cast.classes == number]
    if members.all():
        return np.ones(len(votes))
    behind = len(members) - np.flatnonzero(members) - 1
    found: NDArray[Any] = choose[behind[:, None], votes[None, :] - 1].sum(axis=0) / choose[len(members), votes]
    return found


def _num_subsets(
    others: NDArray[Any], free: NDArray[Any], votes: NDArray[Any], weight: NDArray[Any], size: int, choose: NDArray[Any]
) -> float:
    """Subsets of `size` trajectories in which the class wins, weighted by `weight` per number of votes."""
    rows = votes <= size
    left = size - votes[rows, None] - np.arange(others.shape[1])
    rest = np.where(left >= 0, choose[free[rows, None], np.maximum(left, 0)], 0.0)
    return float(weight[rows] @ (others[rows] * rest).sum(axis=1))


@lru_cache(maxsize=8)
def _binomials(largest: int) -> NDArray[Any]:
    """C(n, k) for all n and k up to `largest`, zero where k > n."""
    table: NDArray[Any] = np.zeros((largest + 1, largest + 1))
    for number in range(largest + 1):
        table[number, : number + 1] = [math.comb(number, taken) for taken in range(number + 1)]
    return table
