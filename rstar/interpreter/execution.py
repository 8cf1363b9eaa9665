"""The life of a process that executes programs: wait for a request, fork, execute in the child, perhaps stay.

The first process of a worker (the jail) and every kept snapshot run the same loop. The child runs the request's
programs on the state it inherited; where it is to be kept and all went well it becomes a snapshot, which is: it runs
the loop in its turn. A snapshot whose own state is not needed any more may be told to go on by itself, without a fork.
"""

from __future__ import annotations

import _thread
import gc
import io
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from rstar.interpreter import chance, seccomp
from rstar.interpreter import request as protocol
from rstar.interpreter.display import Display
from rstar.interpreter.kernel import SiblingFork, die_with_parent
from rstar.interpreter.limits import limit_processor
from rstar.interpreter.step import (
    Outcome,
    StandardOutput,
    allow_recursion,
    as_text,
    new_namespace,
    official_runner,
    plain_runner,
)

MAX_DESCRIPTORS = 4
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_MAX_MESSAGE = 64 << 10
BROKEN = 70
"""Exit code of a process whose program broke the loop around it (EX_SOFTWARE of sysexits.h)."""
COSTLY_SECONDS = 0.003
"""Work that is worth a snapshot: about what a fork costs, so that replaying less is cheaper. Measured, see docs."""


@dataclass(slots=True)
class ExecutionSettings:
    """What all executions of a zygote share."""

    seconds: float
    output_bytes: int
    display: Display
    forbid_forking: bool = False
    """Whether the child itself must give up forking, because nobody supervises it."""
    dies_with_namespace: bool = False
    """Whether the monitor's death ends every process anyway, so that no death signal is needed."""


@dataclass(slots=True)
class Program:
    """The state of one path in this process."""

    namespace: dict[str, Any]
    output: StandardOutput
    run: Callable[[str, dict[str, Any]], Outcome]


def serve(control: int, settings: ExecutionSettings, serve_tame: Callable[[int, int], NoReturn]) -> NoReturn:
    """Answer requests that arrive on `control` until it closes, each in a process of its own."""
    fork, program = SiblingFork(), _begin(settings)
    channel = _as_channel(control)
    leave, close, receive, set_timer = os._exit, os.close, socket.recv_fds, signal.setitimer
    num_threads = _thread._count  # noqa: SLF001 - all others can be told lies by the program
    while True:
        # Only the word to fork arrives here: the request waits in the new process's channel, so that no worker ever
        # holds what one program is and another could find in its memory.
        word, descriptors, _, _ = receive(channel, 1, MAX_DESCRIPTORS)
        if not word:
            leave(0)
        goes_on = word == protocol.GO_ON
        if not (goes_on and num_threads() == 0) and fork() != 0:
            # Where the fork was refused the monitor sees the end of the execution's channel.
            for descriptor in descriptors:
                close(descriptor)
            if goes_on:
                leave(0)
            continue
        if goes_on:
            # As after a fork: a step's timers end with it.
            for timer in _TIMERS:
                set_timer(timer, 0)
        try:
            channel.close()
            channel = _as_channel(descriptors[0])
            channel.send(protocol.HELLO)
            if settings.forbid_forking:
                seccomp.forbid_forking()
            if not settings.dies_with_namespace:
                die_with_parent()
            asked = _receive(channel, descriptors)
            if asked.kind == protocol.TAME:
                serve_tame(descriptors[1], descriptors[2])
            _perform(asked, channel, descriptors[1], program, settings)
        except BaseException:  # noqa: BLE001 - the border around one program: no way out but the exit code
            leave(BROKEN)


def _as_channel(descriptor: int) -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, descriptor)


def _receive(channel: socket.socket, descriptors: list[int]) -> protocol.Request:
    data = channel.recv(_MAX_MESSAGE)
    return protocol.unpack(protocol.read_file(descriptors.pop()) if data == protocol.IN_FILE else data)


def _perform(
    asked: protocol.Request, channel: socket.socket, output: int, program: Program, settings: ExecutionSettings
) -> None:
    """Execute in this new process; returns where the process is to be kept."""
    limit_processor(settings.seconds * len(asked.codes), settings.seconds * protocol.MAX_STEPS_IN_PLACE)
    hidden, keep = [asked.secret], (asked.keep, time.perf_counter())
    codes = [code.decode("utf-8", "surrogatepass") for code in asked.codes]
    asked.secret = b""
    # The secret waits on the evaluation stack while the programs run: no variable of any frame holds it.
    if settings.forbid_forking:
        keep = (protocol.NEVER, 0.0)
    if not _finish(hidden.pop(), channel, keep, _execute(codes, program, output, channel)):
        os._exit(0)
    # The children's collector need not look at, and so copy, what this program made.
    gc.freeze()


def _begin(settings: ExecutionSettings) -> Program:
    """A fresh program, made once in the worker: what its children do not touch they need not copy."""
    output = StandardOutput(settings.output_bytes)
    stream = as_text(output)
    sys.stdout = sys.__stdout__ = stream  # type: ignore[misc]
    run = plain_runner(stream.write) if settings.display == "plain" else _official(stream)
    chance.seed_all()
    allow_recursion(frames_between=3)
    return Program(new_namespace(), output, run)


def _official(stream: io.TextIOWrapper) -> Callable[[str, dict[str, Any]], Outcome]:
    captured = io.StringIO()
    sys.stdout = captured

    def capture() -> str:
        text = captured.getvalue()
        captured.seek(0)
        captured.truncate()
        return text

    return official_runner(stream.write, capture)


def _execute(codes: list[str], program: Program, output: int, channel: socket.socket) -> Outcome:
    """Run all programs, the last one with its output on `output`; the first failure ends it."""
    outcome: Outcome = ("ok", "")
    if len(codes) > 1:
        os.dup2(2, 1)
    for number, code in enumerate(codes, start=1):
        if number == len(codes):
            os.dup2(output, 1)
            os.close(output)
        program.output.reset()
        outcome = program.run(code, program.namespace)
        if outcome[0] != "ok":
            break
        if number < len(codes):
            channel.send(protocol.STEP_DONE)
    return outcome


def _finish(secret: bytes, channel: socket.socket, keep: tuple[int, float], outcome: Outcome) -> bool:
    """Report; returns whether this process is to stay."""
    wish, started = keep
    is_costly = time.perf_counter() - started >= COSTLY_SECONDS
    is_kept = outcome[0] == "ok" and (wish == protocol.ALWAYS or (wish == protocol.IF_COSTLY and is_costly))
    channel.send(protocol.report(secret, *outcome, is_kept=is_kept))
    return is_kept
