"""Answers to the system call filter's questions: may this process fork?

A process of the jail forks only when the monitor has just asked it to. The question names the asking thread by the
kernel's word, and its arguments are registers, which cannot change while it waits.
"""

from __future__ import annotations

import contextlib
import fcntl
import struct
from collections import Counter
from errno import EPERM

# From linux/seccomp.h: SECCOMP_IOCTL_NOTIF_RECV and _SEND, struct seccomp_notif (80 bytes) and _resp (24 bytes).
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_QUESTION_BYTES = 80
_CONTINUE = 1


MAX_ATTEMPTS = 4
"""Forks that one request may try: a signal, of a timer that the program set, interrupts one and has it asked again."""


class Approvals:
    """The forks that each process was asked for and that have not shown up yet."""

    def __init__(self) -> None:
        self._asked: Counter[int] = Counter()
        self._tried: Counter[int] = Counter()

    def expect(self, pid: int) -> None:
        """Approve one more fork of `pid`."""
        self._asked[pid] += 1

    def is_expected(self, pid: int) -> bool:
        """Whether `pid` has a fork to make."""
        return self._asked[pid] > 0

    def note_made(self, pid: int) -> None:
        """A child that `pid` was asked for has shown up."""
        self._asked[pid] -= 1
        if self._asked[pid] <= 0:
            self.forget(pid)

    def forget(self, pid: int) -> None:
        """Approve nothing of `pid`: it is gone, or has made all its forks."""
        self._asked.pop(pid, None)
        self._tried.pop(pid, None)

    def answer(self, listener: int) -> None:
        """Answer the question that waits on `listener`, if it still does."""
        question = bytearray(_QUESTION_BYTES)
        # The asking process may have been killed meanwhile.
        with contextlib.suppress(OSError):
            fcntl.ioctl(listener, _RECEIVE, question)
            identity, pid = struct.unpack_from("=QI", question)
            is_granted = self._tried[pid] < MAX_ATTEMPTS * self._asked[pid]
            if is_granted:
                self._tried[pid] += 1
            verdict = (0, _CONTINUE) if is_granted else (-EPERM, 0)
            fcntl.ioctl(listener, _SEND, struct.pack("=QqiI", identity, 0, *verdict))
