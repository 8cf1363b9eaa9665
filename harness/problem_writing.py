"""`rstar synthesize problems` behind its flags: open the writer, write, and say what became of the problems."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from harness.engines import open_engines
from harness.retrying import EngineFailure
from harness.run_inputs import fingerprint, model_path
from harness.spec import NO_REWARD
from harness.spec_fields import make_spec
from rstar.synthesis.admission import tasks_against
from rstar.synthesis.pools import open_pool
from rstar.synthesis.problems import (
    Outcome,
    SearchedSolver,
    Solver,
    WritingSettings,
    WrittenSolver,
    synthesize_problems,
)
from rstar.synthesis.writers import EndpointWriter, PolicyWriter, Writer
from tasks.overlap import OverlapIndex
from tasks.types import InputError

PARTIAL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedProblems:
    """What the command line says."""

    seeds: str
    out: Path
    endpoint: str
    model: str
    key_variable: str
    policy: str
    engine: str
    interpreter: str
    per_seed: int
    limit: int | None
    num_solutions: int
    min_agreeing: int
    against: str
    concurrency: int
    seed: int


def run_problems(asked: AskedProblems, *, as_json: bool = False) -> int:
    """Write the problems that are left, print the outcomes, and return the exit code."""
    if bool(asked.endpoint) == bool(asked.policy):
        raise InputError(
            "name what writes the problems: a server with --endpoint and --model, or a model with --policy"
        )
    if asked.endpoint and not asked.model:
        raise InputError("--endpoint needs the name of a model there; add --model")
    pool = open_pool(asked.seeds)
    # A written problem may be near any test question, whatever pool its seed is from.
    index = OverlapIndex(tasks_against(pool, asked.against))
    seeds = list(islice(pool.read(), asked.limit))
    settings = WritingSettings(
        per_seed=asked.per_seed,
        num_solutions=asked.num_solutions,
        min_agreeing=asked.min_agreeing,
        seed=asked.seed,
        writer=_identity(asked),
    )
    with _opened(asked) as (writer, solver):
        counts = synthesize_problems(
            seeds, writer, solver, settings, asked.out, index, concurrency=asked.concurrency, on_outcome=_Progress()
        )
    _show(counts, asked.out, as_json=as_json)
    return PARTIAL if counts["failed"] else 0


def _identity(asked: AskedProblems) -> str:
    if asked.endpoint:
        return f"{asked.endpoint} {asked.model}"
    return fingerprint(model_path(asked.policy, "policy"))


@contextmanager
def _opened(asked: AskedProblems) -> Iterator[tuple[Writer, Solver]]:
    if asked.endpoint:
        key = os.environ.get(asked.key_variable, "") if asked.key_variable else ""
        if asked.key_variable and not key:
            raise InputError(f"--key-variable {asked.key_variable}: the environment has no such variable; set it first")
        writer = EndpointWriter(asked.endpoint, asked.model, key)
        yield writer, WrittenSolver(writer)
        return
    spec = make_spec(
        {
            "task": asked.seeds,
            "method": "sample",
            "ppm": NO_REWARD,
            "engine": asked.engine,
            "policy": asked.policy,
            "interpreter": asked.interpreter,
        }
    )
    with open_engines(spec) as engines:
        try:
            yield PolicyWriter(engines), SearchedSolver(engines, engines)
        except EngineFailure as error:
            raise InputError(f"--policy {asked.policy}: {error}; the same command goes on") from error


class _Progress:
    """A count of outcomes on a terminal."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, outcome: Outcome) -> None:
        self.count += 1
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{self.count:,} problems written, the last one: {outcome.verdict}")


def _show(counts: Counter[str], out: Path, *, as_json: bool) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    if as_json:
        sys.stdout.write(json.dumps(dict(counts)) + "\n")
        return
    for verdict, count in sorted(counts.items()):
        sys.stdout.write(f"{verdict:<14}{count:>8,}\n")
    sys.stdout.write(f"{counts['kept']:,} problems in {out}; search them with: rstar synthesize --pool {out} --out …\n")
    if counts["failed"]:
        sys.stdout.write("the writer failed on some seeds; the same command tries them again\n")
