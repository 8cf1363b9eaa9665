"""Expectations over subsets of k trajectories by looking at subsets: at all of them where there are few, else at draws.

For the rules whose totals are no whole numbers, which counting cannot do: `weighted`, and `top_k`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.ballots import Ballots
from rstar.seeds import derive

MOST_SUBSETS = 5000
"""Up to so many subsets are all looked at. Chosen, not tuned: C(64, 2) = 2016 and C(14, 7) = 3432 are among them."""
NUM_DRAWS = 1000
"""Otherwise so many are drawn: a standard error of at most 1.6 points for one problem, 0.3 for the mean of 30."""
_DIGITS = 9
"""Sums of weights that agree so far are a tie: the order of summation must not decide it."""


def all_subsets(cast: Ballots, size: int) -> NDArray[Any] | None:
    """Which ballots are in which subset of `size` trajectories, shape (subsets, ballots); None where they are many."""
    if math.comb(cast.num_trajectories, size) > MOST_SUBSETS:
        return None
    return _combinations(cast.num_trajectories, size)[:, cast.positions]


def draw_ranks(cast: Ballots, address: tuple[str | int, ...], num_draws: int) -> NDArray[Any]:
    """The place of each ballot in random orders of all trajectories, shape (draws, ballots), seeded by `address`.

    The ballots with a place below k are a random subset of k trajectories, so one set of orders serves all sizes.
    """
    generator = np.random.default_rng(derive(0, "subsets", *address))
    order = np.argsort(generator.random((num_draws, cast.num_trajectories), dtype=np.float32), axis=1)
    return order[:, cast.positions]


def is_right(cast: Ballots, rule: str, member: NDArray[Any], top_k: int) -> NDArray[Any]:
    """Whether `rule` chooses a right answer in each subset of `member`: shape (subsets,)."""
    if not cast.num_classes:
        return np.zeros(len(member), dtype=bool)
    if rule == "top_k":
        # Ballots stand by value; of equal values the earlier trajectory comes first here, whatever its class.
        order = np.lexsort((cast.positions, -cast.values))
        voting = np.zeros_like(member)
        voting[:, order] = member[:, order] & (np.cumsum(member[:, order], axis=1) <= top_k)
    else:
        voting = member
    weights = (cast.values + 1) / 2 if rule == "weighted" else np.ones(len(cast.values))
    of_class = cast.classes[:, None] == np.arange(cast.num_classes)
    votes = voting.astype(np.float64)
    totals = np.round(votes @ (of_class * weights[:, None]), _DIGITS)
    # A class of weight 0 may win, one without a vote may not.
    totals[votes @ of_class == 0] = -1.0
    # Of equal totals `argmax` takes the first class, which is the one that wins ties.
    winner = np.argmax(totals, axis=1)
    found: NDArray[Any] = _first_is_right(cast, member, winner) & (totals.max(axis=1) >= 0)
    return found


def _first_is_right(cast: Ballots, member: NDArray[Any], winner: NDArray[Any]) -> NDArray[Any]:
    """Whether the ballot of highest value in the winning class is right, per subset."""
    right = np.bincount(cast.classes, cast.is_correct, minlength=cast.num_classes)
    is_uniform = (right == 0) | (right == np.bincount(cast.classes, minlength=cast.num_classes))
    found: NDArray[Any]
    if is_uniform.all():
        # Nearly always: all members of a class have one verdict.
        found = right[winner] > 0
    else:
        found = cast.is_correct[np.argmax(member & (cast.classes[None, :] == winner[:, None]), axis=1)]
    return found


@lru_cache(maxsize=32)
def _combinations(num: int, size: int) -> NDArray[Any]:
    """Every subset of `size` of `num`, as rows of a mask."""
    chosen = np.array(list(combinations(range(num), size)))
    member = np.zeros((len(chosen), num), dtype=bool)
    member[np.arange(len(chosen))[:, None], chosen] = True
    return member
