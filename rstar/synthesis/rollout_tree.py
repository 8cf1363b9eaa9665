"""The tree that the rollouts of one problem make, as the record that extraction from trees reads."""

from __future__ import annotations

from collections.abc import Sequence

from rstar.prompts import END_CODE
from rstar.synthesis.rollouts import Rollout
from rstar.synthesis.trees import RIGHT, UNLABELLED, WRONG, Nodes, Pass, ProblemTrees
from tasks.types import Problem


def tree_of_rollouts(rollouts: Sequence[Rollout]) -> ProblemTrees:
    """One tree; steps that do the same after the same are one node, in the words of the first rollout that took them.

    Q is the mean label of what goes on from a node, each rollout counted as often as it was drawn.
    """
    nodes = Nodes()
    _add(nodes, -1, "", "open")
    known: dict[tuple[str, ...], int] = {(): 0}
    sums = [0.0]
    for number, each in enumerate(rollouts):
        path, label = each.path, each.count if each.is_correct else -each.count
        _count(nodes, sums, 0, each.count, label)
        for depth in range(1, len(path) + 1):
            if path[:depth] not in known:
                known[path[:depth]] = len(nodes)
                _add(nodes, known[path[: depth - 1]], each.steps[depth - 1], "open")
                sums.append(0.0)
            _count(nodes, sums, known[path[:depth]], each.count, label)
        _end(nodes, known[path], each, number)
    nodes.q[:] = [total / visits if visits else 0.0 for total, visits in zip(sums, nodes.visits, strict=True)]
    first = rollouts[0]
    return ProblemTrees(
        Problem(first.id, first.question), "", False, (Pass(0, sum(each.count for each in rollouts), 1),), nodes
    )


def _add(nodes: Nodes, parent: int, text: str, ending: str) -> None:
    nodes.add(
        tree=0,
        parent=parent,
        text=text,
        q=0.0,
        visits=0,
        value=0.0,
        ending=ending,
        answer=None,
        label=UNLABELLED,
        rollout=-1,
    )


def _count(nodes: Nodes, sums: list[float], node: int, count: int, label: float) -> None:
    nodes.visits[node] += count
    sums[node] += label


def _end(nodes: Nodes, node: int, rollout: Rollout, number: int) -> None:
    """Note that a rollout ends at `node`."""
    if rollout.answer is None:
        # The rollout's own record keeps no reason; a program that ended without an answer is the most common one.
        nodes.ending[node] = "unparsable" if rollout.steps[-1:] and END_CODE in rollout.steps[-1] else "code_error"
        nodes.value[node] = -1.0
    else:
        nodes.ending[node], nodes.answer[node] = "answered", rollout.answer
        nodes.label[node] = RIGHT if rollout.is_correct else WRONG
        nodes.value[node] = float(nodes.label[node])
    nodes.rollout[node] = number
