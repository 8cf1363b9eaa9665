"""Many executions while the interpreter's processes are killed: every call is answered and nothing is left over.

Programs are tame, forked, deep, failing, endless and too large, mixed by a seed. Every so often a random process of the
interpreter dies by SIGKILL, now and then the outermost one. Counts answers by status, wrong answers, and what grew:
processes, descriptors and memory of this process and of the family, after a warm-up against the end.

    python tests/benchmarks/soak_interpreter.py --executions 100000 --json /tmp/soak.json

Exit code 1 where an answer is wrong or missing, or something leaked.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from interpreter_sides import children, family, private_mb

from rstar.interpreter import SandboxInterpreter
from rstar.types import Execution, Step

LANES = 32
"""Calls at the same time."""
PATIENCE = 300.0
"""Seconds after which a call counts as unanswered."""
RESULT_MB = 100.0
"""What 100,000 remembered results take (supervisor.py says so); growth beyond it and `SPARE_MB` is a leak."""
SPARE_MB = 30.0
"""Chosen, not tuned."""
MAX_SNAPSHOTS = 128
"""The interpreter's default."""


@dataclass
class Tally:
    """What happened."""

    answers: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    """Honest programs whose answer was a failure that names the loss of a process."""
    wrong: list[str] = field(default_factory=list)
    unanswered: int = 0
    killed: int = 0
    killed_zygotes: int = 0


@dataclass(frozen=True)
class Load:
    """What this process and its family hold at one moment."""

    processes: int
    descriptors: int
    rss_mb: float
    family_private_mb: float


def load_now() -> Load:
    """The moment's numbers."""
    pids = family()
    private = [size for pid in pids if (size := private_mb(pid)) is not None]
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Load(
        len(pids),
        sum(1 for _ in Path("/proc/self/fd").iterdir()),
        pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        sum(private),
    )


def program(number: int, rng: random.Random) -> tuple[list[str], str, str, str]:
    """(prefix codes, code, expected status, expected stdout) of the execution with this number."""
    kind = rng.choices(
        ("tame", "forked", "deep", "sympy", "error", "exit", "timeout", "memory"), (40, 30, 15, 8, 4, 1, 1, 1)
    )[0]
    if kind == "tame":
        return [], f"x = {number}\nprint(sum(range(x % 100)), x)", "ok", f"{sum(range(number % 100))} {number}\n"
    if kind == "forked":
        return [], f"import os\nprint({number}, os.sep)", "ok", f"{number} /\n"
    if kind == "deep":
        shared = number % 50
        prefix = [f"import os\nvalues = [{shared}]", f"values.append({shared % 7}); os.sep"]
        return prefix, f"values.append({number})\nprint(values, os.sep)", "ok", f"{[shared, shared % 7, number]} /\n"
    if kind == "sympy":
        return (
            [],
            f"import sympy\nx = sympy.symbols('x')\nprint(sympy.diff(x**2 * {number}, x))",
            "ok",
            f"{2 * number}*x\n",
        )
    if kind == "error":
        return [], f"print({number})\nraise ValueError({number})", "error", f"{number}\n"
    if kind == "exit":
        return [], f"import os\nos._exit({number % 3})", "error", ""
    if kind == "timeout":
        return [], f"x = {number}\nwhile True: x += 1", "timeout", ""
    return [], f"n = {number}\nx = bytearray(900 << 20)", "memory", ""


def judge(tally: Tally, number: int, expected: tuple[str, str], execution: Execution) -> None:
    """Count one answer."""
    tally.answers[execution.status] += 1
    if (execution.status, execution.stdout) == expected:
        return
    if "lost" in execution.error or execution.status == "timeout":
        # Said truthfully: killed again and again, or too slow on a machine that is busy.
        tally.lost += 1
    elif len(tally.wrong) < 20:
        tally.wrong.append(f"{number}: expected {expected}, got {execution}"[:400])


def kill_somebody(tally: Tally, rng: random.Random, *, outermost: bool) -> None:
    """SIGKILL a random process of the interpreter, or its outermost one."""
    pids = sorted(children() if outermost else family())
    if not pids:
        return
    victim = rng.choice(pids)
    with contextlib.suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
        tally.killed += 1
        tally.killed_zygotes += outermost


async def soak(options: argparse.Namespace, tally: Tally) -> tuple[Load, Load]:
    """Run everything; returns the load after the warm-up and at the end."""
    rng = random.Random(options.seed)
    numbers = iter(range(options.executions))
    warm: list[Load] = []
    interpreter = SandboxInterpreter(seconds=options.seconds, memory_mb=512)

    async def lane() -> None:
        for number in numbers:
            prefix, code, status, stdout = program(number, random.Random(f"{options.seed}/{number}"))
            steps = tuple(Step(text, text) for text in prefix)
            try:
                execution = await asyncio.wait_for(interpreter.run(steps, code), PATIENCE)
            except TimeoutError:
                tally.unanswered += 1
                continue
            judge(tally, number, (status, stdout), execution)
            if number % options.kill_every == options.kill_every - 1:
                kill_somebody(tally, rng, outermost=number % (10 * options.kill_every) == options.kill_every - 1)
            if number == options.executions // 5:
                warm.append(load_now())
            if number and number % 10_000 == 0:
                print(f"{number} executions, {dict(tally.answers)}", file=sys.stderr, flush=True)

    try:
        await asyncio.gather(*(lane() for _ in range(LANES)))
        await asyncio.sleep(3)
        end = load_now()
    finally:
        interpreter.close()
    return warm[0], end


def verdicts(executions: int, tally: Tally, loads: dict[str, Load]) -> dict[str, bool]:
    """What must hold, and whether it does."""
    before, warm, end, after = loads.values()
    return {
        "wrong answers": not tally.wrong,
        "unanswered calls": tally.unanswered == 0,
        "answers add up": sum(tally.answers.values()) + tally.unanswered == executions,
        "no process left": after.processes == before.processes,
        "no descriptor left": after.descriptors == before.descriptors,
        "memory of this process": end.rss_mb - warm.rss_mb < SPARE_MB + RESULT_MB * executions / 100_000,
        "processes of the family do not grow": end.processes <= warm.processes + MAX_SNAPSHOTS + 20,
    }


def show(executions: int, seconds: float, tally: Tally, loads: dict[str, Load]) -> None:
    """Print what happened."""
    print(f"{executions} executions in {seconds:.0f} s ({executions / seconds:.0f}/s)")
    print(f"{tally.killed} processes killed, {tally.killed_zygotes} of them outermost")
    print(f"answers: {dict(tally.answers)}; lost or late, said so: {tally.lost}; unanswered: {tally.unanswered}")
    for name, load in loads.items():
        print(
            f"{name:14} {load.processes:4} processes  {load.descriptors:4} descriptors  "
            f"{load.rss_mb:7.1f} MB here  {load.family_private_mb:8.1f} MB private in the family"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=2.0, help="time limit of one program (default 2)")
    parser.add_argument("--kill-every", type=int, default=500, help="executions between two kills (default 500)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write all numbers here")
    options = parser.parse_args()
    before, tally, started = load_now(), Tally(), time.monotonic()
    warm, end = asyncio.run(soak(options, tally))
    seconds = time.monotonic() - started
    time.sleep(2)
    loads = {"before": before, "after warm-up": warm, "at the end": end, "after closing": load_now()}
    held = verdicts(options.executions, tally, loads)
    show(options.executions, seconds, tally, loads)
    for name, is_good in held.items():
        print(f"{'ok  ' if is_good else 'FAIL'} {name}")
    for line in tally.wrong:
        print(f"  wrong: {line}")
    if options.json:
        record = vars(tally) | {"seconds": seconds, "loads": {name: asdict(load) for name, load in loads.items()}}
        options.json.write_text(json.dumps(record | {"verdicts": held}, indent=2) + "\n", encoding="utf-8")
    raise SystemExit(0 if all(held.values()) else 1)


if __name__ == "__main__":
    main()
