"""What a search has cost so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields

from rstar.protocols import Clock
from rstar.types import Proposal, Scores, Usage

_COUNTERS = tuple(each.name for each in fields(Usage) if each.name != "wall_seconds")


@dataclass(slots=True)
class Ledger:
    """Adds up the cost of one search, or of one of its independent parts.

    What is counted comes with each engine's reply, so a reply from the journal costs what it cost the first time.
    """

    clock: Clock = time.monotonic
    start: float | None = None
    """Moment on `clock` from which wall time counts; None: now."""
    _usage: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_COUNTERS, 0))
    _start: float = field(init=False)

    def __post_init__(self) -> None:
        self._start = self.clock() if self.start is None else self.start

    def add_proposal(self, proposal: Proposal) -> None:
        """Count one request to the policy."""
        usage = self._usage
        usage["requests"] += 1
        usage["candidates"] += len(proposal.candidates)
        usage["prompt_tokens"] += proposal.prompt_tokens
        usage["cached_tokens"] += proposal.cached_tokens
        usage["completion_tokens"] += sum(candidate.num_tokens for candidate in proposal.candidates)
        usage["engine_seconds"] += proposal.seconds

    def add_scores(self, scores: Scores) -> None:
        """Count one request to the reward model."""
        usage = self._usage
        usage["scored"] += len(scores.values)
        usage["reward_tokens"] += scores.tokens
        usage["cached_reward_tokens"] += scores.cached_tokens
        usage["engine_seconds"] += scores.seconds

    def add_executions(self, count: int) -> None:
        """Count `count` programs."""
        self._usage["executions"] += count

    def usage(self) -> Usage:
        """The cost up to now."""
        return Usage(**self._usage, wall_seconds=self.clock() - self._start)  # type: ignore[arg-type]


def combined(first: Usage, second: Usage) -> Usage:
    """The cost of two parts of a search that ran side by side: counts add up, wall time is that of the longer one."""
    sums = {name: getattr(first, name) + getattr(second, name) for name in _COUNTERS}
    return Usage(**sums, wall_seconds=max(first.wall_seconds, second.wall_seconds))
