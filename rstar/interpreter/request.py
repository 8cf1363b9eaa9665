"""Requests and reports between the monitor and the processes that execute programs.

A word with descriptors has a process fork. The request itself waits, as one message, in the new process's own channel
(a sequenced-packet socket), and reports come back on it, opened by a secret that only this execution was told.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass

SECRET_BYTES = 16
INLINE_BYTES = 48 << 10
"""A longer request travels in an anonymous file: a message must fit a socket's buffer (208 KiB by default)."""

RUN, TAME = b"R", b"T"
FORK = b"F"
"""The word to a worker or a snapshot; the new process's channel, which holds its request, comes with it."""
GO_ON = b"G"
"""The word to a snapshot that is to execute the request itself; with the same channel."""
IN_FILE = b"M"
"""The whole message where the request is in the last descriptor."""
MAX_STEPS_IN_PLACE = 8
"""Steps that one process may execute after its first one. Chosen, not tuned: bounds its processor time."""
NEVER, IF_COSTLY, ALWAYS = 0, 1, 2
HELLO, STEP_DONE = b"H", b"S"
_LEAVES, _STAYS = b"L", b"K"
STATUSES = ("ok", "error", "memory")
MAX_REPORT_BYTES = 16 << 10


@dataclass(slots=True)
class Request:
    """What one execution is to do."""

    kind: bytes
    secret: bytes
    keep: int
    """NEVER, IF_COSTLY or ALWAYS: whether the process stays as a snapshot when all went well."""
    codes: Sequence[bytes]
    """Programs (UTF-8, lone surrogates passed) to execute one after the other; only the last one's output counts."""


def pack(request: Request) -> bytes:
    """The request as bytes."""
    parts = [struct.pack("=c16sBI", request.kind, request.secret, request.keep, len(request.codes))]
    for code in request.codes:
        parts += [struct.pack("=I", len(code)), code]
    return b"".join(parts)


def unpack(data: bytes) -> Request:
    """The request that `pack` wrote."""
    kind, secret, keep, count = struct.unpack_from("=c16sBI", data)
    start = struct.calcsize("=c16sBI")
    codes = []
    for _ in range(count):
        (size,) = struct.unpack_from("=I", data, start)
        codes.append(data[start + 4 : start + 4 + size])
        start += 4 + size
    return Request(kind, secret, keep, codes)


def in_file(data: bytes) -> int:
    """A descriptor of an anonymous file that holds `data`."""
    descriptor = os.memfd_create("request", os.MFD_CLOEXEC)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    return descriptor


def read_file(descriptor: int) -> bytes:
    """All that `in_file` wrote; closes the descriptor."""
    parts, offset = [], 0
    while part := os.pread(descriptor, 1 << 20, offset):
        parts.append(part)
        offset += len(part)
    os.close(descriptor)
    return b"".join(parts)


def report(secret: bytes, status: str, error: str, *, is_kept: bool) -> bytes:
    """The last word of an execution."""
    text = error.encode("utf-8", "backslashreplace")[: MAX_REPORT_BYTES - 64]
    return secret + (_STAYS if is_kept else _LEAVES) + bytes([STATUSES.index(status)]) + text


def read_report(data: bytes, secret: bytes) -> tuple[str, str, bool] | None:
    """Status, error and whether the process stays; None where `data` is anything but a report of `secret`'s owner."""
    kind, status = data[SECRET_BYTES : SECRET_BYTES + 1], data[SECRET_BYTES + 1 : SECRET_BYTES + 2]
    if data[:SECRET_BYTES] != secret or kind not in {_STAYS, _LEAVES} or not status or status[0] >= len(STATUSES):
        return None
    return STATUSES[status[0]], data[SECRET_BYTES + 2 :].decode("utf-8", "replace"), kind == _STAYS


def as_message(request: Request) -> tuple[bytes, list[int]]:
    """The message for a request, and the descriptors that the new process needs for it; the caller's to close."""
    data = pack(request)
    return (data, []) if len(data) <= INLINE_BYTES else (IN_FILE, [in_file(data)])
