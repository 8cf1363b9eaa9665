"""When a request to a server is made again, and after which pause: seeded, so that a test knows it beforehand."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from rstar.engines.worker import EngineError
from rstar.seeds import generator

ATTEMPTS = 5
"""Of one request that fails for another reason than too many requests; with the pauses below some 10 seconds, enough
for a proxy that restarts. Chosen, not tuned."""
TIMEOUT_ATTEMPTS = 2
"""Of one request that is not answered in time: each costs minutes. Chosen, not tuned."""
FIRST_PAUSE_SECONDS = 0.5
"""Before the second attempt; twice that before each following one. Chosen, not tuned."""
LONGEST_PAUSE_SECONDS = 60.0
"""Rate limits of hosted servers are stated per minute."""
PATIENCE_SECONDS = 900.0
"""That one request waits in all where a server says that it is asked too often. Chosen, not tuned."""
RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
"""Too early, too often, or the server's own trouble (529: overloaded, as some hosted servers say it)."""


class Retryable(Exception):
    """One attempt failed in a way that another may not; the text says how."""

    def __init__(self, text: str, *, is_limit: bool = False, is_timeout: bool = False, wait: float = 0.0) -> None:
        """`is_limit`: the server was asked too often; `wait`: the seconds that it asks for, 0 where it says none."""
        super().__init__(text)
        self.is_limit, self.is_timeout, self.wait = is_limit, is_timeout, wait


@dataclass(slots=True)
class Retries:
    """The attempts of one request."""

    seed: int
    """Of the jitter."""
    first_pause: float = FIRST_PAUSE_SECONDS
    patience: float = PATIENCE_SECONDS
    attempts: int = ATTEMPTS
    _num_failed: int = 0
    _num_limited: int = 0
    _num_timeouts: int = 0
    _waited: float = 0.0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = generator(self.seed, "retries")

    def pause(self, error: Retryable) -> float:
        """Seconds to wait before the next attempt. Raises EngineError where there is to be none."""
        self._num_timeouts += error.is_timeout
        if error.is_limit:
            self._num_limited += 1
        else:
            self._num_failed += 1
        if self._num_failed >= self.attempts or self._num_timeouts >= TIMEOUT_ATTEMPTS:
            count = self._num_failed + self._num_limited
            times = f" (asked {count} times)" if count > 1 else ""
            raise EngineError(f"{error}{times}") from error
        doublings = max(self._num_failed, self._num_limited) - 1
        longest = min(self.first_pause * 2.0**doublings, LONGEST_PAUSE_SECONDS)
        # Half of it is drawn, so that requests that failed together do not come back together.
        pause = float(error.wait) + longest * self._random.uniform(0.5, 1.0)
        self._waited += pause
        if self._waited > self.patience:
            raise EngineError(f"{error}; waited for {self._waited - pause:.0f} s, the next wait would be {pause:.0f} s")
        return pause


def retry_after(value: str | None, now: datetime | None = None) -> float:
    """The seconds that a `Retry-After` header asks for, as a number or as a date; 0 where it says nothing readable."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return 0.0
        seconds = (moment.astimezone(UTC) - (now or datetime.now(UTC))).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0
