"""Train pools as streams: a task of the catalog, a file, or procedural problems; one problem in memory at a time.

| name | problems |
|---|---|
| `math_train`, `numina_cot`, `numina_competition`, `metamath_qa` | the catalog's train pools, read from their files |
| `user:PATH` or a path | JSONL, JSON, CSV, TSV or Parquet; settings behind `?` as in `tasks.user_task` |
| `procedural-train` | the catalog's 4,032 generated problems |
| `procedural-train?each=N&first=I&levels=1,2` | N of each family and level, from index I on |

A row of a user's file may have `synthetic` (true for a problem that a model wrote, as `rstar synthesize problems` marks
them): its label may be wrong, see `rstar.synthesis.coverage`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from rstar.synthesis.procedural_pool import problem_pool
from tasks.benchmark import Benchmark
from tasks.catalog import BENCHMARKS, GENERATED, load_task, task_names
from tasks.jsonl import NumberText, Row, shorten
from tasks.procedural import LEVELS
from tasks.sources import fetch
from tasks.tables import FORMATS, read_table
from tasks.types import InputError, Problem, Reference
from tasks.user_task import PREFIX, UserFile, parse_user_name

PROCEDURAL = "procedural-train"
_TRUE, _FALSE = ("true", "1", "True"), ("false", "0", "False", "")


@dataclass(frozen=True, slots=True)
class Pooled:
    """One problem of a pool with its reference, which is never handed to a search."""

    problem: Problem
    reference: Reference
    is_synthetic: bool = False


@dataclass(frozen=True, slots=True)
class Pool:
    """A named stream that can be read again and again; the same pool always gives the same problems in one order."""

    name: str
    read: Callable[[], Iterator[Pooled]]
    is_generated: bool = False
    """Whether the split rule of the procedural families already keeps it apart from the generated eval tasks."""


def open_pool(name: str) -> Pool:
    """The pool called `name`. Raises InputError for an unknown name, an eval task, or bad settings."""
    head, _, settings = name.partition("?")
    if head == PROCEDURAL and settings:
        return _procedural(name, settings)
    if name in BENCHMARKS and BENCHMARKS[name].role == "train":
        return Pool(name, lambda: _catalog(BENCHMARKS[name]))
    if name.startswith(PREFIX):
        user_file = parse_user_name(name)
        return Pool(name, lambda: _file(user_file))
    if name in task_names():
        load_task(name, "train")  # refuses an eval task, with the reason
        return Pool(name, lambda: _task(name), is_generated=name in GENERATED)
    path = Path(head)
    if path.suffix.lower() in FORMATS or path.exists():
        return open_pool(PREFIX + name)
    trains = [each for each in BENCHMARKS if BENCHMARKS[each].role == "train"]
    raise InputError(
        f"--pool {name}: is no train pool and no file; use {', '.join([PROCEDURAL, *trains])}, or the path of a file"
    )


def _catalog(benchmark: Benchmark) -> Iterator[Pooled]:
    for item in benchmark.read([fetch(file) for file in benchmark.files]):
        problem = Problem(f"{benchmark.name}/{item.id}", item.question, item.subject, item.level)
        yield Pooled(problem, item.reference)


def _task(name: str) -> Iterator[Pooled]:
    task = load_task(name, "train")
    for problem in task.problems:
        yield Pooled(problem, task.answers[problem.id])


def _file(user_file: UserFile) -> Iterator[Pooled]:
    name = user_file.name or user_file.path.stem
    for row in read_table(user_file.path, user_file.format):
        problem = Problem(
            f"{name}/{row.id(user_file.id)}",
            row.filled_text(user_file.question),
            _label(row, user_file.subject),
            _label(row, user_file.level),
        )
        yield Pooled(problem, row.reference(user_file.answer), _is_synthetic(row))


def _label(row: Row, column: str) -> str:
    value = row.fields.get(column)
    return str(value) if isinstance(value, str | NumberText | int) and not isinstance(value, bool) else ""


def _is_synthetic(row: Row) -> bool:
    value = row.fields.get("synthetic", False)
    text = str(value)
    if text not in _TRUE + _FALSE:
        row.reject(f"field 'synthetic' holds {shorten(text)!r}; write true or false")
    return text in _TRUE


def _procedural(name: str, settings: str) -> Pool:
    given = dict(parse_qsl(settings, keep_blank_values=True))
    for key in given:
        if key not in ("each", "first", "levels"):
            raise InputError(f"--pool {name}: setting {key!r} is unknown; use each, first and levels")
    try:
        each, first = int(given.get("each", "10")), int(given.get("first", "0"))
        levels = tuple(int(part) for part in given["levels"].split(",")) if "levels" in given else LEVELS
    except ValueError:
        raise InputError(f"--pool {name}: each, first and levels are whole numbers, e.g. each=10&levels=1,2") from None
    if each < 1 or first < 0 or not set(levels) <= set(LEVELS):
        raise InputError(f"--pool {name}: each is at least 1, first at least 0, levels are of {LEVELS}")

    def read() -> Iterator[Pooled]:
        for made in problem_pool("train", each, first, levels=levels):
            yield Pooled(made.problem, made.answer)

    return Pool(name, read, is_generated=True)
