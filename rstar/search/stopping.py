"""When a problem's answer is decided before its budget is spent. Both rules look at the majority vote."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from rstar.protocols import Classes
from rstar.search.config import StopRule

MIN_POSTERIOR = 0.95
"""Chance that the leading answer is the more frequent of the two best. Source: Adaptive-Consistency (Aggarwal et al.
2023), whose default threshold this is."""


def is_decided(rule: StopRule, answers: Sequence[str | None], num_left: int, classes: Classes) -> bool:
    """Whether `num_left` more trajectories cannot change (`certain`) or will hardly change (`posterior`) the majority.

    Trajectories without an answer have no vote. `never` is never decided.
    """
    leader, second = _two_largest(answers, classes)
    if rule == "certain":
        return leader - second > num_left
    return rule == "posterior" and leader > second and posterior(leader, second) >= MIN_POSTERIOR


def posterior(leader: int, second: int) -> float:
    """P(p > 1/2) for p ~ Beta(leader + 1, second + 1): the leader is really the more frequent of the two.

    Exact, through the binomial identity of the Beta distribution with whole parameters.
    """
    trials = leader + second + 1
    favourable = sum(math.comb(trials, successes) for successes in range(leader + 1))
    return favourable / float(2**trials)


def _two_largest(answers: Sequence[str | None], classes: Classes) -> tuple[int, int]:
    """Votes of the two largest classes, 0 for one that does not exist."""
    counts = Counter(answer for answer in answers if answer is not None)
    texts = list(counts)
    votes: Counter[int] = Counter()
    for text, number in zip(texts, classes(texts), strict=True):
        if number >= 0:
            votes[number] += counts[text]
    ordered = sorted(votes.values(), reverse=True)
    return (*ordered, 0, 0)[0], (*ordered, 0, 0)[1]
