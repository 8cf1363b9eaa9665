"""Which answer a search gives, at any budget. All rules see the same trajectories; only finished answers have a vote.

`best`      the answer of the trajectory with the highest value: PPM argmax, best-of-N (paper).
`majority`  the most frequent answer: self-consistency (Wang et al. 2022).
`weighted`  the answer with the largest sum of (value + 1) / 2 over its trajectories: weighted best-of-N. The shift
            keeps weights positive; with raw values a second trajectory could count against its own answer.
`top_k`     majority among the K highest values: the rule of the released README, K usually 4 to 8.

Answers are counted by equivalence class. Ties are broken by chance that anyone can repeat: the tied class wins whose
first answer in order of completion has the smallest hash with (seed, problem id). It depends neither on the order of
the classes nor on the budget, so a tie that lasts does not flicker along the curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from rstar.protocols import Classes
from rstar.seeds import derive
from rstar.types import SearchResult
from tasks.answers import classes as answer_classes
from tasks.types import InputError

Rule = Literal["best", "majority", "weighted", "top_k"]
RULES: tuple[Rule, ...] = get_args(Rule)
TOP_K = 4
"""Released README: K is usually 4 to 8; 4 is the default of `eval_maj.py`."""


def choose_answer(
    result: SearchResult,
    rule: Rule,
    budget: int,
    *,
    classes: Classes = answer_classes,
    seed: int = 0,
    top_k: int = TOP_K,
) -> str | None:
    """The answer by `rule` after the first `budget` trajectories; None where none of them has an answer.

    Where an adaptive stop left fewer trajectories, all of them count. The text is that of the best-valued member of
    the winning class. Raises InputError for an unknown rule, a budget or K below 1.
    """
    return choose_answers(result, (rule,), (budget,), classes=classes, seed=seed, top_k=top_k)[rule, budget]


def choose_answers(
    result: SearchResult,
    rules: Sequence[Rule],
    budgets: Sequence[int],
    *,
    classes: Classes = answer_classes,
    seed: int = 0,
    top_k: int = TOP_K,
) -> dict[tuple[Rule, int], str | None]:
    """`choose_answer` for every rule and budget; answers are compared once, over the whole result."""
    _check(rules, budgets, top_k)
    ballots = _ballots(result, classes)
    ties = {number: derive(seed, result.problem_id, answer) for _, number, answer, _ in reversed(ballots)}
    chosen: dict[tuple[Rule, int], str | None] = {}
    for budget in budgets:
        counted = [ballot for ballot in ballots if ballot[0] < budget]
        for rule in rules:
            winner = _winner(rule, counted, ties, top_k)
            members = [ballot for ballot in counted if ballot[1] == winner]
            chosen[rule, budget] = max(members, key=lambda ballot: ballot[3])[2] if members else None
    return chosen


_Ballot = tuple[int, int, str, float]
"""Position of the trajectory, class of its answer, the answer, the value."""


def _ballots(result: SearchResult, classes: Classes) -> list[_Ballot]:
    """The trajectories that have an answer. Equal texts are handed to `classes` once."""
    texts = list(dict.fromkeys(each.answer for each in result.trajectories if each.answer is not None))
    class_of = dict(zip(texts, classes(texts), strict=True))
    return [
        (position, class_of[trajectory.answer], trajectory.answer, value)
        for position, (trajectory, value) in enumerate(zip(result.trajectories, result.values, strict=True))
        if trajectory.answer is not None and class_of[trajectory.answer] >= 0
    ]


def _winner(rule: Rule, ballots: Sequence[_Ballot], ties: dict[int, int], top_k: int) -> int | None:
    """Class of the winning answer; None where there is no ballot."""
    if rule == "top_k":
        # Sorting is stable: of equal values the earlier trajectory is in the top K.
        ballots = sorted(ballots, key=lambda ballot: -ballot[3])[:top_k]
    totals: dict[int, float] = {}
    for _, number, _, value in ballots:
        if rule == "best":
            totals[number] = max(totals.get(number, value), value)
        else:
            totals[number] = totals.get(number, 0.0) + ((value + 1) / 2 if rule == "weighted" else 1.0)
    return min(totals, key=lambda number: (-totals[number], ties[number]), default=None)


def _check(rules: Sequence[Rule], budgets: Sequence[int], top_k: int) -> None:
    for rule in rules:
        if rule not in RULES:
            raise InputError(f"answer rule {rule!r} is unknown; use {', '.join(RULES)}")
    for budget in (*budgets, top_k):
        if budget < 1:
            raise InputError(f"a budget or K of {budget} counts nothing; use at least 1")
