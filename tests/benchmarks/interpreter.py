"""How fast the sandboxed step interpreter is, beside what a user would do instead, in one run.

Everything is pinned to one core, so that a rate is the work of one core whoever does it, and rounds of the two sides
alternate, so that a busy machine slows both. Medians over rounds; ratios are medians of the ratios per round. Where
others use the machine as well, `--clock processor` measures the same without the waiting.

    python tests/benchmarks/interpreter.py --json /tmp/interpreter.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import interpreter_clock
from interpreter_rivals import BareFork, exec_seconds, fresh_python_seconds
from interpreter_sides import Sandbox

TARGETS = {
    "forked, heavy / bare fork": 0.6,
    "forked, light / bare fork": 0.6,
    "tame / forked": 10.0,
    "depth 8, whole chain: snapshots / replay": 4.0,
    "depth 8, last expansion: snapshots / replay": 4.0,
    "forked sympy step / fresh python": 20.0,
}
"""Issue 3. Live snapshots: at most 15 MB private memory at the median."""
LIGHT = "import os\nvalue = {n}\nprint(value + 1, os.sep)"
HEAVY = "import os, sympy\nvalue = {n}\nprint(value + 1, os.sep)"
TAME = "value = {n}\nprint(value + 1)"
SYMPY = "import os, sympy\nprint(os.sep, sympy.Integer({n}) + 1)"
DEPTH_STEP = (
    "import os, sympy\nx = sympy.symbols('x')\n"
    "r{k} = (sympy.solve(x**2 - {n}*x + {k}, x), sympy.integrate(x*sympy.exp({k}*x + {n}), x))\nprint(r{k}, os.sep)"
)
"""About 20 ms of work on an idle core, like the step of sandbox.md."""


def compare(rounds: int, ours: Callable[[int], float], theirs: Callable[[int], float]) -> dict[str, float]:
    """Medians of both sides' seconds per program, and of the ratio theirs / ours (above 1: ours is faster)."""
    pairs = [(ours(round_), theirs(round_)) for round_ in range(rounds)]
    found = {
        "ours_ms": 1000 * statistics.median(a for a, _ in pairs),
        "theirs_ms": 1000 * statistics.median(b for _, b in pairs),
        "ratio": statistics.median(b / a if a else float("inf") for a, b in pairs),
    }
    print(f"  {found}", file=sys.stderr, flush=True)
    return found


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Every comparison of the table: name → medians."""
    results: dict[str, dict[str, float]] = {}
    with Sandbox() as sandbox, BareFork("light") as light, BareFork("heavy") as heavy:
        results["forked, light / bare fork"] = compare(rounds, sandbox.batch(LIGHT, 60), light.batch(LIGHT, 60))
        results["forked, heavy / bare fork"] = compare(rounds, sandbox.batch(HEAVY, 60), heavy.batch(HEAVY, 60))
        results["forked, many at once / bare fork"] = compare(
            rounds, sandbox.batch(HEAVY + "\n", 60, at_once=8), heavy.batch(HEAVY, 60)
        )
        results["tame / forked"] = compare(
            rounds, sandbox.batch(TAME, 600, at_once=32), sandbox.batch(LIGHT, 60, at_once=32)
        )
        results["tame, one at a time / forked"] = compare(rounds, sandbox.batch(TAME, 300), sandbox.batch(LIGHT, 60))
        results["forked sympy step / fresh python"] = compare(
            rounds, sandbox.batch(SYMPY, 30), lambda round_: fresh_python_seconds(SYMPY.format(n=round_), 2)
        )
        results["tame / exec in the same process (no isolation)"] = compare(
            rounds, sandbox.batch(TAME, 600, at_once=32), lambda _: exec_seconds(TAME, 600)
        )
        results["remembered / forked"] = compare(rounds, sandbox.again(HEAVY, 600), sandbox.batch(HEAVY, 60))
        results |= _depth(sandbox, rounds)
    return results


def _depth(sandbox: Sandbox, rounds: int) -> dict[str, dict[str, float]]:
    steps = [DEPTH_STEP.replace("{k}", str(k + 1)) for k in range(8)]
    with Sandbox() as replaying:
        return {
            "depth 8, whole chain: snapshots / replay": compare(
                rounds, lambda n: sandbox.chain(steps, n), lambda n: replaying.replay_chain(steps, n)
            ),
            "depth 8, last expansion: snapshots / replay": compare(
                rounds, lambda n: sandbox.expand(steps, n, 8), lambda n: replaying.replay_last(steps, n, 8)
            ),
        }


def show(results: dict[str, dict[str, float]], memory: dict[str, float]) -> None:
    """Print the table."""
    print(f"{'comparison':52} {'ours ms':>9} {'other ms':>9} {'ratio':>8} {'target':>7}")
    for name, row in results.items():
        target = f"{TARGETS[name]:g}" if name in TARGETS else ""
        print(f"{name:52} {row['ours_ms']:9.3f} {row['theirs_ms']:9.3f} {row['ratio']:8.2f} {target:>7}")
    print(
        f"private memory of {memory['snapshots']:.0f} live snapshots: median {memory['median_mb']:.1f} MB, "
        f"largest {memory['largest_mb']:.1f} MB (smaps_rollup; target: median at most 15)"
    )
    print(f"the same (state, code) 600 times: {memory['runs_of_600']:.0f} run(s)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often both sides of each comparison run (default 5)")
    parser.add_argument("--json", type=Path, help="write all numbers here")
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall", help="time to measure (default wall)")
    options = parser.parse_args()
    interpreter_clock.choose(options.clock)
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    results = measure(options.rounds)
    with Sandbox() as sandbox:
        memory = sandbox.snapshot_memory(40) | {"runs_of_600": sandbox.count_runs(600)}
    show(results, memory)
    if options.json:
        record: dict[str, Any] = {
            "results": results,
            "memory": memory,
            "rounds": options.rounds,
            "clock": options.clock,
            "core": core,
            "targets": TARGETS,
        }
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
