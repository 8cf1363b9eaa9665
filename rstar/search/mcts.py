"""Monte-Carlo tree search over reasoning steps, one coroutine per problem (rStar-Math, section 3; Eq. 1 and 2).

A rollout goes down from the root. At each node it takes the child of highest score (select); where there are none the
policy writes some and their programs run (expand), and the reward model judges them (evaluate). Where a solution ends,
its value goes back up (backup). There is no separate simulation: the descent itself is the rollout.

Three variants, by name:

`paper`     Eq. 1 with unvisited children first, the best-judged of them first. One rollout, one trajectory: where all
            candidates fail, the rollout ends with a failed trajectory of value -1, which is backed up.
`official`  the released code's rules. An unvisited child has no exploration bonus. The first finished answer replaces
            its siblings, is evaluated and backed up when it is met, and closes its parent. Failures count against
            themselves only. A rollout may end with nothing.
`puct`      the textbook rule with the policy's own probability as the prior; the rest as in `paper`.

Where a tree is exhausted (everything below the root is closed), or has had its `rollouts_per_tree`, the next one
starts from the same problem with new seeds, so a budget of 64 yields 64 trajectories. A trajectory that a later tree
repeats is an independent draw and counts again. A tree in which nothing ended, which only `official` can grow, gives
one failed trajectory, so a search always ends.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from rstar.ledger import Ledger
from rstar.protocols import Classes, Clock, Interpreter, Policy, RewardModel
from rstar.search.config import SearchConfig, not_negative, whole
from rstar.search.finished import Finished
from rstar.search.stepper import FAILED, Continuation, Stepper
from rstar.search.tree import Node, Score, backup, close, prior_probs, puct_score, released_uct_score, uct_score
from rstar.types import SearchResult, Trajectory
from tasks.answers import classes as answer_classes
from tasks.types import InputError, Problem

Variant = Literal["paper", "official", "puct"]
SCORES: dict[Variant, Score] = {"paper": uct_score, "official": released_uct_score, "puct": puct_score}


@dataclass(frozen=True, slots=True, kw_only=True)
class MctsConfig(SearchConfig):
    """Settings of `mcts`. Raises InputError, naming the field, for a value out of range."""

    variant: Variant = "paper"
    num_candidates: int = 32
    """Candidates asked for at each expansion. 32: paper, section 4.1, and released `sft_eval_mcts.yaml`."""
    exploration: float = 2.0
    """c of the score. 2: paper, appendix A.1, and released configurations."""
    rollouts_per_tree: int | None = None
    """Rollouts before the next tree starts; None grows a tree until it is exhausted."""
    scores_steps: bool = True
    """Whether the reward model judges open steps (PPM) or only answers (terminal-guided, rounds 1 and 2)."""
    counts: Literal["rollouts", "trees"] = "rollouts"
    """What the budget counts: every finished trajectory, as in the paper, or whole trees, of each of which only the
    best trajectory is kept, as in the released README."""

    def __post_init__(self) -> None:
        SearchConfig.__post_init__(self)
        whole(self, "num_candidates")
        not_negative(self, "exploration")
        if self.rollouts_per_tree is not None:
            whole(self, "rollouts_per_tree")
        if self.variant not in SCORES:
            raise InputError(f"search setting variant = {self.variant!r} is unknown; use {', '.join(SCORES)}")
        if self.counts not in ("rollouts", "trees"):
            raise InputError(f"search setting counts = {self.counts!r} is unknown; use rollouts or trees")
        if self.counts == "trees" and self.rollouts_per_tree is None:
            raise InputError("search setting counts = 'trees' needs rollouts_per_tree; set it (released: 12)")


async def mcts(
    problem: Problem,
    policy: Policy,
    reward: RewardModel,
    interpreter: Interpreter,
    config: MctsConfig,
    seed: int,
    *,
    clock: Clock = time.monotonic,
    classes: Classes = answer_classes,
) -> SearchResult:
    """Search one problem until `config.budget` trajectories are finished; the same arguments give the same result.

    `seed` is the run's; requests are seeded by (seed, problem id, tree, path). `classes` is what an adaptive stop
    counts answers by.
    """
    stepper = Stepper(policy, reward, interpreter, config, seed, Ledger(clock))
    search = _TreeSearch(problem, stepper, config, Finished(problem, config, classes))
    while search.finished.stop is None:
        await search.grow_tree()
    return search.finished.result(stepper.num_duplicates, search.trees)


@dataclass(slots=True)
class _TreeSearch:
    """The trees of one problem. Its methods are the verbs of the search."""

    problem: Problem
    stepper: Stepper
    config: MctsConfig
    finished: Finished
    trees: list[Node] = field(default_factory=list)
    found: list[Node] = field(default_factory=list)
    """Where the rollouts of the present tree ended, in order."""

    @property
    def is_released(self) -> bool:
        """Whether answers and failures are handled as in the released code."""
        return self.config.variant == "official"

    async def grow_tree(self) -> None:
        """Start a tree and send rollouts down it until it is exhausted, has had its share, or no more is needed."""
        root = Node(Trajectory(self.problem))
        self.trees.append(root)
        self.found = []
        num_rollouts = 0
        while not root.is_closed and num_rollouts != self.config.rollouts_per_tree and self.finished.stop is None:
            await self.rollout(root)
            num_rollouts += 1
        if not self.found:
            self.take(next(node for node in root.walk() if node.is_terminal))
        if self.config.counts == "trees":
            self.record(max(self.found, key=lambda node: node.value))

    async def rollout(self, root: Node) -> None:
        """One way down from the root to where a solution ends, and its value's way back."""
        node = root
        while not node.is_terminal:
            if not node.children:
                await self.expand(node)
                await self.evaluate(node)
            child = self.select(node)
            if child is None:
                self.give_up(node)
                return
            node = child
        self.finish(node)

    def select(self, node: Node) -> Node | None:
        """The open child of highest score; of equal ones the best-judged, then the first. None if none is open."""
        score, exploration = SCORES[self.config.variant], self.config.exploration
        open_children = [child for child in node.children if not child.is_closed]
        return max(open_children, key=lambda child: (score(child, exploration), child.value), default=None)

    async def expand(self, node: Node) -> None:
        """Give `node` its children: distinct candidates of the policy, their programs run; failed ones are closed."""
        address = (len(self.trees) - 1, *node.address())
        steps = await self.stepper.continuations(
            node.trajectory, self.config.num_candidates, address, only_first_answer=self.is_released
        )
        priors = _priors(steps) if self.config.variant == "puct" else [0.0] * len(steps)
        node.children = [
            Node(step.trajectory, node, index, prior)
            for index, (step, prior) in enumerate(zip(steps, priors, strict=True))
        ]

    async def evaluate(self, node: Node) -> None:
        """Let the reward model judge the new children of `node`; a failed one is worth -1 without asking."""
        judged_endings = ("open", "answered") if self.config.scores_steps else ("answered",)
        judged = [child for child in node.children if child.trajectory.ending in judged_endings]
        values = await self.stepper.values([child.trajectory for child in judged])
        for child, value in zip(judged, values, strict=True):
            child.value = value
            if not child.is_terminal:
                child.add_initial_value(value)
        for child in node.children:
            if child.trajectory.ending not in ("open", "answered"):
                child.value = FAILED
                child.add_initial_value(FAILED)
                child.is_closed = True
            elif self.is_released and child.is_terminal:
                self.finish(child)

    def finish(self, node: Node) -> None:
        """Back up the value of the solution that ends at `node`, and take it as a finished trajectory."""
        backup(node, node.value)
        self.close(node)
        self.take(node)

    def give_up(self, node: Node) -> None:
        """End a rollout at a node all of whose children are closed."""
        if not self.is_released:
            # Closing reaches upwards at once, so this node was new and every candidate failed.
            backup(node, FAILED)
            self.take(node.children[0])
        self.close(node)

    def close(self, node: Node) -> None:
        """Let no rollout enter `node` again. As released, its parent finds out in a later rollout, which it ends."""
        if self.is_released:
            node.is_closed = True
        else:
            close(node)

    def take(self, node: Node) -> None:
        """Count where a rollout ended."""
        self.found.append(node)
        if self.config.counts == "rollouts":
            self.record(node)

    def record(self, node: Node) -> None:
        """Make the trajectory that ends at `node` part of the result, at the present cost."""
        self.finished.add(node.trajectory, node.value, self.stepper.ledger.usage())


def _priors(steps: Sequence[Continuation]) -> list[float]:
    """The policy's probability of each step among its siblings."""
    logprobs = [step.candidate.logprob for step in steps if step.candidate.logprob is not None]
    if len(logprobs) < len(steps):
        raise InputError(
            "search variant puct needs the candidates' log-probabilities, which this engine does not give; "
            "use variant paper, or an engine that does"
        )
    return prior_probs(logprobs)
