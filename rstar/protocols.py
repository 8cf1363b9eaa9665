"""What a search needs from the outside: a policy, a reward model and an interpreter.

Each takes one problem's request and may batch it with the requests of thousands of others. Calls that take a
sequence return one result per element, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from rstar.types import Execution, Proposal, Scores, Step, Trajectory

Clock = Callable[[], float]
"""Seconds since some fixed moment."""
Classes = Callable[[Sequence[str]], list[int]]
"""Equivalence classes of answers: one number per answer, equal where two mean the same; negative for no answer."""


class Policy(Protocol):
    """Writes the next step."""

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        """`num_candidates` continuations of `prefix`, each one step; the same arguments give the same candidates.

        `temperature` 0 asks for the most likely continuation.
        """
        ...


class RewardModel(Protocol):
    """Judges how promising a partial or finished solution is."""

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """A value in [-1, 1] for each trajectory, for its last step given those before it."""
        ...


class Interpreter(Protocol):
    """Runs the code of a step on the state that the steps before it left."""

    async def run(self, prefix: Sequence[Step], code: str) -> Execution:
        """Run `code` after the code of `prefix`. Never raises for what the code does; all of that is in the result."""
        ...
