"""The search tree: its nodes, the formulas that choose among them, and the backup of a value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rstar.types import Trajectory


@dataclass(slots=True, eq=False)
class Node:
    """One step in a tree. Values are seen from the solver's side: higher is better, in [-1, 1]."""

    trajectory: Trajectory
    """The solution up to and including this step; without steps at the root."""
    parent: Node | None = None
    index: int = 0
    """Position among the siblings, from 0, in the order of expansion."""
    prior_prob: float = 0.0
    """P(step | prefix) under the policy, normalised over the siblings; 0 where the variant does not use it."""
    value: float = 0.0
    """What the reward model said when the node was evaluated; 0 before, and where steps are not scored."""
    visit_count: int = 0
    """N: how many values `value_sum` holds. The reward model's value of an open step is one of them."""
    value_sum: float = 0.0
    """q: sum of the values backed up through this node."""
    initial_visits: int = 0
    """The part of `visit_count` that is no rollout: 1 after an open step was scored, else 0."""
    is_closed: bool = False
    """No rollout may enter: it failed, its answer was taken, or everything below is closed."""
    children: Sequence[Node] = ()
    """Empty until the node is expanded."""

    @property
    def q_value(self) -> float:
        """Q = q / N; before the first visit the reward model's own value."""
        return self.value_sum / self.visit_count if self.visit_count else self.value

    @property
    def is_visited(self) -> bool:
        """Whether a rollout has passed through or ended here."""
        return self.visit_count > self.initial_visits

    @property
    def is_terminal(self) -> bool:
        """Whether the solution ends here, well or badly."""
        return self.trajectory.ending != "open"

    def add_initial_value(self, value: float) -> None:
        """Count what the node was judged to be worth when it was made: one value, but no rollout."""
        self.visit_count += 1
        self.initial_visits += 1
        self.value_sum += value

    def address(self) -> list[int]:
        """Indices from the root to this node; empty for the root."""
        indices: list[int] = []
        node = self
        while node.parent is not None:
            indices.append(node.index)
            node = node.parent
        return indices[::-1]

    def walk(self) -> Iterator[Node]:
        """This node and all below it, breadth first, siblings in order."""
        level: list[Node] = [self]
        while level:
            yield from level
            level = [child for node in level for child in node.children]


Score = Callable[[Node, float], float]
"""What a variant maximises over siblings: (child, exploration) to score."""


def uct_score(node: Node, exploration: float) -> float:
    """UCT(s) = Q(s) + c sqrt(ln N_parent(s) / N(s)), rStar-Math Eq. 1; infinite while no rollout has visited `node`.

    In rounds 3-4 and at test time q(s) starts as the PPM's value. The paper does not say whether N counts it; it does
    here, as in the released code, so Q stays an average of values.
    """
    if not node.is_visited:
        return math.inf
    return node.q_value + exploration * math.sqrt(math.log(_parent(node).visit_count) / node.visit_count)


def released_uct_score(node: Node, exploration: float) -> float:
    """Eq. 1 as released (`nodes/mcts_node.py`, where it is called `puct`): no exploration before the first visit.

    While the node or its parent has N = 0 the second term is 0, so an unvisited node scores 0, not infinity.
    """
    parent = _parent(node)
    if node.visit_count == 0 or parent.visit_count == 0:
        return node.q_value
    return node.q_value + exploration * math.sqrt(math.log(parent.visit_count) / node.visit_count)


def puct_score(node: Node, exploration: float) -> float:
    """PUCT(s) = Q(s) + c P(s) sqrt(N_parent(s)) / (1 + N(s)), as in AlphaGo Zero (Silver et al. 2017, Methods).

    N_parent counts as 1 before the first visit, so that the prior decides which child is the first.
    """
    prior = node.prior_prob * math.sqrt(max(1, _parent(node).visit_count))
    return node.q_value + exploration * prior / (1 + node.visit_count)


def backup(node: Node, value: float) -> None:
    """Add `value` to q and 1 to N of `node` and of every ancestor, the root included (Eq. 2)."""
    ancestor: Node | None = node
    while ancestor is not None:
        ancestor.visit_count += 1
        ancestor.value_sum += value
        ancestor = ancestor.parent


def close(node: Node) -> None:
    """Close `node`, and every ancestor below which nothing is open any more."""
    node.is_closed = True
    parent = node.parent
    while parent is not None and all(child.is_closed for child in parent.children):
        parent.is_closed = True
        parent = parent.parent


def dissolve(root: Node) -> None:
    """Cut the links from the nodes of a tree that nobody needs any more to their parents.

    Its memory is then free as soon as the root is, without waiting for Python's cycle collector.
    """
    for node in list(root.walk()):
        node.parent = None


def prior_probs(logprobs: Sequence[float]) -> list[float]:
    """Softmax of the candidates' summed token log-probabilities (nats): P(step | prefix) over the siblings.

    Adds up to 1; empty for no candidates.
    """
    if not logprobs:
        return []
    largest = max(logprobs)
    weights = [math.exp(logprob - largest) for logprob in logprobs]
    total = sum(weights)
    return [weight / total for weight in weights]


def _parent(node: Node) -> Node:
    assert node.parent is not None, "the root has no siblings to be compared with"
    return node.parent
