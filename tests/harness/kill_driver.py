"""Runs that are killed again and again: `kill_driver.py TASK OUT KILLS SEED` prints the folder of each completed run.

Every attempt is a process of its own, forked after the imports, that is killed with SIGKILL at a random moment; the
next one goes on with the same run. A completed run is followed by another one into a folder of its own.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from sum_runs import spec

from harness.run import Options, plan_run, run

TREES = ("full", "answers", "none")


def attempt(task: Path, out: Path, trees: str) -> None:
    """One process's life: the run, until its end or its death."""
    plan = plan_run(spec(task, trees=trees, budgets=[1, 2, 4, 8]), out)
    os._exit(0 if run(plan, Options(concurrency=3)).status == "complete" else 3)


def main() -> None:
    """Kill until there were enough kills and the last run is complete."""
    task, out, num_kills, rng = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), random.Random(sys.argv[4])
    kills = number = 0
    while kills < num_kills or number < len(TREES):
        trees = TREES[number % len(TREES)]
        folder = out / f"{number}-{trees}"
        pid = os.fork()
        if pid == 0:
            attempt(task, folder, trees)
        deadline = time.monotonic() + rng.uniform(0.01, 0.25)
        ended = (0, 0)
        while ended == (0, 0) and (time.monotonic() < deadline or kills >= num_kills):
            time.sleep(0.001)
            ended = os.waitpid(pid, os.WNOHANG)
        if ended == (0, 0):
            os.kill(pid, signal.SIGKILL)
            ended = os.waitpid(pid, 0)
            kills += os.WIFSIGNALED(ended[1])
        if os.WIFEXITED(ended[1]):
            assert os.WEXITSTATUS(ended[1]) == 0, f"exit code {os.WEXITSTATUS(ended[1])}"
            print(folder, flush=True)
            number += 1
    print(kills, flush=True)


if __name__ == "__main__":
    main()
