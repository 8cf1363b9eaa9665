"""Every task by name: what there is, and `load_task`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from tasks import aime, amc, college_math, gaokao, gsm8k, math, olympiadbench, omni_math, train_pool
from tasks.benchmark import Benchmark
from tasks.types import InputError, Role, Task
from tasks.user_task import PREFIX, load_user_task

BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for module in (math, aime, amc, olympiadbench, college_math, gsm8k, gaokao, omni_math, train_pool)
    for benchmark in module.BENCHMARKS
}
"""Tasks that come from files, by name, in the order of the paper; train pools last."""

GENERATED: dict[str, tuple[Role, int]] = {
    "procedural": ("eval", 384),
    "procedural-hard": ("eval", 384),
    "procedural-train": ("train", 4032),
}
"""Role and size of the generated tasks, so that a list need not generate them; a test holds them to the tasks."""


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """One line of `rstar tasks`."""

    name: str
    title: str
    role: Role
    num_problems: int
    is_exact: bool
    """False where `num_problems` counts the rows of the files and some of them are left out."""
    version: str
    licence: str
    state: str
    """`local`, `cached`, `not fetched` or `generated`."""
    location: str


def task_names() -> tuple[str, ...]:
    """All names that `load_task` knows, generated tasks first; `user:…` names come on top."""
    return (*_procedural_names(), *BENCHMARKS)


def load_task(name: str, role: Role | None = None) -> Task:
    """The task `name`, fetched, checked and read.

    `role` states what the caller needs it for: "train" refuses every evaluation task, so that no training can start
    from one; "eval" refuses a train pool; None takes either. A `user:…` task takes the role that is asked for, "eval"
    without one. Raises InputError for an unknown name, a refused role, and whatever is wrong with the data.
    """
    if name.startswith(PREFIX):
        return load_user_task(name, role or "eval")
    if name in BENCHMARKS:
        _check_role(name, BENCHMARKS[name].role, role)
        return BENCHMARKS[name].load()
    if name in _procedural_names():
        task = _load_procedural(name)
        _check_role(name, task.role, role)
        return task
    raise InputError(f"task '{name}' is not known; {_suggestion(name)}")


def eval_tasks(against: str = "", *, only_generated: bool = False) -> list[Task]:
    """The eval tasks that `against` names, by commas; empty means all of the catalog, or all generated ones.

    Raises InputError where one cannot be loaded: a check for test questions must not leave one out.
    """
    if against:
        names = list(dict.fromkeys(name.strip() for name in against.split(",") if name.strip()))
        return [load_task(name, "eval") for name in names]
    candidates = GENERATED if only_generated else task_names()
    try:
        return [load_task(name, "eval") for name in candidates if _role(name) == "eval"]
    except InputError as error:
        raise InputError(f"{error}; or name the eval tasks that you have with --against") from error


def _role(name: str) -> Role:
    return BENCHMARKS[name].role if name in BENCHMARKS else GENERATED[name][0]


def summaries() -> list[TaskSummary]:
    """What there is, without reading a data file or generating a problem."""
    generated = [_generated_summary(name) for name in _procedural_names()]
    return generated + [_summary(benchmark) for benchmark in BENCHMARKS.values()]


def _generated_summary(name: str) -> TaskSummary:
    if name in GENERATED:
        role, num_problems = GENERATED[name]
        version, licence = import_module("tasks.procedural.generate").VERSION, "MIT"
    else:
        task = _load_procedural(name)
        role, num_problems, version, licence = task.role, len(task.problems), task.version, task.source.licence
    return TaskSummary(
        name,
        "generated word problems",
        role,
        num_problems,
        is_exact=True,
        version=version,
        licence=licence,
        state="generated",
        location="generated",
    )


def _summary(benchmark: Benchmark) -> TaskSummary:
    return TaskSummary(
        benchmark.name,
        benchmark.title,
        benchmark.role,
        benchmark.num_problems,
        is_exact=not benchmark.drops_rows,
        version=benchmark.version,
        licence=benchmark.licence,
        state=benchmark.state(),
        location=benchmark.location,
    )


def _check_role(name: str, found: Role, wanted: Role | None) -> None:
    if wanted is None or wanted == found:
        return
    if wanted == "train":
        pools = ", ".join(pool.name for pool in BENCHMARKS.values() if pool.role == "train")
        raise InputError(
            f"task '{name}' is an evaluation task and is never trained on; use a train pool ({pools}) or a user: file"
        )
    raise InputError(f"task '{name}' is a train pool; name an evaluation task instead, see 'rstar tasks'")


def _suggestion(name: str) -> str:
    """Which names may have been meant. Spelling is compared without case, spaces and signs: `AIME 2024`, `math-500`."""
    plain = {_plain(known): known for known in task_names()}
    close: Sequence[str] = get_close_matches(_plain(name), plain, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(plain[one] for one in close)}?"
    return f"use one of {', '.join(task_names())}, or user:PATH for a file of your own"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _procedural() -> Any:
    """The package of generated tasks; imported here because it is not needed to read files."""
    return import_module("tasks.procedural")


def _procedural_names() -> tuple[str, ...]:
    return tuple(_procedural().NAMES)


def _load_procedural(name: str) -> Task:
    task: Task = _procedural().load_procedural(name)
    return task
