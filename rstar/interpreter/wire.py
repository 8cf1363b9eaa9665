"""Messages between the supervisor (in the search process) and the zygote: length-framed bytes, never pickles."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

# Supervisor to zygote.
RUN, DROP, START_TAME, KILL_TAME = b"R", b"K", b"T", b"k"
# Zygote to supervisor.
READY, RESULT, GONE, LOST, DIED = b"r", b"x", b"g", b"l", b"d"

STATUSES = ("ok", "error", "timeout", "memory", "refused")
_HEADER = struct.Struct("=Ic")
_RUN = struct.Struct("=QQQB??I")
_RESULT = struct.Struct("=QB?dII")
MAX_FRAME_BYTES = 256 << 20
"""Beyond this the other side is broken: a path of 16 steps of 1 MiB is far below."""


@dataclass(frozen=True, slots=True)
class Run:
    """An execution that the supervisor asks for."""

    id: int
    source: int
    """Snapshot whose state it starts from; 0 for a fresh program."""
    keep_as: int
    """Snapshot id under which the process may stay when all went well; 0 to let it end."""
    keep: int
    """See request.py: whether it stays in any case or only where it was costly."""
    library: str
    """`heavy` or `light`: the libraries that a fresh program finds already imported."""
    codes: tuple[bytes, ...]
    """Programs in order; only the last one's result counts."""
    in_place: bool = False
    """Whether the snapshot itself goes on, instead of a fork of it: its own state ends with that."""


@dataclass(frozen=True, slots=True)
class Result:
    """How an execution ended, as the zygote saw it."""

    id: int
    status: str
    is_replay_failure: bool
    """Whether it was not the last program that failed but one that rebuilds the state."""
    seconds: float
    """Wall time of the last program."""
    private_kib: int
    """Memory that a kept process does not share, at least 1; 0 where it was not kept."""
    stdout: bytes
    error: str


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """One message."""
    return _HEADER.pack(len(payload), kind) + payload


class Frames:
    """Cuts a stream of bytes into messages."""

    def __init__(self, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._buffer = bytearray()
        self._max_bytes = max_bytes

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """(kind, payload) of every message that is complete after `data`. Raises ValueError on a broken stream."""
        self._buffer += data
        start, found = 0, []
        while len(self._buffer) - start >= _HEADER.size:
            size, kind = _HEADER.unpack_from(self._buffer, start)
            if size > self._max_bytes:
                raise ValueError(f"a message of {size} bytes")
            end = start + _HEADER.size + size
            if len(self._buffer) < end:
                break
            found.append((kind, bytes(self._buffer[start + _HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return found


def pack_run(run: Run) -> bytes:
    """The payload of a RUN message."""
    parts = [_RUN.pack(run.id, run.source, run.keep_as, run.keep, run.library == "heavy", run.in_place, len(run.codes))]
    for code in run.codes:
        parts += [struct.pack("=I", len(code)), code]
    return b"".join(parts)


def unpack_run(payload: bytes) -> Run:
    """What `pack_run` wrote."""
    identity, source, keep_as, keep, is_heavy, in_place, count = _RUN.unpack_from(payload)
    start, codes = _RUN.size, []
    for _ in range(count):
        (size,) = struct.unpack_from("=I", payload, start)
        codes.append(payload[start + 4 : start + 4 + size])
        start += 4 + size
    return Run(identity, source, keep_as, keep, "heavy" if is_heavy else "light", tuple(codes), in_place)


def pack_result(result: Result) -> bytes:
    """The payload of a RESULT message."""
    status = STATUSES.index(result.status)
    head = _RESULT.pack(
        result.id, status, result.is_replay_failure, result.seconds, result.private_kib, len(result.stdout)
    )
    return head + result.stdout + result.error.encode("utf-8", "replace")


def unpack_result(payload: bytes) -> Result:
    """What `pack_result` wrote."""
    identity, status, is_replay_failure, seconds, private_kib, size = _RESULT.unpack_from(payload)
    text = payload[_RESULT.size :]
    error = text[size:].decode("utf-8", "replace")
    return Result(identity, STATUSES[status], is_replay_failure, seconds, private_kib, text[:size], error)


def pack_numbers(numbers: Sequence[int]) -> bytes:
    """Ids as bytes."""
    return struct.pack(f"={len(numbers)}Q", *numbers)


def unpack_numbers(payload: bytes) -> tuple[int, ...]:
    """What `pack_numbers` wrote."""
    return struct.unpack(f"={len(payload) // 8}Q", payload)
