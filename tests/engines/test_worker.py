"""The engine's thread: its start, its end, and what reaches those who wait."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rstar.engines.worker import EngineError, Job, Worker


class Echo:
    """Answers a job two steps after it came."""

    def __init__(self, is_broken: bool = False, is_stuck: bool = False) -> None:
        self.is_broken, self.is_stuck = is_broken, is_stuck
        self.jobs: list[Job[str]] = []
        self.steps = 0
        self.threads: set[str] = set()

    @property
    def is_idle(self) -> bool:
        return not self.jobs

    def add(self, job: Job[str]) -> None:
        self.jobs.append(job)

    def step(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.steps += 1
        if self.is_broken:
            raise ZeroDivisionError("seven over zero")
        self.jobs = [job for job in self.jobs if not job.is_cancelled]
        if self.is_stuck:
            return
        for job in self.jobs:
            job.answer("done")
        self.jobs = []

    def abandon(self, error: EngineError) -> None:
        for job in self.jobs:
            job.fail(error)
        self.jobs = []


def names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_jobs_are_answered_from_one_thread_that_ends_with_close() -> None:
    loop = Echo()
    worker: Worker[Job[str]] = Worker(loop, "echo engine")
    assert "echo engine" not in names()

    async def ask() -> list[str]:
        return await asyncio.gather(*(worker.ask(Job[str]()) for _ in range(50)))

    assert asyncio.run(ask()) == ["done"] * 50
    assert asyncio.run(ask()) == ["done"] * 50
    assert loop.threads == {"echo engine"}
    worker.close()
    worker.close()
    assert "echo engine" not in names()


def test_an_exception_reaches_everyone_who_waits_and_the_engine_goes_on() -> None:
    loop = Echo(is_broken=True)
    worker: Worker[Job[str]] = Worker(loop, "echo engine")

    async def ask() -> list[object]:
        return await asyncio.gather(*(worker.ask(Job[str]()) for _ in range(5)), return_exceptions=True)

    errors = asyncio.run(ask())
    assert [type(error) for error in errors] == [EngineError] * 5
    assert {str(error) for error in errors} == {"echo engine failed: ZeroDivisionError: seven over zero"}
    loop.is_broken = False
    assert asyncio.run(ask()) == ["done"] * 5
    worker.close()


def test_closing_fails_those_who_wait_and_those_who_come_later() -> None:
    worker: Worker[Job[str]] = Worker(Echo(is_stuck=True), "echo engine")

    async def ask() -> None:
        waiting = asyncio.create_task(worker.ask(Job[str]()))
        await asyncio.sleep(0.01)
        worker.close()
        with pytest.raises(EngineError, match="was closed before it could answer"):
            await waiting
        with pytest.raises(EngineError, match="the engine is closed"):
            await worker.ask(Job[str]())

    asyncio.run(ask())
    assert "echo engine" not in names()


def test_a_cancelled_job_is_taken_back() -> None:
    loop = Echo(is_stuck=True)
    worker: Worker[Job[str]] = Worker(loop, "echo engine")

    async def ask() -> None:
        task = asyncio.create_task(worker.ask(Job[str]()))
        while not loop.steps:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not loop.is_idle:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(ask(), timeout=20))
    worker.close()
