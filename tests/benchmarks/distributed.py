"""Throughput of Ray workers beside one worker and beside a run without Ray, with an engine that takes 50 ms a call.

    python tests/benchmarks/distributed.py
    python tests/benchmarks/distributed.py --workers 4 --problems 200 --json out.json

The engine sleeps (asyncio), so it keeps no core busy and what is measured is the work of Ray, queue and journals: with
W workers of C problems each, W x C searches wait for it at a time. Every variant runs `--rounds` times in turn, on the
same problems, and the time is that of the searches (without start and end); the table has medians. Overhead per problem
is CPU time: that of the driver, its workers and Ray's processes, less that of a run without Ray, by problem. CPU time
is what a busy machine does not distort.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests" / "harness")]

from sum_runs import fields, write_task  # noqa: E402

from harness.engines import open_engines  # noqa: E402
from harness.remote import Fleet  # noqa: E402
from harness.run import Options, plan_run, run  # noqa: E402
from harness.run_folder import RunRecord  # noqa: E402
from harness.spec_fields import make_spec  # noqa: E402
from rstar.types import Proposal, Trajectory  # noqa: E402


@dataclass(frozen=True)
class Slow:
    """A policy that takes its time, as an engine does that works elsewhere."""

    policy: Any
    seconds: float

    async def propose(self, prefix: Trajectory, *arguments: Any) -> Proposal:
        """After the pause, what the policy says."""
        await asyncio.sleep(self.seconds)
        proposal: Proposal = await self.policy.propose(prefix, *arguments)
        return proposal


@dataclass(frozen=True)
class SlowEngines:
    """`make_engines` with that policy; it travels to the workers."""

    seconds: float

    @contextmanager
    def __call__(self, *arguments: Any) -> Iterator[Any]:
        """The engines of the spec."""
        with open_engines(*arguments) as engines:
            yield replace(engines, policy=Slow(engines.policy, self.seconds))


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of all below it, those that ended before included."""
    times: dict[int, float] = {}
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parts = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(parts[1])
            times[int(folder.name)] = sum(map(int, parts[11:15])) / os.sysconf("SC_CLK_TCK")
    family = {pid}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return sum(times[each] for each in family if each in times)


class Watch:
    """Progress that notes when the searches began, and the CPU time then and at the end."""

    def __init__(self) -> None:
        self.cpu = 0.0

    def expect(self, *_: Any) -> None:
        """Nothing."""

    def start(self, _: Any) -> None:
        """The searches begin."""
        self.cpu = -cpu_seconds(os.getpid())

    def add(self, *_: Any, **__: Any) -> None:
        """Nothing."""

    def stop(self) -> None:
        """They have ended."""
        self.cpu += cpu_seconds(os.getpid())


def timed(task: Path, workers: int, arguments: argparse.Namespace) -> tuple[float, float]:
    """Seconds and CPU seconds of the searches of a run; `workers` 0: without Ray."""
    with tempfile.TemporaryDirectory() as out:
        plan = plan_run(make_spec(fields(task, trees="none")), Path(out))
        fleet = Fleet(num_workers=workers, cpus_per_worker=0.01) if workers else None
        watch = Watch()
        engines = SlowEngines(arguments.call_ms / 1000)
        record: RunRecord = run(plan, Options(arguments.concurrency, make_engines=engines, fleet=fleet), watch)
        assert record.status == "complete"
        return record.sessions[-1]["seconds"], watch.cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=96)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--concurrency", type=int, default=4, help="problems at a time, for each worker")
    parser.add_argument("--call-ms", type=float, default=50.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    variants = (0, 1, arguments.workers)
    measured: dict[int, list[tuple[float, float]]] = {each: [] for each in variants}
    with tempfile.TemporaryDirectory() as folder:
        task = write_task(Path(folder) / "sums.jsonl", arguments.problems)
        begun = time.monotonic()
        for _ in range(arguments.rounds):
            for workers in variants:
                measured[workers].append(timed(task, workers, arguments))
    seconds = {each: statistics.median(one for one, _ in found) for each, found in measured.items()}
    cpu = {each: statistics.median(one for _, one in found) for each, found in measured.items()}
    print(f"{'':<14}{'seconds':>9}{'problems/s':>12}{'times one worker':>18}{'CPU ms/problem':>16}")
    for each in variants:
        name = f"{each} worker{'s' if each != 1 else ''}" if each else "without Ray"
        print(
            f"{name:<14}{seconds[each]:>9.2f}{arguments.problems / seconds[each]:>12.1f}"
            f"{seconds[1] / seconds[each]:>18.2f}{1000 * cpu[each] / arguments.problems:>16.1f}"
        )
    overhead = {each: 1000 * (cpu[each] - cpu[0]) / arguments.problems for each in variants if each}
    waited = 1000 * (seconds[1] - seconds[0]) / arguments.problems
    print(f"overhead per problem, CPU: {', '.join(f'{ms:.1f} ms with {each}' for each, ms in overhead.items())}")
    print(f"overhead per problem, wall, one worker beside no Ray: {waited:.1f} ms")
    print(f"{time.monotonic() - begun:.0f} s in all")
    if arguments.json:
        content = {"settings": vars(arguments) | {"json": None}, "seconds": seconds, "cpu_seconds": cpu}
        arguments.json.write_text(json.dumps(content | {"overhead_cpu_ms": overhead, "overhead_wall_ms": waited}))


if __name__ == "__main__":
    main()
