"""Asking the processes of a zygote to fork, and taking in what they fork."""

from __future__ import annotations

import os
import signal
import socket

from rstar.interpreter import request as protocol
from rstar.interpreter.approval import Approvals
from rstar.interpreter.family import Family, Snapshot, Worker, channel_pair, kill, signal_process


class Forks:
    """Knows who may fork, and stops every snapshot that has no fork to make."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self._approvals = Approvals()
        self._turn = 0

    def answer(self, listener: int) -> None:
        """Answer a process that asks the system call filter for a fork."""
        self._approvals.answer(listener)

    def parent(self, source: int, library: str) -> Worker | Snapshot | None:
        """The process to fork from, for a snapshot id or, for 0, the next worker in turn that holds `library`."""
        if source:
            return self._family.snapshots.get(source)
        workers = [worker for worker in self._family.workers.values() if worker.library == library]
        self._turn += 1
        return workers[self._turn % len(workers)] if workers else None

    def ask(
        self, parent: Worker | Snapshot, asked: protocol.Request, descriptors: list[int], word: bytes = protocol.FORK
    ) -> socket.socket | None:
        """Ask `parent` to fork or to go on; returns our end of the execution's channel, None where it does not listen.

        One that is to go on may fork as well: a thread that a program left must not live on in the next step.
        """
        ours, theirs = channel_pair()
        message, files = protocol.as_message(asked)
        try:
            ours.send(message)
            passed = [theirs.fileno(), *descriptors, *files]
            socket.send_fds(parent.control, [word], passed, socket.MSG_DONTWAIT)
        except OSError:
            # It is dead, or a program keeps it from reading; either way it is of no use.
            kill(parent.pid)
            ours.close()
            return None
        finally:
            theirs.close()
            for file in files:
                os.close(file)
        self._approvals.expect(parent.pid)
        if isinstance(parent, Snapshot):
            signal_process(parent.pid, signal.SIGCONT)
        return ours

    def adopt(self, pid: int) -> bool:
        """Take a new process of ours into its own group. False where `pid` is not a new child."""
        if self._family.knows(pid):
            return False
        try:
            os.setpgid(pid, pid)
        except ProcessLookupError:
            return False
        except PermissionError:
            # Only where it died in between.
            return True
        return True

    def note_made(self, pid: int) -> None:
        """A fork that `pid` was asked for has shown up, or never will."""
        self._approvals.note_made(pid)
        self.pause(pid)

    def pause(self, pid: int) -> None:
        """Stop a snapshot that has no fork to make: a signal during a fork would have it made again."""
        if pid in self._family.snapshot_of and not self._approvals.is_expected(pid):
            signal_process(pid, signal.SIGSTOP)

    def forget(self, pid: int) -> None:
        """`pid` is gone; another process may get its number."""
        self._approvals.forget(pid)
