"""The interpreter that a search awaits, and the blocking functions for everyone else.

The supervisor lives in a thread with an event loop of its own: a search's loop may be busy, may be replaced by another,
or may not exist, and clocks and processes go on regardless.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, Self

from rstar.interpreter.layers import SandboxReport, check_system
from rstar.interpreter.programs import Program
from rstar.interpreter.settings import InterpreterSettings
from rstar.interpreter.supervisor import Deliver, Supervisor, not_started, zygote_settings
from rstar.interpreter.zygote_client import LostError, ZygoteClient
from rstar.types import Execution, Step
from tasks.types import InputError

_END_SECONDS = 10.0


class _Host:
    """The thread, its loop and the supervisor in it."""

    def __init__(self, settings: InterpreterSettings) -> None:
        self._loop = asyncio.new_event_loop()
        self.supervisor = Supervisor(settings)
        self._inbox: deque[tuple[Program, Deliver]] = deque()
        self._is_called = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._live, name="rstar-interpreter", daemon=True)
        self._thread.start()

    def start(self) -> Future[SandboxReport]:
        """Start the processes; the future raises InputError where they do not come up as required."""
        return asyncio.run_coroutine_threadsafe(self._start(), self._loop)

    def submit(self, program: Program, deliver: Deliver) -> None:
        """Have `deliver` called, in the host's thread, with what `program` does."""
        with self._lock:
            self._inbox.append((program, deliver))
            # One call for all that arrive before the thread comes to them.
            if not self._is_called:
                self._is_called = True
                self._loop.call_soon_threadsafe(self._take)

    def stop(self) -> None:
        """End the processes and the thread. May be called twice, and while the program ends."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_END_SECONDS)

    def _take(self) -> None:
        with self._lock:
            self._is_called = False
            taken = list(self._inbox)
            self._inbox.clear()
        for program, deliver in taken:
            self.supervisor.submit(program, deliver)

    async def _start(self) -> SandboxReport:
        try:
            return await self.supervisor.start()
        except LostError as error:
            raise not_started(error) from None

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            # Inside the loop, because the supervisor still uses it to let go of descriptors.
            self._loop.run_until_complete(self._end())
            self._loop.close()

    async def _end(self) -> None:
        self._take()
        self.supervisor.stop()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


class _Replies:
    """Brings results into a caller's event loop, many per wake-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ready: deque[tuple[asyncio.Future[Execution], Execution | BaseException]] = deque()

    def expect(self) -> tuple[asyncio.Future[Execution], Deliver]:
        """A future of the caller's loop, and what to call for its result from any thread."""
        future = self._loop.create_future()

        def deliver(outcome: Execution | BaseException) -> None:
            # In this order: an entry that another thread takes out at once needs no wake-up, one that stays has it.
            self._ready.append((future, outcome))
            if len(self._ready) == 1:
                # The loop may have been closed by a caller that does not wait any more.
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._hand_over)

        return future, deliver

    def _hand_over(self) -> None:
        while self._ready:
            future, outcome = self._ready.popleft()
            if future.done():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


class SandboxInterpreter:
    """Runs the code of steps in contained processes; implements `rstar.protocols.Interpreter`.

    A step that fails leaves no trace: the steps after it run on the state as it was before. So a prefix step counts
    only where its execution is `ok`; one without an execution is run first (and remembered) to know.

    Raises InputError at once for a setting that is out of range, and on the first use on a machine that does not reach
    `require_sandbox`. Many calls may be awaited at once, from several event loops too.
    """

    def __init__(
        self,
        *,
        seconds: float = 5.0,
        memory_mb: int = 1024,
        output_chars: int = 16_000,
        workers: int | None = None,
        display: str = "plain",
        require_sandbox: str | None = None,
        max_snapshots: int = 128,
        max_snapshot_mb: int = 1024,
    ) -> None:
        """See `InterpreterSettings` for what each setting means, its unit and its range."""
        self.settings = InterpreterSettings.checked(
            seconds, memory_mb, output_chars, workers, display, require_sandbox, max_snapshots, max_snapshot_mb
        )
        check_system()
        self._host: _Host | None = None
        self._lock = threading.Lock()
        self._finalizer: weakref.finalize[[], SandboxInterpreter] | None = None
        self._is_closed = False
        self._replies: dict[asyncio.AbstractEventLoop, _Replies] = {}
        self._pid = os.getpid()

    async def run(self, prefix: Sequence[Step], code: str) -> Execution:
        """What `code` does on the state that the steps of `prefix` left. Never raises for what the code does."""
        path: list[str] = []
        for step in prefix:
            if not step.code.strip():
                continue
            execution = step.execution or await self._execute(tuple(path), step.code)
            if execution.status == "ok":
                path.append(step.code)
        return await self._execute(tuple(path), code)

    async def start(self) -> SandboxReport:
        """Start the processes now rather than on first use; returns what contains them."""
        return await asyncio.wrap_future(self._open().start())

    async def _execute(self, path: tuple[str, ...], code: str) -> Execution:
        program = Program(path, code)
        host = self._open()
        if (known := host.supervisor.remembered(program.key)) is not None:
            return known
        loop = asyncio.get_running_loop()
        replies = self._replies.get(loop)
        if replies is None:
            self._replies = {known: replies for known, replies in self._replies.items() if not known.is_closed()}
            replies = self._replies[loop] = _Replies(loop)
        future, deliver = replies.expect()
        host.submit(program, deliver)
        return await future

    def run_program(self, steps: Sequence[str]) -> list[Execution]:
        """Run `steps` one after the other on one state, blocking; one result per step."""
        host = self._open()
        path: list[str] = []
        executions: list[Execution] = []
        for code in steps:
            answer: Future[Execution] = Future()
            host.submit(Program(tuple(path), code), partial(_settle, answer))
            execution = answer.result()
            executions.append(execution)
            if execution.status == "ok" and code.strip():
                path.append(code)
        return executions

    def statistics(self) -> dict[str, Any]:
        """Live snapshots with their private memory in KiB, and how many results are remembered."""
        return self._open().supervisor.statistics()

    def close(self) -> None:
        """End all processes. Calls that still wait are answered `refused`; the interpreter cannot be used again."""
        with self._lock:
            self._is_closed = True
            if self._finalizer is not None:
                self._finalizer()
            self._host = None

    def _open(self) -> _Host:
        with self._lock:
            if self._is_closed:
                raise InputError("this interpreter is closed; make another SandboxInterpreter")
            if self._pid != os.getpid():
                # We are a forked copy: the thread stayed behind, and its processes are not ours.
                self._pid, self._host = os.getpid(), None
            if self._host is None:
                self._host = _Host(self.settings)
                self._finalizer = weakref.finalize(self, self._host.stop)
            return self._host

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _settle(answer: Future[Execution], outcome: Execution | BaseException) -> None:
    if isinstance(outcome, BaseException):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


def run_program(steps: Sequence[str], *, seconds: float = 5.0, memory_mb: int = 1024) -> list[Execution]:
    """Run `steps` one after the other on one state and return what each did.

    A step that fails leaves no trace: the next one runs on the state before it. Blocks; starts processes for this call
    alone (about two seconds), so many programs are better run through one `SandboxInterpreter`.
    """
    with SandboxInterpreter(seconds=seconds, memory_mb=memory_mb, workers=1) as interpreter:
        return interpreter.run_program(steps)


def active_layers() -> SandboxReport:
    """What would contain programs here: starts a zygote, asks it, and ends it (about a second).

    Raises InputError on a system that cannot execute programs at all.
    """
    check_system()
    # In a thread, so that it works where an event loop is running already (a notebook).
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_probe())).result()


async def _probe() -> SandboxReport:
    zygote = ZygoteClient(on_died=lambda _: None)
    settings = InterpreterSettings(workers=1)
    try:
        return await zygote.start(zygote_settings(settings, libraries=("light",)))
    except LostError as error:
        raise not_started(error) from None
    finally:
        zygote.end()
        zygote.wait()
