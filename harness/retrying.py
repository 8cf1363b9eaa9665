"""Engines that are asked again when they fail, and a meter that counts what they do while they do it.

A reply is checked here, before a journal keeps it: a wrong one would be replayed for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rstar.engines.worker import EngineError
from rstar.protocols import Interpreter, Policy, RewardModel
from rstar.types import Execution, Proposal, Scores, Step, Trajectory
from tasks.types import InputError

ATTEMPTS = 3
PAUSE_SECONDS = 1.0
"""Before the second attempt; twice that before the third. Chosen, not tuned."""

Reply = TypeVar("Reply")


class EngineFailure(Exception):
    """An engine failed on one request, on every attempt; the text says which engine and with what."""


@dataclass(slots=True)
class Meter:
    """What the engines have done in this session. Replies from a journal do not count: they cost nothing now."""

    tokens: int = 0
    """Written by the policy."""
    executions: int = 0
    num_retries: int = 0


@dataclass(frozen=True, slots=True)
class Engines:
    """Policy, reward model and interpreter of a run, as a search may use them."""

    policy: Policy
    reward: RewardModel
    interpreter: Interpreter
    meter: Meter
    pause_seconds: float = PAUSE_SECONDS
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the engines run with, for the record: memory, threads and the like, as they were chosen."""
    counters: Mapping[str, Callable[[], Mapping[str, Any]]] = field(default_factory=dict)
    """Role to what its engine has done so far, for those engines that count: preemptions, restarts, cache hits."""

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        """The policy's proposal. Raises EngineFailure where every attempt fails."""

        async def ask() -> Proposal:
            proposal = await self.policy.propose(prefix, num_candidates, seed, temperature)
            if len(proposal.candidates) != num_candidates:
                raise ValueError(f"{len(proposal.candidates)} candidates where {num_candidates} were asked for")
            return proposal

        proposal = await self._patiently("policy", ask)
        self.meter.tokens += sum(candidate.num_tokens for candidate in proposal.candidates)
        return proposal

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """The reward model's scores. Raises EngineFailure where every attempt fails."""

        async def ask() -> Scores:
            scores = await self.reward.score(trajectories)
            if len(scores.values) != len(trajectories) or not all(-1 <= value <= 1 for value in scores.values):
                raise ValueError(f"values {scores.values} for {len(trajectories)} trajectories, each from -1 to 1")
            return scores

        return await self._patiently("reward model", ask)

    async def run(self, prefix: Sequence[Step], code: str) -> Execution:
        """The interpreter's execution. Raises EngineFailure where every attempt fails."""
        execution = await self._patiently("interpreter", lambda: self.interpreter.run(prefix, code))
        self.meter.executions += 1
        return execution

    async def _patiently(self, name: str, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await ask()
            except InputError:
                raise
            except Exception as error:
                if attempt == ATTEMPTS:
                    # An engine's own error says whose it is; anything else came from somewhere inside.
                    is_named = isinstance(error, EngineError)
                    text = str(error) if is_named else f"{name}: {type(error).__name__}: {error}"
                    raise EngineFailure(text) from error
                self.meter.num_retries += 1
                await asyncio.sleep(self.pause_seconds * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")
