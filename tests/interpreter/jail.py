"""A step interpreter driven from ordinary test code, and what can be seen of its processes from outside."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rstar.interpreter import SandboxInterpreter
from rstar.types import Execution, Step

PATIENCE = 120
"""Seconds after which a call that has not answered counts as hung; far above every limit used here."""


def steps_of(codes: Sequence[str]) -> tuple[Step, ...]:
    return tuple(Step(text=code, code=code) for code in codes)


class Jail:
    """Runs one call at a time, or many at once with `run_all`; every call must answer within `PATIENCE`."""

    def __init__(self, **settings: Any) -> None:
        self._runner = asyncio.Runner()
        self.interpreter = SandboxInterpreter(**settings)
        self._runner.run(self.interpreter.__aenter__())

    def run(self, *steps: str) -> Execution:
        """The last step on top of the others."""
        return self.run_all([steps])[0]

    def run_all(self, paths: Sequence[Sequence[str]]) -> list[Execution]:
        """The last step of every path on top of its others, all paths at once."""

        async def gather() -> list[Execution]:
            calls = (self.interpreter.run(steps_of(path[:-1]), path[-1]) for path in paths)
            return await asyncio.wait_for(asyncio.gather(*calls), PATIENCE)

        return self._runner.run(gather())

    def walk(self, steps: Sequence[str]) -> list[Execution]:
        """Every step of a path in turn, as a search would ask; one execution per step."""
        done: list[Step] = []
        for code in steps:
            execution = self._runner.run(asyncio.wait_for(self.interpreter.run(tuple(done), code), PATIENCE))
            done.append(Step(text=code, code=code, execution=execution))
        return [step.execution for step in done if step.execution is not None]

    def close(self) -> None:
        self._runner.run(self.interpreter.__aexit__(None, None, None))
        self._runner.close()


def descendants(pid: int | None = None) -> set[int]:
    """Every living process below `pid` (this process), zombies left out."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _status(entry)) and fields[0] not in "ZX":
            parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    frontier = {pid or os.getpid()}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return found


def _status(entry: Path) -> list[str]:
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended while we looked
        return []


def processor_seconds(pids: set[int]) -> float:
    """Processor time that these processes have used so far."""
    ticks = 0
    for pid in pids:
        if fields := _status(Path(f"/proc/{pid}")):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until_gone(pids: set[int], seconds: float = 20.0) -> set[int]:
    """Those of `pids` that still live after at most `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        alive = {pid for pid in pids if (fields := _status(Path(f"/proc/{pid}"))) and fields[0] not in "ZX"}
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.02)
