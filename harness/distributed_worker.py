"""What runs inside one Ray worker: the engines of one process, and searches over them, many at a time.

Every search writes a journal in a folder of this worker's own, as it would in a run without workers. Its lines are
handed to the process that began the run (the driver) as they are written: an answer reaches the driver within
`SHIP_SECONDS`, whole lines in order, and always before the result that was computed from it.

Nothing here imports Ray: the class becomes an actor in `harness.distributed`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import shutil
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from harness.collector import rare_collections
from harness.retrying import EngineFailure, Meter
from rstar.journal import Journal
from tasks.types import InputError

SHIP_SECONDS = 0.1
"""How long the lines of a journal may wait for their way to the driver: what a worker's death can cost. Chosen."""
IDLE_SECONDS = 0.5
"""Between two looks at a worker that has nothing to do. Chosen, not tuned."""


class Job(Protocol):
    """What every worker of one run does. It travels to the workers, so it holds no open files."""

    def enter(self, stack: ExitStack, share: int) -> Any:
        """The engines, closed with `stack`; `share` workers are on a machine. Raises InputError."""
        ...

    async def facts(self, engines: Any) -> Facts:
        """Start what starts late, and say what there is."""
        ...

    def meter(self, engines: Any) -> Meter:
        """What the engines have done so far."""
        ...

    def counters(self, engines: Any) -> dict[str, dict[str, Any]]:
        """What each engine counts of itself, by role."""
        ...

    async def do(self, engines: Any, payload: Any, journal: Journal) -> Any:
        """One problem; what is returned can be pickled."""
        ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What a worker found on its machine."""

    device: str
    sandbox: str
    settings: Mapping[str, Any]
    node: str = ""
    source: str = ""
    """SHA-256 of the program's own files: all workers run one version."""


@dataclass(frozen=True, slots=True)
class Order:
    """One problem to be done."""

    number: int
    problem_id: str
    identity: str
    """Of the run, for the journal's header."""
    journal: bytes
    """What is known of it already."""
    payload: Any


@dataclass(frozen=True, slots=True)
class Ended:
    """How an order ended: with its value, or why there is none."""

    number: int
    outcome: Literal["done", "failed", "refused", "bug"]
    """`failed`: an engine, on every attempt; `refused`: bad input; `bug`: an exception that nobody expected."""
    value: Any


@dataclass(frozen=True, slots=True)
class News:
    """What happened since the last time."""

    lines: dict[int, bytes]
    """By order: new lines of its journal. They are older than anything in `ended`."""
    ended: list[Ended]
    meter: Meter
    """Of this worker since it started."""
    counters: dict[str, dict[str, Any]]
    """What its engines count of themselves since they started, by role."""


@dataclass(slots=True)
class _Running:
    journal: Journal
    shipped: int
    """Bytes of the journal that the driver has."""


@dataclass(slots=True)
class Worker:
    """The actor: `start` once, then `begin` for every order while `news` is asked for again and again."""

    job: Job
    share: int
    has_gpus: bool = True
    """False: no engine may find any. Ray hides from a worker only the GPUs of others."""
    _stack: ExitStack = field(default_factory=ExitStack)
    _engines: Any = None
    _started: asyncio.Task[Facts | str] | None = None
    _folder: Path = field(default_factory=Path)
    _running: dict[int, _Running] = field(default_factory=dict)
    _lines: dict[int, bytes] = field(default_factory=dict)
    _ended: list[Ended] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _has_ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> Facts | str:
        """What there is here once the engines are open; a text where the user has to mend something first.

        May be asked again; the engines are opened once.
        """
        if self._started is None:
            self._started = asyncio.get_running_loop().create_task(self._open())
        return await asyncio.shield(self._started)

    async def _open(self) -> Facts | str:
        self._folder = Path(tempfile.mkdtemp(prefix="rstar-worker-"))
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        if not self.has_gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        try:
            self._engines = self.job.enter(self._stack, self.share)
            found = await self.job.facts(self._engines)
        except InputError as error:
            self._stack.close()
            return str(error)
        self._stack.enter_context(rare_collections())
        return Facts(found.device, found.sandbox, found.settings, platform.node(), source_sha256())

    async def begin(self, orders: Sequence[Order]) -> None:
        """Take up orders; their ends come with the news."""
        for order in orders:
            task = asyncio.get_running_loop().create_task(self._do(order))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def news(self) -> News:
        """Returns as soon as an order has ended, else after a moment."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._has_ended.wait(), SHIP_SECONDS if self._tasks else IDLE_SECONDS)
        self._has_ended.clear()
        for number, running in self._running.items():
            self._collect(number, running)
        lines, self._lines = self._lines, {}
        ended, self._ended = self._ended, []
        return News(lines, ended, self.job.meter(self._engines), self.job.counters(self._engines))

    async def close(self) -> None:
        """End the engines and what they have started."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._stack.close()

    async def _do(self, order: Order) -> None:
        path = self._folder / f"{order.number}.journal"
        try:
            path.write_bytes(order.journal)
            with Journal(path, order.problem_id, order.identity) as journal:
                running = self._running[order.number] = _Running(journal, len(order.journal))
                try:
                    value = await self.job.do(self._engines, order.payload, journal)
                finally:
                    self._collect(order.number, self._running.pop(order.number, running))
            self._end(Ended(order.number, "done", value))
        except EngineFailure as error:
            self._end(Ended(order.number, "failed", str(error)))
        except (InputError, OSError) as error:
            self._end(Ended(order.number, "refused", f"worker on {platform.node()}: {error}"))
        except Exception:  # noqa: BLE001 - it must not end in an actor that nobody hears: the driver raises it
            self._end(Ended(order.number, "bug", traceback.format_exc()))
        finally:
            path.unlink(missing_ok=True)

    def _end(self, ended: Ended) -> None:
        self._ended.append(ended)
        self._has_ended.set()

    def _collect(self, number: int, running: _Running) -> None:
        """Put what the journal has grown by with the lines that go out next."""
        new = running.journal.content(running.shipped)
        if new:
            running.shipped += len(new)
            self._lines[number] = self._lines.get(number, b"") + new


def source_sha256() -> str:
    """SHA-256 of the program's own files, names included: the same on every machine with the same version."""
    root, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for layer in ("tasks", "rstar", "harness"):
        for path in sorted((root / layer).rglob("*.py")):
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def programs_at_a_time(asked: int | None, share: int) -> int:
    """Programs that one of `share` workers on this machine runs at a time: as asked, or its part of the cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return asked or max(1, cores // share)
