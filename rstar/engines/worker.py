"""One background thread that runs a model's loop, and the futures through which coroutines wait for it."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from typing import Any, Generic, Protocol, TypeVar


class EngineError(RuntimeError):
    """An engine could not answer a request; the text says why."""


Answer = TypeVar("Answer")


class Job(Generic[Answer]):
    """A request on its way through an engine."""

    __slots__ = ("future",)

    def __init__(self) -> None:
        self.future: Future[Answer] = Future()

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.future.cancelled()

    def answer(self, answer: Answer) -> None:
        """Hand the answer to who waits for it, if somebody still does."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(answer)

    def fail(self, error: EngineError) -> None:
        """Raise `error` where the answer is waited for."""
        if not self.future.done() and self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


JobType = TypeVar("JobType", bound="Job[Any]")
JobTaken_contra = TypeVar("JobTaken_contra", bound="Job[Any]", contravariant=True)


class Loop(Protocol[JobTaken_contra]):
    """What the thread runs. All methods are called in it."""

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do until the next job arrives."""
        ...

    def add(self, job: JobTaken_contra) -> None:
        """Take a job on."""
        ...

    def step(self) -> None:
        """Bring the jobs forward, and answer those that are done."""
        ...

    def abandon(self, error: EngineError) -> None:
        """Fail all jobs and forget them."""
        ...


class Worker(Generic[JobType]):
    """Runs `loop` in a thread of its own, which starts with the first job and ends with `close`."""

    def __init__(self, loop: Loop[JobType], name: str) -> None:
        """`name` is the thread's."""
        self._loop, self._name = loop, name
        self._inbox: deque[JobType] = deque()
        self._wake = threading.Condition()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    async def ask(self, job: JobType) -> Any:
        """The job's answer; cancelling takes the job back. Raises EngineError where the engine fails or is closed."""
        self._put(job)
        return await asyncio.wrap_future(job.future)

    def close(self) -> None:
        """End the thread; whoever still waits gets an EngineError. May be called more than once."""
        with self._wake:
            self._is_closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _put(self, job: JobType) -> None:
        with self._wake:
            if self._is_closed:
                raise EngineError("the engine is closed")
            self._inbox.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._wake.notify()

    def _run(self) -> None:
        while self._take():
            try:
                self._loop.step()
            except Exception as error:  # noqa: BLE001 - the border around an engine's requests: each gets it by name
                self._loop.abandon(EngineError(f"{self._name} failed: {type(error).__name__}: {error}"))
        self._loop.abandon(EngineError("the engine was closed before it could answer"))

    def _take(self) -> bool:
        """Hand new jobs to the loop, waiting for one where there is nothing else to do; False when to end."""
        with self._wake:
            while not self._inbox and self._loop.is_idle and not self._is_closed:
                self._wake.wait()
            while self._inbox:
                self._loop.add(self._inbox.popleft())
            return not self._is_closed


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch could not allocate, on a GPU or on a CPU."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )
