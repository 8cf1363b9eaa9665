"""Decides how each program is executed: remembered, in a tame runner, or forked from the best snapshot.

Lives in one event loop of its own (see sandbox.py), so nothing here needs a lock.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Any

from rstar.interpreter import request, wire
from rstar.interpreter.execution import COSTLY_SECONDS
from rstar.interpreter.layers import SandboxReport
from rstar.interpreter.programs import MAX_CODE_CHARS, Program, encode
from rstar.interpreter.remembered import RememberedResults
from rstar.interpreter.settings import InterpreterSettings
from rstar.interpreter.snapshots import Held, SnapshotTable
from rstar.interpreter.tame_client import TameClient
from rstar.interpreter.zygote_client import GoneError, LostError, ZygoteClient
from rstar.types import Execution
from tasks.types import InputError

MAX_ATTEMPTS = 6
"""Times that an execution may be lost with its process before that is the answer. Chosen, not tuned."""
MAX_UNTAME = 50_000
"""Programs known to be untame. Chosen, not tuned."""
HEAVY_SECONDS = 0.01
"""Average cost above which programs of the mathematics libraries are forked, tame or not: a fork adds little to them,
and what it leaves, a snapshot, saves running them again when the path goes on. Chosen, not tuned: twice a fork."""
IN_PLACE_FORKS = 20
"""What a state may cost to make again, in forks, for a lone next step to go on in its process: no fork and no memory to
copy, against a replay where the path branches after all. Chosen, not tuned: 0.1 s on an idle machine, more on a busy
one, where everything takes longer."""
FORK_SECONDS = 0.005
"""What a fork and its messages cost at least; measured, see docs."""
_AVERAGED = 8
"""Weight of the past in that average, in programs."""
Deliver = Callable[[Execution | BaseException], None]
"""Takes a result, or the InputError that says why this machine gives none."""
_LIBRARIES = ("heavy", "light")


def zygote_settings(settings: InterpreterSettings, libraries: tuple[str, ...]) -> dict[str, Any]:
    """What a zygote is told."""
    return {
        "seconds": settings.seconds,
        "memory_mb": settings.memory_mb,
        "output_bytes": settings.output_bytes,
        "display": settings.display,
        "workers": settings.workers,
        "libraries": libraries,
    }


def not_started(error: LostError) -> InputError:
    """The error for a user whose machine starts no zygote."""
    return InputError(f"the interpreter's processes do not start ({error}); run 'rstar doctor' for what is missing")


class Supervisor:
    """Executes programs in a zygote's processes."""

    def __init__(self, settings: InterpreterSettings) -> None:
        self._settings = settings
        self._results = RememberedResults()
        self._waiting: dict[bytes, list[Deliver]] = {}
        self._queue: deque[Program] = deque()
        self._free = list(reversed(range(settings.workers)))
        self._tasks: set[asyncio.Task[tuple[Execution, bool]]] = set()
        self._is_stopped = False
        self._building: dict[bytes, asyncio.Future[None]] = {}
        self._snapshots = SnapshotTable(settings.max_snapshots, settings.max_snapshot_mb)
        self._tame = [TameClient(slot, settings) for slot in range(settings.workers)]
        self._untame: OrderedDict[bytes, None] = OrderedDict()
        self._used_up: OrderedDict[bytes, None] = OrderedDict()
        self._children: Counter[bytes] = Counter()
        self._heavy_seconds = 0.0
        self._fork_seconds = FORK_SECONDS
        self._zygote: ZygoteClient | None = None
        self._starting: asyncio.Task[SandboxReport] | None = None
        self._ids = itertools.count(1)

    def remembered(self, key: bytes) -> Execution | None:
        """The result of a program that has run before. May be called from any thread."""
        return self._results.get(key)

    async def start(self) -> SandboxReport:
        """Have a live zygote; returns what contains its programs.

        Raises InputError below the required level, LostError where no zygote comes up.
        """
        if self._zygote is not None and self._zygote.is_ready and self._zygote.report is not None:
            return self._zygote.report
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start())
        return await asyncio.shield(self._starting)

    async def _start(self) -> SandboxReport:
        if self._zygote is not None:
            self._zygote.end()
            self._zygote.wait()
        self._snapshots.clear()
        self._zygote = ZygoteClient(self._snapshots.remove)
        entered = await self._zygote.start(zygote_settings(self._settings, _LIBRARIES))
        try:
            entered.require(self._settings.require_sandbox)
        except Exception:
            self._zygote.end()
            raise
        return entered

    def stop(self) -> None:
        """End every process; who still waits is told so."""
        self._is_stopped = True
        closed = Execution("refused", "", "the interpreter was closed", 0.0)
        for waiting in self._waiting.values():
            for deliver in waiting:
                deliver(closed)
        self._waiting.clear()
        for runner in self._tame:
            runner.close()
        if self._zygote is not None:
            self._zygote.end()
            self._zygote.wait()

    def statistics(self) -> dict[str, Any]:
        """Counts for tests and benchmarks."""
        return {
            "snapshots": len(self._snapshots),
            "snapshot_kib": self._snapshots.each_kib(),
            "remembered": len(self._results),
        }

    # One program.

    def submit(self, program: Program, deliver: Deliver) -> None:
        """Have `deliver` called with what `program` does. Every program runs once, however often it is asked for."""
        if len(program.code) > MAX_CODE_CHARS:
            deliver(Execution("refused", "", f"the code is longer than {MAX_CODE_CHARS} characters", 0.0))
        elif (known := self._results.get(program.key)) is not None:
            deliver(known)
        elif (waiting := self._waiting.get(program.key)) is not None:
            waiting.append(deliver)
        else:
            self._waiting[program.key] = [deliver]
            self._children[program.state] += 1
            if self._free:
                self._begin(program, self._free.pop())
            else:
                self._queue.append(program)

    def _begin(self, program: Program, slot: int) -> None:
        zygote = self._zygote
        if zygote is not None and zygote.is_ready and self._may_be_tame(program):
            self._tame[slot].ask(program, zygote, lambda execution: self._end_tame(execution, program, slot))
        else:
            self._begin_fork(program, slot)

    def _end_tame(self, execution: Execution | None, program: Program, slot: int) -> None:
        if execution is not None:
            self._note_cost(program, execution.seconds)
            self._end(execution, program, slot, is_final=True)
        elif not self._is_stopped:
            self._note_untame(program.key)
            self._begin_fork(program, slot)

    def _begin_fork(self, program: Program, slot: int) -> None:
        task = asyncio.create_task(self._insist(program))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._end_fork(task, program, slot))

    def _end_fork(self, task: asyncio.Task[tuple[Execution, bool]], program: Program, slot: int) -> None:
        self._tasks.discard(task)
        if self._is_stopped:
            return
        if (failure := task.exception()) is not None:
            self._end(failure, program, slot, is_final=False)
        else:
            execution, is_final = task.result()
            self._end(execution, program, slot, is_final=is_final)

    def _end(self, outcome: Execution | BaseException, program: Program, slot: int, *, is_final: bool) -> None:
        """Give the slot to the next program and the result to all who wait for it."""
        if is_final and isinstance(outcome, Execution):
            self._results.add(program.key, outcome)
        self._children[program.state] -= 1
        if self._children[program.state] <= 0:
            del self._children[program.state]
        for deliver in self._waiting.pop(program.key, ()):
            deliver(outcome)
        if self._queue and not self._is_stopped:
            self._begin(self._queue.popleft(), slot)
        else:
            self._free.append(slot)

    async def _insist(self, program: Program) -> tuple[Execution, bool]:
        """Fork until there is a result; returns it and whether it is the program's own.

        Raises InputError where no zygote comes up.
        """
        last, has_started = LostError(""), False
        for attempt in range(MAX_ATTEMPTS):
            try:
                await self.start()
                has_started = True
                return await self._fork(program), True
            except LostError as error:
                last = error
                await asyncio.sleep(0.02 * attempt)
        if not has_started:
            raise not_started(last)
        # The kernel kills what takes the machine's last memory; nobody else should.
        return Execution("memory", "", f"lost {MAX_ATTEMPTS} times: {last}", 0.0), False

    def _may_be_tame(self, program: Program) -> bool:
        """Whether the tame runner is worth asking: nothing on the path is known to be untame or costly to replay."""
        if self._settings.display != "plain":
            return False
        if any(key in self._untame for key in (*program.keys, program.key)):
            return False
        if program.is_surely_untame:
            self._note_untame(program.key)
            return False
        if program.library == "heavy" and self._heavy_seconds > HEAVY_SECONDS:
            return False
        return self._cost(program.keys) < COSTLY_SECONDS

    def _note_untame(self, key: bytes) -> None:
        self._untame[key] = None
        if len(self._untame) > MAX_UNTAME:
            self._untame.popitem(last=False)

    def _note_cost(self, program: Program, seconds: float) -> None:
        """Learn what programs of the mathematics libraries cost here, as a moving average."""
        if program.library == "heavy":
            self._heavy_seconds += (seconds - self._heavy_seconds) / _AVERAGED

    def _note_fork(self, seconds: float) -> None:
        """Learn what a fork costs here now, as a moving average."""
        self._fork_seconds = max(FORK_SECONDS, self._fork_seconds + (seconds - self._fork_seconds) / _AVERAGED)

    def _cost(self, keys: tuple[bytes, ...]) -> float:
        """Seconds that the programs behind `keys` took, those that never ran here not counted."""
        return sum(self._results.seconds(key) for key in keys)

    # Forking.

    async def _fork(self, program: Program) -> Execution:
        library = program.library
        is_from_scratch = False
        while True:
            depth, held = self._deepest(program, library) if not is_from_scratch else (0, None)
            missing = program.keys[depth:]
            if missing and not is_from_scratch and self._is_worth_keeping(missing):
                await self._build(program, library)
                depth, held = self._deepest(program, library)
            keep_as = next(self._ids) if self._settings.max_snapshots else 0
            codes = (*program.path[depth:], program.code)
            in_place = held is not None and depth == len(program.keys) and self._may_go_on(program, library, held)
            if in_place and held is not None:
                self._use_up(program.state, held)
            keep = request.ALWAYS if in_place else request.IF_COSTLY
            started = time.monotonic()
            try:
                result = await self._ask(codes, held, keep_as, keep, library, in_place=in_place)
            except GoneError:
                if held is not None:
                    self._snapshots.remove(held.id)
                continue
            self._note_cost(program, result.seconds)
            if len(codes) == 1 and not in_place:
                self._note_fork(time.monotonic() - started - result.seconds)
            if result.private_kib:
                num_steps = held.num_steps + 1 if in_place and held is not None else 0
                self._hold((library, program.key), keep_as, result.private_kib, num_steps)
            if not result.is_replay_failure or is_from_scratch:
                return self._as_execution(result)
            # A state that its own snapshot cannot continue: once more from the beginning.
            is_from_scratch = True

    def _may_go_on(self, program: Program, library: str, held: Held) -> bool:
        """Whether a snapshot's own process may execute `program`: it is alone there, and its state is cheap to lose."""
        if held.users or held.num_steps >= request.MAX_STEPS_IN_PLACE or program.state in self._used_up:
            return False
        if self._children[program.state] > 1:
            return False
        lost = program.keys[self._snapshots.deepest_before([(library, key) for key in program.keys[:-1]]) :]
        return all(key in self._results for key in lost) and self._cost(lost) <= IN_PLACE_FORKS * self._fork_seconds

    def _use_up(self, state: bytes, held: Held) -> None:
        """Forget a snapshot that goes on; when its state is needed again it is made again, and then it stays."""
        self._snapshots.remove(held.id)
        self._used_up[state] = None
        if len(self._used_up) > MAX_UNTAME:
            self._used_up.popitem(last=False)

    def _is_worth_keeping(self, missing: tuple[bytes, ...]) -> bool:
        """Whether the state that `missing` programs lead to is costly to make. What never ran here counts as costly."""
        if not self._settings.max_snapshots:
            return False
        return self._cost(missing) >= COSTLY_SECONDS or any(key not in self._results for key in missing)

    async def _build(self, program: Program, library: str) -> None:
        """Make a snapshot of the state that `program` starts from, once for all who wait for it."""
        key = program.keys[-1]
        building = self._building.get(key)
        if building is None:
            building = asyncio.ensure_future(self._build_once(program, library))
            self._building[key] = building
            building.add_done_callback(lambda _: self._building.pop(key, None))
        await asyncio.shield(building)

    async def _build_once(self, program: Program, library: str) -> None:
        depth, held = self._deepest(program, library)
        keep_as = next(self._ids)
        try:
            result = await self._ask(program.path[depth:], held, keep_as, request.ALWAYS, library)
        except GoneError:
            if held is not None:
                self._snapshots.remove(held.id)
            return
        if result.private_kib:
            self._hold((library, program.keys[-1]), keep_as, result.private_kib)

    def _deepest(self, program: Program, library: str) -> tuple[int, Held | None]:
        return self._snapshots.deepest([(library, key) for key in program.keys])

    def _hold(self, place: tuple[str, bytes], identity: int, private_kib: int, num_steps: int = 0) -> None:
        if self._zygote is not None:
            self._zygote.drop(self._snapshots.add(place, Held(identity, private_kib, num_steps=num_steps)))

    async def _ask(
        self,
        codes: tuple[str, ...],
        held: Held | None,
        keep_as: int,
        keep: int,
        library: str,
        *,
        in_place: bool = False,
    ) -> wire.Result:
        if self._zygote is None:
            raise LostError("there is no zygote")
        source = held.id if held else 0
        run = wire.Run(next(self._ids), source, keep_as, keep, library, encode(codes), in_place)
        if held is not None:
            held.users += 1
        try:
            return await self._zygote.run(run)
        finally:
            if held is not None:
                held.users -= 1

    def _as_execution(self, result: wire.Result) -> Execution:
        text = result.stdout.decode("utf-8", "replace")[: self._settings.output_chars]
        error = result.error
        if result.is_replay_failure:
            error = f"a step before this one failed when its state was rebuilt: {error}"
        status = result.status
        assert status in {"ok", "error", "timeout", "memory", "refused"}
        return Execution(status, text, error, result.seconds)  # type: ignore[arg-type]
