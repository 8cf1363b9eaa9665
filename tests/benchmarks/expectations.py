"""How long exact maj@k over subsets takes: 64 trajectories x 5,000 problems x 7 budgets by default, on one core.

    python tests/benchmarks/expectations.py [--problems 5000] [--trajectories 64] [--sample 20] [--json FILE]

Beside the project's `expected` stands what a user would write: draw 1,000 subsets with `random.sample`, count with
`Counter`, take the mean. That one is timed on `--sample` problems and scaled up, because it takes long; how far it is
off the exact value is shown too. Processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

# One core: waiting threads of the linear algebra library would count as processor time. Read when numpy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from harness.ballots import ballots
from harness.expectations import expected
from harness.records import JudgedAnswer, ProblemRecord

LIMIT_SECONDS = 20.0
"""Issue 7: what the default size must stay within."""
NUM_RESAMPLES = 1000


def make_record(number: int, num_trajectories: int) -> ProblemRecord:
    """A problem whose right answer is found by a share of the trajectories between 0 and 1, beside wrong ones."""
    rng = random.Random(number)
    chance, num_wrong = rng.betavariate(0.6, 0.6), rng.randrange(2, 25)
    places: list[int | None] = []
    for _ in range(num_trajectories):
        wrong = min(num_wrong, 1 + int(rng.expovariate(0.4)))
        places.append(None if rng.random() < 0.08 else 0 if rng.random() < chance else wrong)
    used = sorted({each for each in places if each is not None})
    answers = tuple(
        JudgedAnswer(f"{each + 3}", place, "correct" if each == 0 else "incorrect", "")
        for place, each in enumerate(used)
    )
    return ProblemRecord(
        problem_id=f"made-up/{number:05d}",
        seed=0,
        budget=num_trajectories,
        answers=answers,
        answer_of=tuple(None if each is None else used.index(each) for each in places),
        values=tuple(rng.uniform(-1, 1) for _ in places),
        endings=("answered",) * num_trajectories,
    )


def resampled(record: ProblemRecord, sizes: Sequence[int], num_resamples: int) -> list[float]:
    """maj@k as a user would write it in plain Python; ties as in the project."""
    rng = random.Random(record.problem_id)
    cast = ballots(record)
    classes: list[int | None] = [None] * cast.num_trajectories
    for place, number in zip(cast.positions.tolist(), cast.classes.tolist(), strict=True):
        classes[place] = number
    right = {int(number) for number in cast.classes[cast.is_correct]}
    shares = []
    for size in sizes:
        hits = 0
        for _ in range(num_resamples):
            votes = Counter(each for each in rng.sample(classes, size) if each is not None)
            if votes:
                hits += min(votes, key=lambda number: (-votes[number], number)) in right
        shares.append(hits / num_resamples)
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=5000)
    parser.add_argument("--trajectories", type=int, default=64)
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sizes = [1 << power for power in range(options.trajectories.bit_length()) if 1 << power <= options.trajectories]
    records = [make_record(number, options.trajectories) for number in range(options.problems)]
    print(
        f"{options.problems:,} problems x {options.trajectories} trajectories x {len(sizes)} budgets {sizes}, one core"
    )
    found: dict[str, float] = {}
    for rule in ("majority", "best", "oracle", "weighted", "top_k"):
        taken = records if rule in ("majority", "best", "oracle") else records[: max(1, len(records) // 20)]
        begun = time.process_time()
        for record in taken:
            expected(record, [rule], sizes)
        found[rule] = (time.process_time() - begun) * len(records) / len(taken)
        kind = "exact" if len(taken) == len(records) else "1,000 draws where not exact; scaled up from 1 in 20"
        print(f"  expected, {rule:9}{found[rule]:9.1f} s   {kind}")
    few = records[: options.sample]
    begun = time.process_time()
    loops = [resampled(record, sizes, NUM_RESAMPLES) for record in few]
    found["loop"] = (time.process_time() - begun) * len(records) / len(few)
    exact = [[expected(record, ["majority"], sizes)["majority", size].value for size in sizes] for record in few]
    apart = [abs(a - b) for one, other in zip(loops, exact, strict=True) for a, b in zip(one, other, strict=True)]
    print(f"  plain loop, majority{found['loop']:6.0f} s   {NUM_RESAMPLES:,} draws; scaled up from {len(few)} problems")
    print(
        f"majority: {found['loop'] / found['majority']:,.0f} times as fast as the loop, which is off by up to "
        f"{100 * max(apart):.1f} points per problem (median {100 * statistics.median(apart):.2f}); "
        f"wanted at 5,000 x 64 x 7: at most {LIMIT_SECONDS:g} s"
    )
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
