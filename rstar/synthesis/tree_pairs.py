"""Preference pairs and whole solutions from search trees. One pass down and one up per problem, whatever the rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rstar.synthesis.edit_distance import differ_by
from rstar.synthesis.trees import RIGHT, WRONG, Nodes, ProblemTrees

if TYPE_CHECKING:
    from rstar.synthesis.pairs import PairSettings

RELEASED_MARGIN = 0.5
RELEASED_EDITS = 20
"""Least difference in Q and least edit distance between the two steps: released `train/sample_rm_data.py`."""
RELEASED_SIDE, RELEASED_LONE_SIDE = 2, 4
"""Members of a side, and of one whose other side has a single member: released `extra_rm_file.py`."""


@dataclass(frozen=True, slots=True)
class NodePair:
    """Two nodes of a problem's trees, the better one first."""

    chosen: int
    rejected: int
    weight: float
    depth: int
    """Steps down to `chosen`."""
    rule: str
    counts: tuple[int, int]
    """Members of the chosen and of the rejected side of its group."""


@dataclass(frozen=True, slots=True)
class Solution:
    """One whole solution in a tree."""

    node: int
    """Where it ends."""
    average_q: float
    """Mean Q of its steps, the answer included."""
    lowest_q: float
    label: int


def solutions(nodes: Nodes) -> list[Solution]:
    """Every answered leaf, taken by a rollout or not, in the order of the nodes."""
    total, lowest, depth = _down(nodes)
    return [
        Solution(index, total[index] / depth[index], lowest[index], label)
        for index, label in enumerate(nodes.label)
        if label
    ]


def node_pairs(trees: ProblemTrees, settings: PairSettings) -> Iterator[NodePair]:
    """The pairs of one problem by the settings' rules; none where its answers are all right or all wrong."""
    nodes = trees.nodes
    if RIGHT not in nodes.label or WRONG not in nodes.label:
        return
    right, wrong = _leads(nodes)
    if "siblings" in settings.rules or "released" in settings.rules:
        depth = _down(nodes)[2]
        children = _children(nodes)
        if "siblings" in settings.rules:
            for node in range(len(nodes)):
                if not (right[node] and wrong[node]):
                    continue
                yield from _siblings(nodes, children[node], right, wrong, depth[node] + 1, settings)
        if "released" in settings.rules:
            yield from _released(nodes, children, right, wrong, depth)
    if "final" in settings.rules:
        yield from _final(nodes, settings)


def _siblings(
    nodes: Nodes, children: Sequence[int], right: list[int], wrong: list[int], depth: int, settings: PairSettings
) -> Iterator[NodePair]:
    q, side = nodes.q, settings.per_side
    best = sorted((child for child in children if right[child]), key=lambda child: -q[child])[:side]
    worst = sorted((child for child in children if wrong[child]), key=lambda child: q[child])[:side]
    group = [(good, bad) for good in best for bad in worst if q[good] > q[bad] + settings.margin]
    for good, bad in group:
        yield NodePair(good, bad, 1 / len(group), depth, "siblings", (len(best), len(worst)))


def _final(nodes: Nodes, settings: PairSettings) -> Iterator[NodePair]:
    found = solutions(nodes)
    right = sorted((each for each in found if each.label == RIGHT), key=lambda each: -each.average_q)
    wrong = sorted((each for each in found if each.label == WRONG), key=lambda each: each.average_q)
    best, worst = distinct(nodes, right, settings.per_side), distinct(nodes, wrong, settings.per_side)
    natural = [each for each in distinct(nodes, wrong[::-1], settings.hard) if each not in worst]
    group = [(good.node, bad.node) for good in best for bad in worst + natural]
    for good, bad in group:
        depth = len(nodes.path(good))
        yield NodePair(good, bad, 1 / len(group), depth, "final", (len(best), len(worst) + len(natural)))


def _released(
    nodes: Nodes, children: list[list[int]], right: list[int], wrong: list[int], depth: list[int]
) -> Iterator[NodePair]:
    """The released rule, `--mode all`: all nodes with both outcomes below; weights count the group before filtering."""
    q = nodes.q
    best_mean, worst_mean = _continued(nodes, children, right, 1), _continued(nodes, children, wrong, -1)
    for node in range(len(nodes)):
        if not (right[node] and wrong[node]):
            continue
        good = sorted((child for child in children[node] if right[child]), key=lambda child: -q[child])
        bad = sorted((child for child in children[node] if wrong[child]), key=lambda child: q[child])
        chosen = good[: RELEASED_LONE_SIDE if len(bad) == 1 else RELEASED_SIDE]
        rejected = bad[: RELEASED_LONE_SIDE if len(good) == 1 else RELEASED_SIDE]
        for first in chosen:
            for second in rejected:
                if (
                    q[first] - q[second] >= RELEASED_MARGIN
                    and best_mean[first] > worst_mean[second]
                    and differ_by(nodes.text[first], nodes.text[second], RELEASED_EDITS)
                ):
                    counts = len(chosen), len(rejected)
                    yield NodePair(first, second, 1 / (counts[0] * counts[1]), depth[node] + 1, "released", counts)


def _continued(nodes: Nodes, children: list[list[int]], leads: list[int], sign: int) -> list[float]:
    """Mean Q from each node down, always to the child of highest `sign` Q among those that lead on; 0 elsewhere."""
    q = nodes.q
    total, steps = list(q), [1] * len(q)
    for node in range(len(q) - 1, -1, -1):
        following = [child for child in children[node] if leads[child]]
        if following:
            child = max(following, key=lambda each: sign * q[each])
            total[node] += total[child]
            steps[node] += steps[child]
    return [total[node] / steps[node] for node in range(len(q))]


def _leads(nodes: Nodes) -> tuple[list[int], list[int]]:
    """Per node: right answers and wrong answers at or below it."""
    right = [label == RIGHT for label in nodes.label]
    wrong = [label == WRONG for label in nodes.label]
    counts_right, counts_wrong = list(map(int, right)), list(map(int, wrong))
    parent = nodes.parent
    for node in range(len(parent) - 1, -1, -1):
        above = parent[node]
        if above >= 0:
            counts_right[above] += counts_right[node]
            counts_wrong[above] += counts_wrong[node]
    return counts_right, counts_wrong


def _down(nodes: Nodes) -> tuple[list[float], list[float], list[int]]:
    """Per node: sum of Q, lowest Q and number of steps from the first step to it; 0, 1 and 0 at a root."""
    total, lowest, depth = [0.0] * len(nodes), [1.0] * len(nodes), [0] * len(nodes)
    for node, (above, q) in enumerate(zip(nodes.parent, nodes.q, strict=True)):
        if above >= 0:
            total[node] = total[above] + q
            lowest[node] = min(lowest[above], q)
            depth[node] = depth[above] + 1
    return total, lowest, depth


def _children(nodes: Nodes) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in range(len(nodes))]
    for node, above in enumerate(nodes.parent):
        if above >= 0:
            children[above].append(node)
    return children


def distinct(nodes: Nodes, found: Sequence[Solution], count: int) -> list[Solution]:
    """The first `count` of `found` whose texts differ."""
    kept: dict[str, Solution] = {}
    for each in found:
        if len(kept) == count:
            break
        kept.setdefault(nodes.beginning(each.node), each)
    return list(kept.values())
