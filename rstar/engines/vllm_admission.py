"""How many samples an engine is handed at a time: as many as keep it busy, and no more than its memory holds.

vLLM takes whatever it is given, and where blocks for keys and values run out it throws a running sample out, to compute
it again later (a preemption). So requests wait here, in order, until there is room. A running sample holds its prompt,
which the samples of a request share, and what it has written so far. Over the samples that run at some moment that is
a number with the mean E[L^2] / (2 E[L]) and the second moment E[L^3] / (3 E[L]) for lengths L: a long one is met more
often, and at any of its tokens. Both are measured as samples end; n of them hold n means and two standard deviations
of the sum. What is planned for is made larger each time that a preemption shows that it was too little.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

AHEAD = 1.25
"""Samples handed over per sample that runs at once: the engine must not wait for its next one. Chosen, not tuned."""
DEVIATIONS = 2.0
"""Standard deviations of what all hold together, beside its mean. Chosen, not tuned."""
CAUTION = 1.25
"""Factor on what a sample is taken to hold, for each step in which samples were thrown out. Chosen, not tuned."""
MAX_MARGIN = 16.0
FORGET = 0.995
"""Weight of the past when a length is added: about the last 200 count. Chosen, not tuned."""
CALM = 500
"""Ended samples without a preemption after which the factor is taken back one step. Chosen, not tuned."""


@dataclass(slots=True)
class Lengths:
    """What generated lengths have been, recent ones first; before the first, the longest that can be."""

    longest: int
    _sums: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the lengths, their squares and their cubes, the past weighted down."""

    def add(self, length: int) -> None:
        """Note a sample's length, in tokens."""
        first, second, third = (each * FORGET for each in self._sums)
        self._sums = (first + length, second + length**2, third + length**3)

    @property
    def held(self) -> float:
        """Tokens that a running sample has written, on average."""
        first, second, _ = self._sums
        return second / (2 * first) if first else self.longest / 2

    @property
    def deviation(self) -> float:
        """The standard deviation of that number."""
        first, _, third = self._sums
        if not first:
            return self.longest / math.sqrt(12)
        return math.sqrt(max(0.0, third / (3 * first) - self.held**2))


@dataclass(slots=True)
class Prompt:
    """A prompt that the samples of a request share."""

    tokens: int
    num_inside: int = 0
    """Samples of it that are let in; its tokens are held for as long as there are any."""


@dataclass(slots=True)
class Admission:
    """A door in front of one engine. Used in one event loop."""

    capacity_tokens: int
    """Tokens whose keys and values the engine's memory holds."""
    max_samples: int
    """Samples that the engine runs at once."""
    lengths: Lengths
    block_tokens: int = 16
    num_inside: int = 0
    prompt_tokens: int = 0
    """Of those inside, shared ones counted once."""
    margin: float = 1.0
    most_inside: int = 0
    _num_calm: int = 0
    _waiting: deque[tuple[asyncio.Future[None], Prompt]] = field(default_factory=deque)

    @property
    def num_waiting(self) -> int:
        """Samples in front of the door."""
        return len(self._waiting)

    @asynccontextmanager
    async def place(self, prompt: Prompt) -> AsyncIterator[None]:
        """Wait for room for a sample of a prompt."""
        await self._enter(prompt)
        try:
            yield
        finally:
            self._leave(prompt)

    def needed(self, num_samples: int, prompt_tokens: int) -> float:
        """Tokens of memory that so many samples are taken to hold, the ends of their first and last blocks included."""
        written = num_samples * self.lengths.held + DEVIATIONS * math.sqrt(num_samples) * self.lengths.deviation
        return prompt_tokens + written * self.margin + num_samples * self.block_tokens

    def note_length(self, length: int) -> None:
        """A sample has ended after `length` tokens."""
        self.lengths.add(length)
        self._num_calm += 1
        if self._num_calm >= CALM:
            self.margin, self._num_calm = max(1.0, self.margin / CAUTION), 0

    def note_preemption(self) -> None:
        """The engine has thrown samples out in one of its steps: it was handed too many."""
        self.margin, self._num_calm = min(self.margin * CAUTION, MAX_MARGIN), 0

    def _has_room(self, prompt: Prompt) -> bool:
        if self.num_inside == 0:
            return True
        is_few = self.num_inside < self.max_samples * AHEAD
        tokens = self.prompt_tokens + (0 if prompt.num_inside else prompt.tokens)
        return is_few and self.needed(self.num_inside + 1, tokens) <= self.capacity_tokens

    async def _enter(self, prompt: Prompt) -> None:
        """Come in when it is one's turn."""
        if not self._waiting and self._has_room(prompt):
            self._admit(prompt)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, prompt))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # It was let in at the moment at which nobody wanted it any more.
                self._leave(prompt)
            raise

    def _admit(self, prompt: Prompt) -> None:
        self.num_inside += 1
        prompt.num_inside += 1
        if prompt.num_inside == 1:
            self.prompt_tokens += prompt.tokens
        self.most_inside = max(self.most_inside, self.num_inside)

    def _leave(self, prompt: Prompt) -> None:
        self.num_inside -= 1
        prompt.num_inside -= 1
        if prompt.num_inside == 0:
            self.prompt_tokens -= prompt.tokens
        while self._waiting:
            turn, wanted = self._waiting[0]
            if not turn.done():
                if not self._has_room(wanted):
                    return
                self._admit(wanted)
                turn.set_result(None)
            self._waiting.popleft()
