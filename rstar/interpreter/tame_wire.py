"""Messages between the supervisor and a tame runner, and the board that the runner's output stands on.

The board is a file in memory that both sides map: what a program printed is there even when the kernel has just
ended it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Literal

ASK, ANSWER, UNTAME = b"q", b"a", b"u"
HEADER = struct.Struct("=I")
"""At the board's start: how many bytes of output follow."""
_ANSWER = struct.Struct("=BdI")
Status = Literal["ok", "error", "memory"]
STATUSES: tuple[Status, ...] = ("ok", "error", "memory")
_NUMBERS: dict[str, int] = {status: number for number, status in enumerate(STATUSES)}
MAX_ANSWER_BYTES = 64 << 10
"""An answer's error text is bounded (step.py) and its output is on the board. Chosen, not tuned."""


def pack_codes(codes: Sequence[bytes]) -> bytes:
    """The payload of an ASK message: the path's codes and, last, the one whose result is wanted."""
    return b"".join([HEADER.pack(len(code)) + code for code in codes])


def unpack_codes(payload: bytes) -> tuple[bytes, ...]:
    """What `pack_codes` wrote."""
    start, codes = 0, []
    while start < len(payload):
        (size,) = HEADER.unpack_from(payload, start)
        start += HEADER.size
        codes.append(payload[start : start + size])
        start += size
    return tuple(codes)


def pack_answer(status: str, seconds: float, error: str, num_bytes: int) -> bytes:
    """The payload of an ANSWER message; the output itself is on the board."""
    return _ANSWER.pack(_NUMBERS[status], seconds, num_bytes) + error.encode("utf-8", "backslashreplace")


def unpack_answer(payload: bytes) -> tuple[Status, float, int, str]:
    """Status, seconds, size of the output in bytes, error. Raises ValueError for what `pack_answer` never writes."""
    if len(payload) < _ANSWER.size:
        raise ValueError(f"an answer of {len(payload)} bytes")
    status, seconds, num_bytes = _ANSWER.unpack_from(payload)
    if status >= len(STATUSES):
        raise ValueError(f"an answer with status {status}")
    return STATUSES[status], seconds, num_bytes, payload[_ANSWER.size :].decode("utf-8", "replace")
