"""Time and memory of `rstar anatomy` and of every export, on a made run of 5,000 problems × 64 trajectories.

    python tests/benchmarks/anatomy.py --problems 5000 --trajectories 64 --json anatomy.json

Each command runs in a process of its own, start included. Beside them `plain`: the same file through `json.loads`, line
by line, and into a pandas frame of one row per trajectory, which is what one would write without the commands.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))

from handmade_runs import ANSWERLESS, End, record_of, spec_of, write_run

COMMANDS = {
    "anatomy": ["anatomy", "{run}"],
    "parquet": ["export", "{run}", "--format", "parquet"],
    "csv": ["export", "{run}", "--format", "csv"],
    "lm-eval": ["export", "{run}", "--format", "lm-eval", "--without-task"],
    "inspect": ["export", "{run}", "--format", "inspect", "--without-task"],
    "hf-eval": ["export", "{run}", "--format", "hf-eval", "--hub-dataset", "a/b"],
}
PLAIN = """
import json, sys
import pandas as pd
rows = []
for line in open(sys.argv[1] + "/problems.jsonl"):
    record = json.loads(line)
    for i, value in enumerate(record["values"]):
        usage = {name: column[i] for name, column in record["usage"].items()}
        rows.append({"problem": record["problem_id"], "value": value, "ending": record["endings"][i], **usage})
pd.DataFrame(rows).to_parquet(sys.argv[1] + "/plain.parquet")
"""


def make(folder: Path, num_problems: int, num_trajectories: int) -> None:
    """A run with eight different answers a problem, one in ten trajectories without an answer."""
    budgets = [1 << power for power in range(20) if 1 << power <= num_trajectories]
    spec, rng = spec_of(budgets), random.Random(0)
    records = []
    for number in range(num_problems):
        skill = rng.random()
        records.append(record_of(spec, f"sums/p{number}", [_end(rng, skill) for _ in range(num_trajectories)]))
    fsync, os.fsync = os.fsync, lambda _: None  # type: ignore[assignment]
    write_run(folder, spec, records)
    os.fsync = fsync


def _end(rng: random.Random, skill: float) -> End:
    if rng.random() < 0.1:
        return End(ending=rng.choice(ANSWERLESS))
    is_right = rng.random() < skill
    value = max(-1.0, min(1.0, rng.gauss(0.2 if is_right else -0.2, 0.4)))
    return End("r" if is_right else f"w{rng.randrange(8)}", "correct" if is_right else "incorrect", value)


def measure(command: list[str]) -> dict[str, Any]:
    """Wall and processor seconds and the largest resident set of one process."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    return {
        "seconds": round(time.monotonic() - begun, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "max_rss_mb": round(usage.ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=5000)
    parser.add_argument("--trajectories", type=int, default=64)
    parser.add_argument("--json", type=Path, help="write the figures here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        make(folder, asked.problems, asked.trajectories)
        size = (folder / "problems.jsonl").stat().st_size / 2**20
        print(f"{asked.problems:,} problems x {asked.trajectories} trajectories, problems.jsonl of {size:.0f} MiB")
        found = {"plain": measure([sys.executable, "-c", PLAIN, str(folder)])}
        for name, words in COMMANDS.items():
            command = [word.format(run=folder) for word in words]
            found[name] = measure([sys.executable, "-m", "harness.cli", *command])
    print(f"{'':10}{'seconds':>9}{'cpu':>9}{'MB':>7}")
    for name, figures in found.items():
        print(f"{name:10}{figures['seconds']:9.1f}{figures['cpu_seconds']:9.1f}{figures['max_rss_mb']:7}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
