"""What programs did, by the key of the state that they led to; bounded, the oldest goes first."""

from __future__ import annotations

from collections import OrderedDict

from rstar.types import Execution

MAX_RESULTS = 50_000
MAX_CHARS = 32 << 20
"""Bounds on the number of results and on their text. Chosen, not tuned: one problem's search makes some thousands."""
_OWN_CHARS = 200
"""What a result takes beside its text."""


class RememberedResults:
    """The results of programs that have run. Reading is safe from any thread."""

    def __init__(self) -> None:
        self._results: OrderedDict[bytes, Execution] = OrderedDict()
        self._chars = 0

    def __len__(self) -> int:
        return len(self._results)

    def __contains__(self, key: bytes) -> bool:
        return key in self._results

    def get(self, key: bytes) -> Execution | None:
        """The result of the program with this key, if it is remembered."""
        return self._results.get(key)

    def seconds(self, key: bytes) -> float:
        """How long the program with this key took; 0 where it is not remembered."""
        known = self._results.get(key)
        return known.seconds if known is not None else 0.0

    def add(self, key: bytes, execution: Execution) -> None:
        """Remember a result."""
        self._results[key] = execution
        self._chars += _size(execution)
        while len(self._results) > MAX_RESULTS or self._chars > MAX_CHARS:
            _, oldest = self._results.popitem(last=False)
            self._chars -= _size(oldest)


def _size(execution: Execution) -> int:
    return len(execution.stdout) + len(execution.error) + _OWN_CHARS
