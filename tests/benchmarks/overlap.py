"""Contamination check: questions a minute on one core, against two ways that one would write in plain Python.

    python tests/benchmarks/overlap.py --questions 60000 --json overlap.json

- `pairwise`: for each pair of questions, the share of common 13-grams as tuples in sets. Too slow for a whole pool, so
  it is timed on `--pairwise-questions` of it and the rate is quoted, not the time.
- `union`: the 13-grams of all eval questions as tuples in one set (GPT-3's rule: any shared one). It does not say which
  eval question was hit, which share of it, or whether the numbers agree.

Eval questions are the eval tasks whose data is at hand (set RSTAR_DATA_DIR for the benchmark files) plus the procedural
ones; the pool is generated procedural problems mixed with copies of eval questions, one in a hundred.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tasks.catalog import BENCHMARKS, load_task
from tasks.overlap import NGRAM_WORDS, OverlapIndex, check_overlap
from tasks.procedural import FAMILIES, LEVELS, generate
from tasks.types import Task

COPY_EVERY = 100
TARGET_PER_MINUTE = 50_000
WORD = re.compile(r"\w+")


def eval_tasks() -> list[Task]:
    names = [name for name, benchmark in BENCHMARKS.items() if benchmark.role == "eval"]
    at_hand = [name for name in names if BENCHMARKS[name].state() != "not fetched"]
    return [load_task(name) for name in ("procedural", "procedural-hard", *at_hand)]


def make_pool(num_questions: int, tasks: list[Task]) -> list[tuple[str, str]]:
    exam = [problem for task in tasks for problem in task.problems]
    families = list(FAMILIES)
    pool = []
    for number in range(num_questions):
        if number % COPY_EVERY == 0:
            pool.append((f"copy-{number}", exam[number * 7919 % len(exam)].question))
            continue
        family, level = families[number % len(families)], LEVELS[number // len(families) % len(LEVELS)]
        problem = generate("train", family, level, number).problem
        pool.append((problem.id, problem.question))
    return pool


def grams_of(question: str) -> set[tuple[str, ...]]:
    words = WORD.findall(question.lower())
    return {tuple(words[start : start + NGRAM_WORDS]) for start in range(len(words) - NGRAM_WORDS + 1)}


def pairwise(pool: list[tuple[str, str]], exam: list[set[tuple[str, ...]]]) -> int:
    count = 0
    for _, question in pool:
        own = grams_of(question)
        count += any(grams and len(own & grams) / len(grams) >= 0.5 for grams in exam)
    return count


def union(pool: list[tuple[str, str]], exam: set[tuple[str, ...]]) -> int:
    return sum(not exam.isdisjoint(grams_of(question)) for _, question in pool)


def seconds(runs: int, call: object, *arguments: object) -> tuple[float, int]:
    assert callable(call)
    times, result = [], 0
    for _ in range(runs):
        start = time.process_time()
        result = call(*arguments)
        times.append(time.process_time() - start)
    return median(times), result


def rows(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    tasks = eval_tasks()
    pool = make_pool(options.questions, tasks)
    exam = [grams_of(problem.question) for task in tasks for problem in task.problems]
    print(f"{len(pool):,} train questions, {len(exam):,} eval questions of {len(tasks)} tasks")

    build, _ = seconds(options.runs, lambda: len(OverlapIndex(tasks)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours, found = seconds(options.runs, lambda: check_overlap(pool, tasks).num_contaminated)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield {
        "way": "rstar overlap",
        "questions_per_minute": 60 * len(pool) / ours,
        "found": found,
        "index_seconds": build,
        "memory_growth_mib": (after - before) / 1024,
    }
    questions = [problem.question for task in tasks for problem in task.problems]
    start = time.process_time()
    grams = set().union(*map(grams_of, questions))
    build = time.process_time() - start
    plain, found = seconds(options.runs, union, pool, grams)
    yield {
        "way": "union",
        "questions_per_minute": 60 * len(pool) / (plain + build),
        "found": found,
        "index_seconds": build,
    }
    part = pool[: options.pairwise_questions]
    slow, found = seconds(1, pairwise, part, exam)
    yield {"way": f"pairwise ({len(part)} questions)", "questions_per_minute": 60 * len(part) / slow, "found": found}


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of the contamination check.")
    parser.add_argument("--questions", type=int, default=60_000)
    parser.add_argument("--pairwise-questions", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3, help="the median of so many runs is quoted")
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    table = list(rows(options))
    first = table[0]["questions_per_minute"]
    assert isinstance(first, float)
    print(f"{'way':<28} {'questions/min':>14} {'ours is':>9} {'found':>7}")
    for row in table:
        rate = row["questions_per_minute"]
        assert isinstance(rate, float)
        print(f"{row['way']:<28} {rate:>14,.0f} {first / rate:>8.1f}x {row['found']:>7}")
    times = first / TARGET_PER_MINUTE
    print(f"{(options.questions + COPY_EVERY - 1) // COPY_EVERY:,} questions of the pool are copies")
    print(f"target {TARGET_PER_MINUTE:,} a minute: reached {times:.1f} times (CPU time, index included)")
    if options.json:
        options.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
