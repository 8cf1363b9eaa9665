"""How long a large run takes to load, and how much memory it needs: 5,000 problems x 64 trajectories by default.

    python tests/benchmarks/records.py [--problems 5000] [--trajectories 64] [--json FILE]

Writes the records of a made-up run with `harness.records.encode`, then reads them in processes of their own: with
`read_records` (checksums, duplicates and fields checked), all kept or one at a time; with what a user without us would
write: `json.loads` per line; and with `pandas.read_json(lines=True)`. Peak memory is of the whole process. The
time is processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.records import COUNTERS, JudgedAnswer, ProblemRecord, Timing, encode
from rstar.search.voting import RULES

LIMIT_SECONDS, LIMIT_GIB = 10.0, 2.0
"""Issue 7: what the default size must stay within."""
_READERS = {
    "read_records, all kept": "kept = list(read_records(path))",
    "read_records, one at a time": "kept = sum(1 for _ in read_records(path))",
    "json.loads per line, all kept": "kept = [json.loads(line) for line in path.open()]",
    "pandas.read_json(lines=True)": "import pandas; kept = pandas.read_json(path, lines=True)",
}
_PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from harness.record_file import read_records
path = Path(sys.argv[1])
begun = time.process_time()
{body}
print(json.dumps([time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20]))
"""


def make_record(number: int, num_trajectories: int) -> ProblemRecord:
    """A record of the size that a search of so many trajectories leaves behind; the same for the same number."""
    rng = random.Random(number)
    texts = [f"\\frac{{{rng.randrange(1, 9999)}}}{{{each + 2}}}" for each in range(max(1, num_trajectories // 4))]
    answers = tuple(
        JudgedAnswer(text, place, "correct" if place == 1 else "incorrect", "different")
        for place, text in enumerate(texts)
    )
    places = tuple(
        None if rng.random() < 0.1 else min(len(texts) - 1, int(rng.expovariate(0.3))) for _ in range(num_trajectories)
    )
    budgets = [1 << power for power in range(num_trajectories.bit_length()) if 1 << power <= num_trajectories]
    clock = tuple(round(1.7 * each + rng.random(), 6) for each in range(num_trajectories))
    return ProblemRecord(
        problem_id=f"made-up/{number:05d}",
        seed=0,
        budget=num_trajectories,
        num_duplicates=rng.randrange(50),
        answers=answers,
        answer_of=places,
        values=tuple(rng.uniform(-1, 1) for _ in places),
        endings=tuple("truncated" if each is None else "answered" for each in places),
        usage={
            name: tuple(rng.randrange(400, 900) * (each + 1) for each in range(num_trajectories)) for name in COUNTERS
        },
        chosen={rule: tuple(places[0] for _ in budgets) for rule in RULES},
        grader_version="1",
        timing=Timing(clock, clock, 0.03, "2026-11-24T12:00:00+00:00"),
    )


def measure(path: Path, body: str) -> tuple[float, float]:
    """(processor seconds, peak GiB) of a process that reads `path` as `body` says."""
    program = _PROGRAM.format(body=body)
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    seconds, gib = json.loads(done.stdout)
    return seconds, gib


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=5000)
    parser.add_argument("--trajectories", type=int, default=64)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problems.jsonl"
        with path.open("wb") as file:
            for number in range(options.problems):
                file.write(encode(make_record(number, options.trajectories)))
        size = path.stat().st_size / 2**20
        print(f"{options.problems:,} problems x {options.trajectories} trajectories, {size:,.0f} MiB")
        print(f"{'reader':34}{'CPU s':>8}{'peak GiB':>10}")
        found = {}
        for name, body in _READERS.items():
            seconds, gib = measure(path, body)
            found[name] = {"cpu_seconds": seconds, "peak_gib": gib}
            print(f"{name:34}{seconds:8.2f}{gib:10.2f}")
    print(f"wanted of the first at 5,000 x 64: at most {LIMIT_SECONDS:g} s and {LIMIT_GIB:g} GiB")
    if options.json:
        options.json.write_text(json.dumps({"mib": size, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
