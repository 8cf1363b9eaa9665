"""Ray workers that do problems: one queue, handed out one by one, and no death of a worker loses what was journaled.

The driver, which is the process that began the run, holds the run's folder: records, journals, references. A worker
(`harness.distributed_worker`) holds engines and no state that matters. Each problem is an order: it goes to the live
worker with the fewest, with the journal as far as it is known; the lines that the worker's journal grows by come back
and are appended here. When a worker or its node dies, its orders go to others with the journals as they are, and a new
worker is started in its place. So nothing that was journaled is asked twice, no file system need be shared, and the
folder at any moment is one that a process without Ray could resume.
"""

from __future__ import annotations

import asyncio
import platform
import re
import resource
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from itertools import count
from typing import Any

import ray
from ray.exceptions import RayActorError

from harness.distributed_cluster import Cluster
from harness.distributed_worker import Ended, Facts, Job, News, Order, Worker, source_sha256
from harness.remote import Fleet
from harness.retrying import EngineFailure, Meter
from rstar.journal import Journal
from tasks.types import InputError

MAX_DEATHS = 3
"""Workers that may die over one order with no new line of its journal in between; before the last, it is tried alone.
Chosen, not tuned."""
MAX_STARTS = 5
"""Workers that may die in one place while they start, before the place is given up. Chosen, not tuned."""
LATE_SECONDS = 300.0
"""For the other workers to start, once the first has; a run goes on without those that take longer. Chosen."""
WAIT_SECONDS = 60.0
"""Between two lines that say that no worker is there. Chosen, not tuned."""
CLOSE_SECONDS = 10.0
"""For a worker to end what it has started, before it is killed. Chosen, not tuned."""
_SPARE_FILES = 512
"""Open files beside the journals. Chosen, not tuned."""


@dataclass(slots=True)
class _Waiting:
    """An order, and who waits for it."""

    number: int
    problem_id: str
    identity: str
    payload: Any
    journal: Journal
    future: asyncio.Future[Any]
    deaths: int = 0
    """Workers that died over it since its journal last grew."""

    def order(self) -> Order:
        return Order(self.number, self.problem_id, self.identity, self.journal.content(), self.payload)


@dataclass(slots=True)
class _Place:
    """One worker at a time; the next one when it dies."""

    number: int
    actor: Any = None
    is_live: bool = False
    is_retired: bool = False
    """No more workers are started in it."""
    open: dict[int, _Waiting] = field(default_factory=dict)
    meter: Meter = field(default_factory=Meter)
    """Of the present worker, as far as it is known."""
    facts: Facts | None = None
    counters: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of the present worker's engines."""

    @property
    def is_exclusive(self) -> bool:
        """Whether its one order may be what kills workers."""
        return any(each.deaths == MAX_DEATHS - 1 for each in self.open.values())


@dataclass(slots=True)
class Workers:
    """The workers of one run. Make them with `open_fleet`."""

    job: Job
    fleet: Fleet
    cluster: Cluster
    capacity: int
    """Orders that one worker has at a time."""
    meter: Meter = field(default_factory=Meter)
    num_deaths: int = 0
    facts: list[Facts] = field(default_factory=list)
    """Of the workers that the run began with."""
    _places: list[_Place] = field(default_factory=list)
    _queue: deque[_Waiting] = field(default_factory=deque)
    _numbers: Iterator[int] = field(default_factory=count)
    _serving: list[asyncio.Task[None]] = field(default_factory=list)
    _failure: Exception | None = None
    """Why nothing goes on."""
    _said: float = 0.0
    """When it was last said that no worker is there."""

    async def start(self) -> None:
        """Start all workers; goes on without those that are late. Raises InputError with the first one's complaint."""
        self._places = [_Place(number) for number in range(self.fleet.num_workers)]
        starting = [asyncio.ensure_future(self._started(place)) for place in self._places]
        try:
            done, late = await asyncio.wait(starting, return_when=asyncio.FIRST_COMPLETED)
            if late:
                more, late = await asyncio.wait(late, timeout=LATE_SECONDS)
                done |= more
            # All are looked at, for asyncio reports what nobody did. The first trouble in the places' order counts.
            for each in done:
                each.exception()
            self.facts = [each.result() for each in starting if each in done]
        except RayActorError as error:
            raise InputError(f"--workers: {MAX_STARTS} workers died while they started: {_reason(error)}") from error
        finally:
            for each in starting:
                each.cancel()
        if late:
            sys.stderr.write(f"{len(self.facts)} of {len(starting)} workers have started; the others may join later\n")

    async def do(self, problem_id: str, identity: str, payload: Any, journal: Journal) -> Any:
        """What a worker makes of `payload`; `journal` grows as it does. Raises EngineFailure and InputError."""
        if self._failure is not None:
            raise self._failure
        if not self._serving:
            loop = asyncio.get_running_loop()
            for place in self._places:
                place.is_live = place.facts is not None
            self._serving = [loop.create_task(self._serve(place), name="ray worker") for place in self._places]
        waiting = _Waiting(
            next(self._numbers), problem_id, identity, payload, journal, asyncio.get_running_loop().create_future()
        )
        self._queue.append(waiting)
        self._hand_out()
        return await waiting.future

    def counters(self) -> dict[str, dict[str, Any]]:
        """What the engines of the present workers count of themselves, by worker and role."""
        return {
            f"worker {place.number} {role}": found for place in self._places for role, found in place.counters.items()
        }

    def close(self) -> None:
        """End all workers, well if they answer."""
        actors = [place.actor for place in self._places if place.actor is not None]
        closing = [actor.close.remote() for actor in actors]
        with suppress(Exception):  # what is dead already is closed
            ray.wait(closing, num_returns=len(closing), timeout=CLOSE_SECONDS)
        for actor in actors:
            with suppress(Exception):
                ray.kill(actor)

    def _new_actor(self) -> Any:
        kind: Any = ray.remote(Worker)
        share = self.cluster.share(self.fleet.num_workers)
        options = self.cluster.options | {"max_concurrency": self.capacity + 10}
        return kind.options(**options).remote(self.job, share, has_gpus=self.cluster.gpus > 0)

    def _hand_out(self) -> None:
        """Give waiting orders to workers: always to the live one with the fewest."""
        handed: dict[int, list[Order]] = {}
        while self._queue:
            is_last_try = self._queue[0].deaths == MAX_DEATHS - 1
            room = 1 if is_last_try else self.capacity
            ready = [p for p in self._places if p.is_live and len(p.open) < room and not p.is_exclusive]
            if not ready:
                break
            place = min(ready, key=lambda each: len(each.open))
            waiting = self._queue.popleft()
            if waiting.future.done():
                continue
            place.open[waiting.number] = waiting
            handed.setdefault(place.number, []).append(waiting.order())
        for number, orders in handed.items():
            # A worker that is dead by now is found out by whoever asks it for news.
            self._places[number].actor.begin.remote(orders)

    async def _serve(self, place: _Place) -> None:
        """Take one place's news until the run ends; put a new worker where the old one died."""
        try:
            while True:
                if not place.is_live:
                    try:
                        await self._started(place)
                    except RayActorError as error:
                        self._retire(place, _reason(error))
                        return
                    place.is_live = True
                    self._hand_out()
                try:
                    while True:
                        self._take(place, await place.actor.news.remote())
                except RayActorError as error:
                    self._lost(place, error)
        except Exception as error:  # noqa: BLE001 - whoever waits would wait for ever
            self._give_up(error)

    def _take(self, place: _Place, news: News) -> None:
        for each in fields(Meter):
            grown = getattr(news.meter, each.name) - getattr(place.meter, each.name)
            setattr(self.meter, each.name, getattr(self.meter, each.name) + grown)
        place.meter, place.counters = news.meter, news.counters
        for number, lines in news.lines.items():
            waiting = place.open[number]
            waiting.deaths = 0
            if not waiting.future.done():
                waiting.journal.extend(lines)
        for ended in news.ended:
            waiting = place.open.pop(ended.number)
            if not waiting.future.done():
                _settle(waiting.future, ended)
        self._hand_out()

    def _lost(self, place: _Place, error: RayActorError) -> None:
        """Put the orders of a dead worker back to the front of the queue."""
        self.num_deaths += 1
        place.is_live = False
        node = place.facts.node if place.facts else "its node"
        place.meter = Meter()
        # One that was only out of reach must not go on with orders, nor keep its GPU.
        with suppress(Exception):
            ray.kill(place.actor)
        place.actor, place.facts = None, None
        orders, place.open = list(place.open.values()), {}
        sys.stderr.write(
            f"worker {place.number} on {node} died ({_reason(error)}); its {len(orders)} problems go on elsewhere\n"
        )
        for waiting in reversed(orders):
            waiting.deaths += 1
            if waiting.future.done():
                continue
            if waiting.deaths >= MAX_DEATHS:
                waiting.future.set_exception(
                    EngineFailure(f"{MAX_DEATHS} workers died over it, lastly with: {_reason(error)}")
                )
            else:
                self._queue.appendleft(waiting)
        self._hand_out()

    async def _started(self, place: _Place) -> Facts:
        """Put a worker in its place, again where it dies over that. Raises RayActorError for the last attempt."""
        for attempt in range(1, MAX_STARTS + 1):
            place.actor = place.actor or self._new_actor()
            try:
                facts: Facts | str = await self._patiently(place.actor.start.remote())
            except RayActorError as error:
                sys.stderr.write(f"worker {place.number} died while it started ({_reason(error)})\n")
                place.actor = None
                if attempt == MAX_STARTS:
                    raise
                continue
            place.facts = _accepted(facts)
            return place.facts
        raise AssertionError("the last attempt returns or raises")

    async def _patiently(self, start: Any) -> Any:
        """Wait for a worker to start; it may be for a node to come back."""
        starting = asyncio.ensure_future(start)
        while True:
            done, _ = await asyncio.wait([starting], timeout=WAIT_SECONDS)
            if done:
                return starting.result()
            now = time.monotonic()
            if not any(place.is_live for place in self._places) and now - self._said >= WAIT_SECONDS:
                self._said = now
                sys.stderr.write("no worker works yet; waiting for the cluster to start them\n")

    def _retire(self, place: _Place, reason: str) -> None:
        """Go on without a place; with none left, nothing goes on."""
        place.is_live = False
        place.is_retired = True
        if all(each.is_retired for each in self._places):
            self._give_up(EngineFailure(f"no worker is left: each died {MAX_STARTS} times while it started: {reason}"))

    def _give_up(self, error: Exception) -> None:
        """Whoever waits gets `error`, and so does whoever comes later."""
        self._failure = error
        for waiting in [*self._queue, *(each for place in self._places for each in place.open.values())]:
            if not waiting.future.done():
                waiting.future.set_exception(error)
        self._queue.clear()


@contextmanager
def open_fleet(job: Job, fleet: Fleet, cluster: Cluster, capacity: int) -> Iterator[Workers]:
    """The workers of `fleet` on a connected cluster, ended with the block. Start them before they are asked."""
    _allow_open_files(capacity * fleet.num_workers + _SPARE_FILES)
    workers = Workers(job, fleet, cluster, capacity)
    try:
        yield workers
    finally:
        workers.close()


def _accepted(facts: Facts | str) -> Facts:
    """What a worker found. Raises InputError for its complaint, and for one that runs another program than this."""
    if isinstance(facts, str):
        raise InputError(facts)
    if facts.node != platform.node() and facts.source != source_sha256():
        raise InputError(
            f"the worker on {facts.node} runs another version of rstar-bench than this process; install the same "
            "version on all nodes"
        )
    return facts


def _settle(future: asyncio.Future[Any], ended: Ended) -> None:
    if ended.outcome == "done":
        future.set_result(ended.value)
    elif ended.outcome == "failed":
        future.set_exception(EngineFailure(ended.value))
    elif ended.outcome == "refused":
        future.set_exception(InputError(ended.value))
    else:
        future.set_exception(RuntimeError(f"in a Ray worker:\n{ended.value}"))


def _reason(error: Exception) -> str:
    """The few words of Ray's many lines that say why, such as `its node has died`."""
    text = " ".join(str(error).split())
    found = re.search(r"because ([^.:]{3,120})", text)
    return found[1] if found else text[:120] or type(error).__name__


def _allow_open_files(wanted: int) -> None:
    """Every open problem holds its journal open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
            )
