"""`rstar overlap POOL`: does a train pool hold questions of the eval tasks?"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TextIO

import typer

from harness.atomic_file import atomic_text
from tasks.catalog import BENCHMARKS, eval_tasks, load_task, task_names
from tasks.jsonl import shorten
from tasks.overlap import MIN_FRACTION, Hit, OverlapReport, check_overlap
from tasks.sources import fetch
from tasks.tables import read_table
from tasks.types import InputError
from tasks.user_task import PREFIX

_NUM_SHOWN = 10
_PROGRESS_EVERY = 20_000
_FOUND = 1


def overlap(
    pool: Annotated[
        str,
        typer.Argument(help="Train pool: a name from 'rstar tasks', user:PATH, or a JSONL, JSON, CSV or Parquet file."),
    ],
    against: Annotated[
        str, typer.Option("--against", help="Eval tasks, separated by commas; without it all of the catalog.")
    ] = "",
    field: Annotated[str, typer.Option("--field", help="Field of a pool file that holds the question.")] = "question",
    min_fraction: Annotated[
        float, typer.Option("--min-fraction", help="Share of an eval question's 13-grams that makes a hit, 0 to 1.")
    ] = MIN_FRACTION,
    variants: Annotated[
        bool, typer.Option("--variants", help="Also report questions with the same words and other numbers.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write every hit to this JSONL file.")] = None,
) -> None:
    """Check a train pool for test questions. Exit code 0: none found, 1: some found, 2: bad input."""
    questions = _with_progress(read_pool(pool, field))
    tasks = eval_tasks(against)
    with atomic_text(out) if out else nullcontext() as file:
        report = check_overlap(questions, tasks, min_fraction, with_variants=variants, on_hit=_writer(file))
    if not report.num_questions:
        raise InputError(f"{pool}: holds no question; nothing was checked")
    if as_json:
        typer.echo(json.dumps(_as_fields(pool, report), ensure_ascii=False))
    else:
        typer.echo(_as_text(pool, report, out))
    if not report.is_clean:
        raise typer.Exit(_FOUND)


def read_pool(pool: str, field: str) -> Iterator[tuple[str, str]]:
    """The pool's questions with their ids, streamed where it is a file. Raises InputError before the first is read."""
    if pool in BENCHMARKS and BENCHMARKS[pool].role == "train":
        benchmark = BENCHMARKS[pool]
        items = benchmark.read([fetch(file) for file in benchmark.files])
        return ((f"{pool}/{item.id}", item.question) for item in items)
    if pool in task_names() or pool.startswith(PREFIX):
        # Refuses an eval task: it would only find itself.
        return ((problem.id, problem.question) for problem in load_task(pool, "train").problems)
    path = Path(pool)
    if not path.exists():
        raise InputError(
            f"pool '{pool}' is no task and no file; name a train pool of 'rstar tasks' or a file that exists"
        )
    return ((row.id(), row.text(field)) for row in read_table(path))


def _with_progress(questions: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The same questions, with a count on the terminal while they pass."""
    is_shown = sys.stderr.isatty()
    for number, pair in enumerate(questions, 1):
        if is_shown and number % _PROGRESS_EVERY == 0:
            sys.stderr.write(f"\r{number:,} questions checked")
        yield pair
    if is_shown:
        sys.stderr.write("\r\x1b[K")


def _writer(file: TextIO | None) -> Callable[[Hit], None] | None:
    if file is None:
        return None

    def write(hit: Hit) -> None:
        file.write(json.dumps(asdict(hit), ensure_ascii=False) + "\n")

    return write


def _as_fields(pool: str, report: OverlapReport) -> dict[str, object]:
    return {
        "pool": pool,
        "num_questions": report.num_questions,
        "num_eval_questions": report.num_eval_questions,
        "num_contaminated": report.num_contaminated,
        "num_hits": report.num_hits,
        "problems_hit": {task: sorted(ids) for task, ids in report.problems_hit.items()},
        "hits": [asdict(hit) for hit in report.hits],
    }


def _as_text(pool: str, report: OverlapReport, out: Path | None) -> str:
    num_tasks = len(report.problems_hit)
    counts = f"{report.num_questions:,} questions against {report.num_eval_questions:,} of {num_tasks} eval tasks"
    lines = [f"{pool}: {counts}"]
    if report.is_clean:
        return "\n".join([*lines, "clean: no test question found (copies and light edits; paraphrases are not seen)"])
    lines.append(f"{report.num_contaminated:,} train questions hold test questions, {report.num_hits:,} hits:")
    lines += [f"  {task:<20} {len(ids):>6,} problems found" for task, ids in report.problems_hit.items() if ids]
    lines += [
        f"  {shorten(hit.train_id)} = {shorten(hit.problem_id)} ({hit.fraction:.0%}): {shorten(hit.excerpt)}"
        for hit in report.hits[:_NUM_SHOWN]
    ]
    if report.num_hits > _NUM_SHOWN:
        where = f"are in {out}" if out else "can be written to a file with --out"
        lines.append(f"  … all {report.num_hits:,} {where}")
    return "\n".join(lines)
