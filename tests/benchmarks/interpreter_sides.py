"""The sandboxed interpreter as the benchmark drives it: seconds per program under several loads."""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import interpreter_clock as clock

from rstar.interpreter import SandboxInterpreter
from rstar.types import Execution, Step

_NUMBERS = itertools.count(1)
"""Every program holds a number of its own, so that none is remembered."""


class Sandbox:
    """One interpreter with one worker."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._interpreter = SandboxInterpreter(seconds=600, memory_mb=2048, workers=1)

    def __enter__(self) -> Self:
        self._runner.run(self._interpreter.__aenter__())
        for code in ("print(1)", "import os\nprint(os.sep)", "import os, sympy\nprint(os.sep)"):
            self._ask([], code)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._interpreter.close()
        self._runner.close()

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def _ask(self, prefix: Sequence[Step], code: str) -> Execution:
        execution = self._wait(self._interpreter.run(prefix, code))
        if execution.status != "ok":
            raise RuntimeError(f"a program of the benchmark failed: {execution}\n{code}")
        return execution  # type: ignore[no-any-return]

    def batch(self, template: str, count: int, at_once: int = 1) -> Callable[[int], float]:
        """A function that runs `count` new programs, `at_once` at the same time, and returns seconds per program."""

        async def work() -> None:
            numbers = [next(_NUMBERS) for _ in range(count)]

            async def lane(mine: list[int]) -> None:
                for number in mine:
                    execution = await self._interpreter.run((), template.replace("{n}", str(number)))
                    assert execution.status == "ok", execution

            await asyncio.gather(*(lane(numbers[k::at_once]) for k in range(at_once)))

        def run(_: int) -> float:
            started = clock.start()
            self._wait(work())
            return clock.since(started, count)

        return run

    def again(self, template: str, count: int) -> Callable[[int], float]:
        """A function that asks for one program `count` times."""
        code = template.replace("{n}", str(next(_NUMBERS)))

        async def work() -> None:
            for _ in range(count):
                await self._interpreter.run((), code)

        def run(_: int) -> float:
            started = clock.start()
            self._wait(work())
            return clock.since(started, count)

        return run

    def _grow(self, steps: Sequence[str], number: int) -> list[Step]:
        path: list[Step] = []
        for template in steps:
            code = template.replace("{n}", str(number))
            path.append(Step(code, code, self._ask(path, code)))
        return path

    def chain(self, steps: Sequence[str], _: int) -> float:
        """Seconds for a whole path, each step asked on top of the steps before it."""
        started = clock.start()
        self._grow(steps, next(_NUMBERS))
        return clock.since(started)

    def replay_chain(self, steps: Sequence[str], _: int) -> float:
        """The same without snapshots: every prefix is run again, as one fresh program."""
        number = str(next(_NUMBERS))
        started = clock.start()
        for depth in range(1, len(steps) + 1):
            self._ask([], "\n".join(steps[:depth]).replace("{n}", number))
        return clock.since(started)

    def expand(self, steps: Sequence[str], _: int, width: int) -> float:
        """Seconds per candidate for `width` last steps on top of the others, which have run."""
        path = self._grow(steps[:-1], next(_NUMBERS))
        started = clock.start()
        for _ in range(width):
            self._ask(path, steps[-1].replace("{n}", str(next(_NUMBERS))))
        return clock.since(started, width)

    def replay_last(self, steps: Sequence[str], _: int, width: int) -> float:
        """The same without snapshots."""
        number = str(next(_NUMBERS))
        started = clock.start()
        for _ in range(width):
            last = steps[-1].replace("{n}", str(next(_NUMBERS)))
            self._ask([], "\n".join(steps[:-1]).replace("{n}", number) + "\n" + last)
        return clock.since(started, width)

    def snapshot_memory(self, count: int) -> dict[str, float]:
        """Private memory of `count` live states of sympy steps, from the kernel's exact account."""
        before = family()
        step = (
            "import os, sympy\nx = sympy.symbols('x')\n"
            "r = sympy.solve(x**2 - {n}*x + 1, x), sympy.integrate(x*sympy.exp({n}*x), x)"
        )
        for number in range(1, count + 1):
            code = step.replace("{n}", str(number))
            done = Step(code, code, self._ask([], code))
            self._ask([done], f"import os\nprint(r, {number}, os.sep)")
        sizes = [size for pid in family() - before if (size := private_mb(pid)) is not None]
        if not sizes:
            return {"snapshots": 0.0, "median_mb": float("nan"), "largest_mb": float("nan")}
        return {"snapshots": float(len(sizes)), "median_mb": statistics.median(sizes), "largest_mb": max(sizes)}

    def count_runs(self, times: int) -> float:
        """How many different answers a program that tells the time gives when asked for `times` times at once."""
        code = "import time\nprint(time.perf_counter_ns())"

        async def work() -> list[Execution]:
            return await asyncio.gather(*(self._interpreter.run((), f"{code}\n# asked {n % 7}") for n in range(times)))

        return float(len({execution.stdout for execution in self._wait(work())}))


def _parents() -> dict[int, int]:
    """Living process → its parent."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] not in "ZX":
                parents[int(entry.name)] = int(fields[1])
    return parents


def children() -> set[int]:
    """The living processes that this one started itself."""
    return {child for child, parent in _parents().items() if parent == os.getpid()}


def family() -> set[int]:
    """All living processes below this one."""
    parents = _parents()
    found: set[int] = set()
    frontier = {os.getpid()}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return found


def private_mb(pid: int) -> float | None:
    """Memory that a process does not share, in MiB; None where it cannot be read."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024
