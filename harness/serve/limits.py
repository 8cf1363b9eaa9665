"""How much a client may ask for, how many searches run and wait, and when a full server may be asked again."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.serve.errors import ApiError
from tasks.types import InputError

_MAX_RETRY_SECONDS = 60
_NEWEST = 0.1
"""Weight of the newest search in the mean duration. Chosen, not tuned."""


@dataclass(frozen=True, slots=True)
class Limits:
    """All chosen, not tuned, unless said otherwise. Raises InputError, naming the flag, for a value out of range."""

    concurrency: int = 64
    """Searches at a time: as many as a run does (`harness.run.CONCURRENCY`)."""
    queue: int = 256
    """Searches that may wait for their turn."""
    max_budget: int = 64
    """Trajectories of one request, its n choices together. 64: the largest budget of the paper."""
    max_prompt_tokens: int = 2048
    """Tokens of a question with its prompt: half of the default context, the other half is for the solution."""
    max_body_bytes: int = 1 << 20
    """Of a request's body."""
    max_connections: int = 1000
    """Open connections; a shell allows 1,024 descriptors by default."""
    request_seconds: float = 600.0
    """From the request's last byte to the reply's, waiting included: the official client's own default."""
    read_seconds: float = 30.0
    """For a client to send a request."""
    write_seconds: float = 30.0
    """For a client to take a piece of a reply."""
    keep_alive_seconds: float = 10.0
    """Between two signs of life on a stream that has nothing to say."""
    drain_seconds: float = 30.0
    """For searches in flight to end when the server is told to stop."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not (0 if name in ("queue", "drain_seconds") else 1e-3) <= value < math.inf:
                raise InputError(f"--{name.replace('_', '-')} {value}: is out of range; use a larger number")

    @property
    def capacity(self) -> int:
        """Searches that may be in the server at once."""
        return self.concurrency + self.queue


class Admission:
    """The searches that run and wait. Belongs to one event loop."""

    def __init__(self, limits: Limits) -> None:
        """Nothing runs yet."""
        self.limits = limits
        self.num_admitted = 0
        self.num_running = 0
        self._turns = asyncio.Semaphore(limits.concurrency)
        self._mean_seconds = 1.0

    @property
    def num_waiting(self) -> int:
        """Searches that were admitted and have not begun."""
        return self.num_admitted - self.num_running

    def admit(self, num_searches: int) -> Ticket:
        """Take a request's searches in. Raises ApiError 429, with a time to come back, where there is no room."""
        if self.num_admitted + num_searches > self.limits.capacity:
            seconds = self.retry_seconds(num_searches)
            raise ApiError(
                429,
                f"the queue is full: {self.num_admitted} of {self.limits.capacity} places are taken and this request "
                f"needs {num_searches}; try again in {seconds} s",
                code="queue_full",
                headers={"retry-after": str(seconds)},
            )
        self.num_admitted += num_searches
        return Ticket(self, num_searches)

    def retry_seconds(self, num_searches: int) -> int:
        """When about there will be room for `num_searches`, in whole seconds, 1 to 60."""
        rounds = (self.num_waiting + num_searches) / self.limits.concurrency
        return max(1, min(_MAX_RETRY_SECONDS, math.ceil(rounds * self._mean_seconds)))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place among the running, in order of arrival, and hold it."""
        loop = asyncio.get_running_loop()
        async with self._turns:
            self.num_running += 1
            begin = loop.time()
            try:
                yield
                self._mean_seconds += _NEWEST * (loop.time() - begin - self._mean_seconds)
            finally:
                self.num_running -= 1


class Ticket:
    """A request's place in the server, given back once, by whoever ends the request."""

    def __init__(self, admission: Admission, num_searches: int) -> None:
        """`num_searches` are counted already."""
        self._admission, self._num_searches = admission, num_searches

    def leave(self) -> None:
        """Give the place back. May be called twice."""
        self._admission.num_admitted -= self._num_searches
        self._num_searches = 0
