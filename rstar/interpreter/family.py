"""The processes of a zygote: the workers' jails, the executions in them, the kept snapshots and the tame runners."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from dataclasses import dataclass, field

from rstar.interpreter.wire import Run

_CREDENTIALS_BYTES = socket.CMSG_SPACE(struct.calcsize("=iII"))
MAX_MESSAGE = 64 << 10


@dataclass(slots=True)
class Worker:
    """One jail: a process that fresh programs are forked from."""

    pid: int
    library: str
    """Which libraries it holds: `heavy` or `light`."""
    control: socket.socket
    listener: int
    """Where its descendants' forks ask for approval; -1 where nobody supervises them."""

    @property
    def worker(self) -> int:
        """Itself."""
        return self.pid


@dataclass(slots=True)
class Snapshot:
    """A process that stays, holding the state of a path."""

    id: int
    pid: int
    worker: int
    """Process id of the worker that it descends from, whose listener hears its forks."""
    control: socket.socket


@dataclass(slots=True)
class Execution:
    """A process that executes, or one that was asked for and has not said hello yet."""

    run: Run
    channel: socket.socket
    output: int
    """Read end of the pipe that holds what it prints."""
    secret: bytes
    parent: int
    """Process that was asked to fork it; its group holds the execution until it said hello."""
    worker: int
    deadline: float
    started: float = 0.0
    pid: int = 0
    steps_left: int = 0
    """Programs that have still to finish before the last one."""
    noise: int = 0
    """Messages that were not from our own code."""
    is_silent: bool = False
    """Whether its channel has ended, so that only its exit code can tell more."""


@dataclass(slots=True)
class TameRunner:
    """A process that runs tame programs for the supervisor, over a socket that only the two of them hold."""

    slot: int
    parent: int
    pid: int = 0
    channel: socket.socket | None = None


@dataclass(slots=True)
class Leaving:
    """A process that has reported and has only to exit."""

    pid: int
    deadline: float


@dataclass(slots=True)
class Family:
    """Who is who, by process id and by snapshot id."""

    workers: dict[int, Worker] = field(default_factory=dict)
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    snapshot_of: dict[int, Snapshot] = field(default_factory=dict)
    executions: dict[int, Execution] = field(default_factory=dict)
    execution_of: dict[int, Execution] = field(default_factory=dict)
    tame: dict[int, TameRunner] = field(default_factory=dict)
    leaving: dict[int, Leaving] = field(default_factory=dict)

    def knows(self, pid: int) -> bool:
        """Whether `pid` already has a role."""
        return (
            pid in self.workers
            or pid in self.snapshot_of
            or pid in self.execution_of
            or pid in self.leaving
            or any(runner.pid == pid for runner in self.tame.values())
        )


def channel_pair() -> tuple[socket.socket, socket.socket]:
    """Our end, which learns every sender's true process id from the kernel, and the execution's end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    ours.setblocking(False)
    return ours, theirs


def receive(channel: socket.socket) -> tuple[bytes, int] | None:
    """The next message and its sender's process id; (b"", 0) at the end, None where nothing waits."""
    try:
        # The buffer holds the credentials and nothing else: descriptors that a program sends are closed by the kernel.
        data, extra, _, _ = channel.recvmsg(MAX_MESSAGE, _CREDENTIALS_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b"", 0
    pid = next((struct.unpack_from("=i", content)[0] for _, _, content in extra if len(content) >= 12), 0)
    return data, pid


def read_output(descriptor: int, max_bytes: int) -> bytes:
    """What waits in a pipe, at most `max_bytes`; never blocks."""
    try:
        return os.read(descriptor, max_bytes)
    except OSError:
        return b""


def kill(pid: int) -> None:
    """End a process, and whatever it forked and is not ours yet."""
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(pid, signal.SIGKILL)


def signal_process(pid: int, number: signal.Signals) -> None:
    """Send a signal to a child of ours, if it still lives."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def judge_end(code: int, processor_seconds: float, limit_seconds: float) -> tuple[str, str] | None:
    """Status and error of an execution whose process ended without a report, by its exit code (minus the signal).

    None where it was killed and nobody here did it: the kernel lacked memory, or somebody meddles. Worth another try.
    """
    if code in {-signal.SIGKILL, -signal.SIGXCPU}:
        if code == -signal.SIGKILL and processor_seconds < limit_seconds:
            return None
        return "timeout", f"used more than {limit_seconds:g} s of processor time"
    if code < 0:
        return "error", f"ended by {signal.Signals(-code).name}"
    return "error", f"left the interpreter with exit code {code}"
