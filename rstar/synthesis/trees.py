"""All search trees of one problem as parallel lists: what synthesis keeps, and what training data are taken from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rstar.prompts import step_text
from rstar.search.tree import Node
from rstar.types import SearchResult, Trajectory
from tasks.types import Problem, Reference

Difficulty = Literal["easy", "medium", "hard"]
"""By the outcome of the search: all trajectories right, some, none (paper, appendix A.1)."""
RIGHT, WRONG, UNLABELLED = 1, -1, 0


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of all trees of a problem; entry i of every list is node i, and parents stand before children."""

    tree: list[int] = field(default_factory=list)
    """Number of the tree."""
    parent: list[int] = field(default_factory=list)
    """Node above; -1 for a root, whose text is empty."""
    text: list[str] = field(default_factory=list)
    """The step as the policy reads it later, output included; a solution is its path's texts joined."""
    q: list[float] = field(default_factory=list)
    """Q, in [-1, 1]: mean of the values backed up; before the first visit the node's own value."""
    visits: list[int] = field(default_factory=list)
    """N, the prior's pseudo-visit included where steps are scored."""
    value: list[float] = field(default_factory=list)
    """What the reward said of the node: label of an answer, PPM of an open step, -1 of a failure, 0 where not asked."""
    ending: list[str] = field(default_factory=list)
    """`rstar.types.Ending`; `open` for inner nodes."""
    answer: list[str | None] = field(default_factory=list)
    """Boxed answer of an `answered` node."""
    label: list[int] = field(default_factory=list)
    """+1 for a right answer, -1 for a wrong one, 0 for every node that is no answer."""
    rollout: list[int] = field(default_factory=list)
    """Number of the rollout that ended here, counted over all trees; -1 where none did."""

    def __len__(self) -> int:
        return len(self.parent)

    def add(self, **values: Any) -> None:
        """Append one node; every list gets its entry."""
        for name, value in values.items():
            getattr(self, name).append(value)

    def path(self, node: int) -> list[int]:
        """Nodes from the first step down to `node`; the root is left out."""
        found = []
        while self.parent[node] >= 0:
            found.append(node)
            node = self.parent[node]
        return found[::-1]

    def beginning(self, node: int) -> str:
        """The solution up to and including `node`."""
        return "".join(self.text[each] for each in self.path(node))


@dataclass(frozen=True, slots=True)
class Pass:
    """One search of a problem; a later one is made where those before found no right answer."""

    seed: int
    budget: int
    num_trees: int


@dataclass(frozen=True, slots=True)
class ProblemTrees:
    """A problem with everything that its searches found."""

    problem: Problem
    reference: Reference
    is_synthetic: bool
    """Whether a model wrote the problem: its label is an agreement of solutions, and may be wrong."""
    passes: tuple[Pass, ...]
    nodes: Nodes
    usage: Mapping[str, int] = field(default_factory=dict)
    """Counts of `rstar.types.Usage`, summed over the passes; no clocks, so equal searches give equal rows."""
    source: str = ""
    """Where the row lies, `trees-00003.parquet#17`; empty before it is written."""

    @property
    def num_rollouts(self) -> int:
        """Finished trajectories."""
        return sum(number >= 0 for number in self.nodes.rollout)

    @property
    def num_right(self) -> int:
        """Finished trajectories with the right answer."""
        nodes = self.nodes
        return sum(r >= 0 and label == RIGHT for r, label in zip(nodes.rollout, nodes.label, strict=True))

    @property
    def difficulty(self) -> Difficulty:
        """Bin by the shares of right trajectories."""
        return difficulty_of(self.num_right, self.num_rollouts)


def difficulty_of(num_right: int, num_rollouts: int) -> Difficulty:
    """`easy`: all right, `hard`: none, `medium`: between (paper, appendix A.1)."""
    if num_right == 0:
        return "hard"
    return "easy" if num_right == num_rollouts else "medium"


def problem_trees(
    problem: Problem, reference: Reference, results: Sequence[tuple[int, SearchResult]], *, is_synthetic: bool = False
) -> ProblemTrees:
    """The record of a problem's searches, given as (seed, result) in order.

    Values of answered nodes must be labels, as `AnswerReward` gives them. A search that keeps no trees gets the one
    that its trajectories make, in which equal beginnings are one node.
    """
    nodes, passes, usage = Nodes(), list[Pass](), dict[str, int]()
    num_trees = num_rollouts = 0
    for seed, result in results:
        roots = result.trees or (_tree_of(problem, result),)
        order = {id(each): num_rollouts + number for number, each in enumerate(result.trajectories)}
        for root in roots:
            _add_tree(nodes, root, num_trees, order)
            num_trees += 1
        num_rollouts += len(result.trajectories)
        passes.append(Pass(seed, result.budget, len(roots)))
        for name, count in _counts(result).items():
            usage[name] = usage.get(name, 0) + count
    return ProblemTrees(problem, reference, is_synthetic, tuple(passes), nodes, usage)


def _add_tree(nodes: Nodes, root: Node, number: int, order: Mapping[int, int]) -> None:
    place: dict[int, int] = {}
    for node in root.walk():
        place[id(node)] = len(nodes)
        trajectory = node.trajectory
        is_answer = trajectory.ending == "answered"
        nodes.add(
            tree=number,
            parent=-1 if node.parent is None else place[id(node.parent)],
            text=_storable(step_text(trajectory.steps[-1])) if trajectory.steps else "",
            q=float(node.q_value),
            visits=node.visit_count,
            value=float(node.value),
            ending=trajectory.ending,
            answer=None if trajectory.answer is None else _storable(trajectory.answer),
            label=(RIGHT if node.value > 0 else WRONG) if is_answer else UNLABELLED,
            rollout=order.get(id(trajectory), -1),
        )


def _tree_of(problem: Problem, result: SearchResult) -> Node:
    """The tree of independent trajectories: each value is backed up along its steps, equal ones share a node."""
    root = Node(Trajectory(problem))
    known: dict[tuple[int, str], Node] = {}
    for trajectory, value in zip(result.trajectories, result.values, strict=True):
        node = root
        path = [root]
        for depth, step in enumerate(trajectory.steps, 1):
            is_last = depth == len(trajectory.steps)
            key = (id(node), step_text(step))
            child = None if is_last else known.get(key)
            if child is None:
                so_far = trajectory if is_last else Trajectory(problem, trajectory.steps[:depth])
                child = Node(so_far, node, len(node.children), value=value if is_last else 0.0)
                node.children = [*node.children, child]
                # A last step is a leaf of its own: two equal trajectories are two rollouts.
                if not is_last:
                    known[key] = child
            node = child
            path.append(node)
        for node in path:
            node.visit_count += 1
            node.value_sum += value
    return root


def _storable(text: str) -> str:
    """`text` with lone surrogates, which no file can hold, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _counts(result: SearchResult) -> dict[str, int]:
    """The counters of a search's whole cost."""
    if not result.usage_at:
        return {}
    last = result.usage_at[-1]
    names = ("prompt_tokens", "completion_tokens", "reward_tokens", "requests", "candidates", "executions")
    return {name: int(getattr(last, name)) for name in names}
