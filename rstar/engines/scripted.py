"""Engines without a model, for tests and for comparing searches: plain functions behind the engine protocols.

`StepSource` is the interface of a deterministic stand-in for both models: `candidates`, `score` and `count_tokens` as
pure functions of the question and the solution so far. Results depend on the arguments only, never on the order of
requests; so a search over these engines gives the same result on any machine, with any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from rstar.prompts import STEP_STOPS, solution_text, step_text
from rstar.types import Candidate, Execution, Proposal, Scores, Step, Trajectory


class StepSource(Protocol):
    """A policy and a reward as pure functions; a module with these three functions is one."""

    def candidates(self, question: str, partial_solution: str, n: int, seed: int, /) -> list[str]:
        """`n` next steps, stop strings included."""
        ...

    def score(self, question: str, partial_solution: str, /) -> float:
        """Value of a partial or whole solution, in [-1, 1]."""
        ...

    def count_tokens(self, text: str, /) -> int:
        """Length of `text` in tokens; adds up over steps."""
        ...


@dataclass(slots=True)
class ScriptedPolicy:
    """A policy that writes what a `StepSource` says."""

    source: StepSource
    fixed_seed: int | None = None
    """Used for every request in place of the request's own, as a sampler with one global seed would; None: not."""
    _count: Callable[[str], int] = field(init=False)

    def __post_init__(self) -> None:
        self._count = lru_cache(maxsize=1 << 16)(self.source.count_tokens)

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        """Candidates of the source; at temperature 0 those of seed 0, whatever the request's seed."""
        if self.fixed_seed is not None or temperature == 0:
            seed = self.fixed_seed or 0
        question = prefix.problem.question
        texts = self.source.candidates(question, solution_text(prefix), num_candidates, seed)
        candidates = tuple(
            Candidate(
                text, (), self._count(text), None, next((stop for stop in STEP_STOPS if text.endswith(stop)), None)
            )
            for text in texts
        )
        prompt, cached = _prompt_tokens(self._count, prefix, is_generated=True)
        return Proposal(candidates, prompt, cached, 0.0)


@dataclass(slots=True)
class ScriptedReward:
    """A reward model that says what a `StepSource` says."""

    source: StepSource
    _count: Callable[[str], int] = field(init=False)

    def __post_init__(self) -> None:
        self._count = lru_cache(maxsize=1 << 16)(self.source.count_tokens)

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """Values of the source; with a prefix cache only the last step of each is new."""
        values = tuple(self.source.score(each.problem.question, solution_text(each)) for each in trajectories)
        counts = [_prompt_tokens(self._count, each, is_generated=False) for each in trajectories]
        return Scores(values, sum(tokens for tokens, _ in counts), sum(cached for _, cached in counts), 0.0)


@dataclass(slots=True)
class ScriptedInterpreter:
    """An interpreter that says what a function of (code of the steps before, code) says."""

    execute: Callable[[tuple[str, ...], str], Execution]

    async def run(self, prefix: Sequence[Step], code: str) -> Execution:
        """The function's execution."""
        return self.execute(tuple(step.code for step in prefix), code)


def _prompt_tokens(count: Callable[[str], int], trajectory: Trajectory, is_generated: bool) -> tuple[int, int]:
    """Tokens of question and solution, and those of them that a cache holds which drops nothing.

    For the model that generated the steps only an output that followed the last step is new; for another model the
    whole last step is. At the root nothing is cached.
    """
    steps = trajectory.steps
    total = count(trajectory.problem.question) + sum(count(step_text(step)) for step in steps)
    if not steps:
        return total, 0
    known = count(steps[-1].text) if is_generated else 0
    return total, total - count(step_text(steps[-1])) + known
