"""Preference pairs for a PPM, from the trees or the rollouts of one problem (paper, section 3.3; Eq. 4).

Three rules, which may be used together:

`siblings`  at every node of the tree that the rollouts make: of the children that lead to a right answer the 2 of
            highest Q, of those that lead to a wrong one the 2 of lowest Q. All share what was done before them, though
            not always its wording: nodes are told apart by their code, not by their comments.
`final`     over whole solutions, which share nothing but the question: the 2 right ones of highest average Q against
            the 2 wrong ones of lowest average Q.
`released`  the released code's rule for siblings: 2 x 2, or 1 x 4 and 4 x 1 where a side has one member; Q apart by
            0.5, the steps by 20 edits, the best way on from the one better than the worst way on from the other.

`final` can also take the wrong solutions of highest average Q: the ones that a model finds most natural, which are what
best-of-N meets when N is large.

From trees (`tree_pairs_of`) only answers count as right or wrong ends: a step whose program fails is never shown to a
PPM. From rollouts (`make_pairs`) the first two rules count what broke off as wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rstar.synthesis.rollout_tree import tree_of_rollouts
from rstar.synthesis.rollouts import Rollout
from rstar.synthesis.select import Valued, with_q_values
from rstar.synthesis.tree_pairs import NodePair, node_pairs
from rstar.synthesis.trees import ProblemTrees
from tasks.types import InputError

RULES = ("siblings", "released", "final")
PAPER_RULES = ("siblings", "final")


@dataclass(frozen=True, slots=True)
class PairSettings:
    """Which pairs are made. Raises InputError for an unknown rule or a number below 0."""

    rules: tuple[str, ...] = PAPER_RULES
    per_side: int = 2
    """Chosen and rejected ones of a group, so up to per_side squared pairs. 2: paper, section 3.3."""
    hard: int = 0
    """Wrong whole solutions of highest average Q that are added to a `final` group. 0: the paper's rule."""
    margin: float = 0.0
    """Q of the chosen one must be more than this above the rejected one's. 0.5 in the released code."""

    def __post_init__(self) -> None:
        for rule in self.rules:
            if rule not in RULES:
                raise InputError(f"pair rule {rule!r} is unknown; use {', '.join(RULES)}")
        if self.per_side < 1 or self.hard < 0 or self.margin < 0:
            raise InputError(
                "a pair setting is out of range; use per_side of at least 1, hard and margin of at least 0"
            )


PAIR_PRESETS: dict[str, PairSettings] = {
    "paper": PairSettings(),
    "released": PairSettings(rules=("released",)),
    "hard": PairSettings(per_side=4, hard=4),
}
"""`paper`: section 3.3. `released`: `extra_rm_file.py` and `sample_rm_data.py`. `hard`: with the wrong solutions that a
model finds most natural; chosen, see the embedded default's settings."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison: `chosen` is the better beginning, or whole solution, for the question."""

    id: str
    """The problem's id."""
    question: str
    chosen: str
    rejected: str
    weight: float
    """1 / (pairs of its group): every group counts the same (Eq. 4's 1 / (2 x 2))."""
    depth: int
    """Steps in `chosen`; that of the sibling for `siblings`."""
    rule: str


@dataclass(slots=True)
class _Child:
    """A node of the tree under one prefix."""

    beginning: str
    """The solution up to this node, in the words of the first rollout that came here."""
    total: float = 0.0
    visits: int = 0
    leads: set[bool] = field(default_factory=set)

    @property
    def q_value(self) -> float:
        return self.total / self.visits


def make_pairs(rollouts: Sequence[Rollout], settings: PairSettings) -> list[Pair]:
    """The pairs of one problem; none where all its rollouts are right, or all are wrong."""
    if len({each.is_correct for each in rollouts}) < 2:
        return []
    pairs: list[Pair] = []
    if "siblings" in settings.rules:
        for prefix, children in _tree(rollouts).items():
            pairs += _sibling_pairs(rollouts[0], len(prefix) + 1, list(children.values()), settings)
    if "released" in settings.rules:
        pairs += tree_pairs_of(tree_of_rollouts(rollouts), PAIR_PRESETS["released"])
    if "final" in settings.rules:
        pairs += _final_pairs(with_q_values(rollouts), settings)
    return pairs


def tree_pairs_of(trees: ProblemTrees, settings: PairSettings) -> list[Pair]:
    """The pairs of one problem from its search trees, rule by rule from the root down."""
    return [pair_of(trees, each) for each in node_pairs(trees, settings)]


def pair_of(trees: ProblemTrees, found: NodePair) -> Pair:
    """Two nodes as the texts that a PPM compares."""
    nodes, problem = trees.nodes, trees.problem
    above = nodes.parent[found.chosen]
    if found.rule == "final" or above != nodes.parent[found.rejected]:
        chosen, rejected = nodes.beginning(found.chosen), nodes.beginning(found.rejected)
    else:
        prefix = nodes.beginning(above)
        chosen, rejected = prefix + nodes.text[found.chosen], prefix + nodes.text[found.rejected]
    return Pair(problem.id, problem.question, chosen, rejected, found.weight, found.depth, found.rule)


def counts_by_depth(pairs: Sequence[Pair]) -> dict[str, dict[int, int]]:
    """Rule to depth to number of pairs, depths in order."""
    counts = {rule: Counter(pair.depth for pair in pairs if pair.rule == rule) for rule in RULES}
    return {rule: dict(sorted(found.items())) for rule, found in counts.items() if found}


def _tree(rollouts: Sequence[Rollout]) -> dict[tuple[str, ...], dict[str, _Child]]:
    """Children by what they do, by what the steps before them do, in order of first appearance."""
    tree: dict[tuple[str, ...], dict[str, _Child]] = {}
    for each in rollouts:
        path = each.path
        for depth, step in enumerate(path):
            known = tree.setdefault(path[:depth], {})
            if step not in known:
                known[step] = _Child("".join(each.steps[: depth + 1]))
            child = known[step]
            child.total += each.count if each.is_correct else -each.count
            child.visits += each.count
            child.leads.add(each.is_correct)
    return tree


def _sibling_pairs(
    any_rollout: Rollout, depth: int, children: Sequence[_Child], settings: PairSettings
) -> Iterator[Pair]:
    best = sorted((child for child in children if True in child.leads), key=lambda child: -child.q_value)
    worst = sorted((child for child in children if False in child.leads), key=lambda child: child.q_value)
    group = [
        (good.beginning, bad.beginning)
        for good in best[: settings.per_side]
        for bad in worst[: settings.per_side]
        if good.q_value > bad.q_value + settings.margin
    ]
    for texts in group:
        yield Pair(any_rollout.id, any_rollout.question, *texts, 1 / len(group), depth, "siblings")


def _final_pairs(valued: Sequence[Valued], settings: PairSettings) -> Iterator[Pair]:
    best = sorted((each for each in valued if each.rollout.is_correct), key=lambda each: -each.average_q)
    wrong = sorted((each for each in valued if _is_wrong_answer(each)), key=lambda each: each.average_q)
    natural = [each for each in wrong[::-1][: settings.hard] if each not in wrong[: settings.per_side]]
    group = [
        (good.rollout, bad.rollout)
        for good in best[: settings.per_side]
        for bad in wrong[: settings.per_side] + natural
    ]
    for good, bad in group:
        yield Pair(good.id, good.question, good.solution, bad.solution, 1 / len(group), len(good.steps), "final")


def _is_wrong_answer(valued: Valued) -> bool:
    """Whether it is a whole solution with a wrong answer; one that broke off is no solution to compare with."""
    return not valued.rollout.is_correct and valued.rollout.answer is not None
