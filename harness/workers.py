"""Processes that can be killed: one function over many requests, in order, where a hang or a crash costs one request.

Both graders run here, ours because a promise to end is not a proof, and Math-Verify because it makes no such promise.
Needs a system with `fork` (Linux, macOS): the workers are forks of one clean process that has the imports done, so a
killed worker is replaced in milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Generic, Literal, Self, TypeVar

Request = TypeVar("Request")
Result = TypeVar("Result")

START_SECONDS = 60.0
"""How long a worker may take to import what its function needs. Chosen, not tuned."""
MEMORY_BYTES = 2 * 2**30
"""Address space of a worker: ten times what a grading takes, too little to hurt the machine. Chosen, not tuned."""
CHUNK_SIZE = 16
"""Requests per message, so that a worker waits for the parent once in that many. Chosen, not tuned."""
HELD_BYTES = 64 * 2**20
"""Requests in flight or waiting for an earlier one take no more than about this. Chosen, not tuned."""
_BACKLOG_CHUNKS = 8
_FAILED_STARTS = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """What came back instead of a result."""

    reason: Literal["timeout", "died", "error"]
    detail: str


def workers_available() -> int:
    """The cores that this process may use, at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection
    pending: deque[int] = field(default_factory=deque)
    """Numbers of the requests that it still owes; it works on the first."""
    deadline: float = 0.0
    is_ready: bool = False

    def kill(self) -> None:
        """End the process, and whatever it has started, at once."""
        self.connection.close()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.kill()
        self.process.join()


@dataclass(slots=True)
class _Flight(Generic[Request, Result]):
    """The requests of one `map` that are not yielded yet."""

    requests: Iterator[tuple[int, Request]]
    size: Callable[[Request], int]
    is_exhausted: bool = False
    num_read: int = 0
    held: dict[int, Request] = field(default_factory=dict)
    held_bytes: int = 0
    finished: dict[int, Result | Failure] = field(default_factory=dict)
    again: deque[int] = field(default_factory=deque)
    """Requests of a chunk that lost its worker before their turn came."""

    def next_chunk(self, chunk_size: int, max_held: int) -> list[int]:
        """Numbers of the requests to send next, those of a lost chunk first; none while too much is held."""
        chunk: list[int] = []
        while self.again and len(chunk) < chunk_size:
            chunk.append(self.again.popleft())
        while len(chunk) < chunk_size and len(self.held) < max_held and self.held_bytes < HELD_BYTES:
            item = next(self.requests, None)
            if item is None:
                self.is_exhausted = True
                break
            self.num_read += 1
            self.held[item[0]] = item[1]
            self.held_bytes += self.size(item[1])
            chunk.append(item[0])
        return chunk

    def has_more(self) -> bool:
        """Whether a further worker would have something to do."""
        return bool(self.again) or not self.is_exhausted

    def pop(self, index: int) -> tuple[Request, Result | Failure]:
        request = self.held.pop(index)
        self.held_bytes -= self.size(request)
        return request, self.finished.pop(index)


def _one(_request: object) -> int:
    return 1


@dataclass(slots=True)
class WorkerPool(Generic[Request, Result]):
    """`function` in `num_workers` processes, which start when they are first needed. Use it in a `with` block."""

    function: Callable[[Request], Result]
    """Importable by name (or a partial of such a function): the workers are other processes."""
    num_workers: int
    limit_seconds: float
    """Wall time per request; a worker that exceeds it is killed and replaced."""
    chunk_size: int = CHUNK_SIZE
    preload: Sequence[str] = ()
    """Modules that the function needs, imported once for all workers."""
    _workers: list[_Worker] = field(default_factory=list)
    _failed_starts: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def map(
        self, requests: Iterable[Request], size: Callable[[Request], int] = _one
    ) -> Iterator[tuple[Request, Result | Failure]]:
        """Yield every request with its result or its failure, in the order of `requests`, holding a bounded number.

        `size` gives a request's bytes, for the bound. One `map` at a time per pool.
        """
        flight: _Flight[Request, Result] = _Flight(enumerate(requests), size)
        next_index = 0
        try:
            while True:
                self._feed(flight)
                while next_index in flight.finished:
                    yield flight.pop(next_index)
                    next_index += 1
                if flight.is_exhausted and not flight.held:
                    return
                self._collect(flight)
        finally:
            for worker in [worker for worker in self._workers if worker.pending]:
                self._discard(worker)

    def close(self) -> None:
        """End every worker at once."""
        while self._workers:
            self._discard(self._workers[0])

    def _feed(self, flight: _Flight[Request, Result]) -> None:
        """Give every idle worker a chunk, and start one more worker where all are busy."""
        # Chunks start small, so that a short file is shared out evenly.
        chunk_size = min(self.chunk_size, 1 + flight.num_read // (4 * self.num_workers))
        for worker in [worker for worker in self._workers if worker.is_ready and not worker.pending]:
            chunk = flight.next_chunk(chunk_size, self.num_workers * self.chunk_size * _BACKLOG_CHUNKS)
            if not chunk:
                return
            worker.pending.extend(chunk)
            worker.deadline = time.monotonic() + self.limit_seconds
            # A worker that has just died is found by _collect, as the end of its connection.
            with suppress(BrokenPipeError, ConnectionResetError):
                worker.connection.send([flight.held[index] for index in chunk])
        is_starting = any(not worker.is_ready for worker in self._workers)
        if flight.has_more() and not is_starting and len(self._workers) < self.num_workers:
            self._start_worker()

    def _start_worker(self) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, *self.preload])
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.function, self.limit_seconds))
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours, deadline=time.monotonic() + START_SECONDS))

    def _collect(self, flight: _Flight[Request, Result]) -> None:
        """Wait until a worker answers, dies or is late, and note what came of the request that it worked on."""
        busy = {worker.connection: worker for worker in self._workers if worker.pending or not worker.is_ready}
        if not busy:
            # All that was read is done; _feed reads on.
            return
        first_deadline = min(worker.deadline for worker in busy.values())
        ready = wait(list(busy), max(0.0, first_deadline - time.monotonic()))
        for connection, worker in busy.items():
            if connection in ready:
                self._receive(worker, flight)
            elif time.monotonic() >= worker.deadline:
                self._lose(worker, flight, Failure("timeout", f"no result within {self.limit_seconds:g} s"))

    def _receive(self, worker: _Worker, flight: _Flight[Request, Result]) -> None:
        """Take in everything that the worker has sent."""
        try:
            while True:
                message = worker.connection.recv()
                worker.deadline = time.monotonic() + self.limit_seconds
                if worker.is_ready:
                    # Results come one by one, so the request that a hang or a crash belongs to is always known.
                    flight.finished[worker.pending.popleft()] = message
                worker.is_ready = True
                self._failed_starts = 0
                if not worker.pending or not worker.connection.poll():
                    return
        except (EOFError, OSError):
            worker.process.join()
            self._lose(worker, flight, Failure("died", f"the process ended with exit code {worker.process.exitcode}"))

    def _lose(self, worker: _Worker, flight: _Flight[Request, Result], failure: Failure) -> None:
        """Remove a worker; its current request has failed, those behind it go to another worker."""
        self._discard(worker)
        if not worker.is_ready:
            self._failed_starts += 1
            if self._failed_starts == _FAILED_STARTS:
                raise RuntimeError(f"a worker for {self.function} does not start: {failure.detail}")
        elif worker.pending:
            flight.finished[worker.pending.popleft()] = failure
            flight.again.extend(worker.pending)

    def _discard(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.kill()


def _serve(connection: Connection, function: Callable[[Request], Result], limit_seconds: float) -> None:
    """A worker's life: answer chunks of requests, one message per result, until the parent closes the connection."""
    # A group of its own: Ctrl-C goes to the parent alone, and a kill reaches what the function has started.
    os.setpgid(0, 0)
    _limit_memory()
    try:
        connection.send("ready")
        while True:
            for request in connection.recv():
                # Ends this process even when the parent was killed and nobody is left to do it.
                signal.setitimer(signal.ITIMER_REAL, 2 * limit_seconds + 1)
                connection.send(_outcome(function, request))
            signal.setitimer(signal.ITIMER_REAL, 0)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _outcome(function: Callable[[Request], Result], request: Request) -> Result | Failure:
    try:
        return function(request)
    except Exception as error:  # noqa: BLE001 - the border around one grading: it becomes a named value
        return Failure("error", f"{type(error).__name__}: {error}")


def _limit_memory() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    # macOS refuses this limit; the time limit still holds there.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
