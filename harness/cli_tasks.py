"""`rstar tasks`: the list of tasks, one task with its problems, and fetching data ahead of time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from tasks.catalog import BENCHMARKS, TaskSummary, load_task, summaries
from tasks.types import InputError, Problem, Reference, Task

app = typer.Typer(add_completion=False, no_args_is_help=False)

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DEFAULT_LIMIT = 5
_LINE_CHARS = 100


@app.callback(invoke_without_command=True)
def list_tasks(context: typer.Context, as_json: _AsJson = False) -> None:
    """List the tasks: size, version, licence, whether the data is here, and its pinned source."""
    if context.invoked_subcommand is not None:
        return
    found = summaries()
    if as_json:
        _print_json([asdict(summary) for summary in found])
        return
    header = ("TASK", "PROBLEMS", "ROLE", "VERSION", "LICENCE", "DATA", "SOURCE")
    typer.echo("\n".join(_columns([header, *map(_cells, found)])))
    typer.echo("\nA file of your own: user:PATH. One task: rstar tasks show NAME.")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A task, or user:PATH?question=…&answer=… for a file of your own.")],
    ids: Annotated[
        list[str] | None, typer.Option("--id", help="Show this problem in full, e.g. I-07; may be given again.")
    ] = None,
    answers: Annotated[bool, typer.Option("--answers", help="Show the reference answers too.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="How many problems to list without --id.")] = _DEFAULT_LIMIT,
    as_json: _AsJson = False,
) -> None:
    """Show one task: where it comes from, and its first problems or the ones that --id names."""
    task = load_task(name)
    problems = [_find(task, id_) for id_ in ids] if ids else list(task.problems[:limit])
    if as_json:
        _print_json(_as_json(task, problems, answers=answers))
        return
    if ids:
        typer.echo("\n\n".join(_in_full(task, problem, answers=answers) for problem in problems))
        return
    typer.echo("\n".join(_header(task)))
    for problem in problems:
        typer.echo(_one_line(task, problem, answers=answers))
    if len(problems) < len(task.problems):
        typer.echo(f"… {len(task.problems) - len(problems)} more; see --limit and --id")


@app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(help="Tasks whose data files to download and check.")],
) -> None:
    """Download and check the data of tasks ahead of time, e.g. before going to a machine without network."""
    for name in names:
        task = load_task(name)
        where = BENCHMARKS[name].state() if name in BENCHMARKS else "no download needed"
        typer.echo(f"{name}: {len(task.problems)} problems, {where}, SHA-256 {task.source.sha256}")


def _cells(summary: TaskSummary) -> tuple[str, ...]:
    size = f"{summary.num_problems}" if summary.is_exact else f"<= {summary.num_problems}"
    return (
        summary.name,
        size,
        summary.role,
        summary.version,
        summary.licence,
        summary.state,
        _short_location(summary.location),
    )


def _short_location(location: str) -> str:
    """A commit in a URL or hub id cut to 10 characters, and the protocol left out; `--json` has the whole."""
    return re.sub(r"([0-9a-f]{10})[0-9a-f]{30}", r"\1", location).removeprefix("https://")


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines with aligned columns; the second column, a number, to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if position == 1 else cell.ljust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _header(task: Task) -> Iterable[str]:
    yield f"{task.name}  version {task.version}, role {task.role}, {len(task.problems)} problems"
    yield f"source   {task.source.location}"
    yield f"sha256   {task.source.sha256}"
    yield f"licence  {task.source.licence}"
    if task.source.homepage:
        yield f"cite     {task.source.homepage}"
    yield ""


def _find(task: Task, id_: str) -> Problem:
    """The problem with this id, written with or without the task's name. Raises InputError where there is none."""
    by_id = {problem.id: problem for problem in task.problems}
    full = id_ if id_ in by_id else f"{task.name}/{id_}"
    if full in by_id:
        return by_id[full]
    close = get_close_matches(full, by_id, n=3, cutoff=0.5) or list(by_id)[:3]
    raise InputError(f"--id {id_}: task '{task.name}' has no such problem; close are {', '.join(close)}")


def _one_line(task: Task, problem: Problem, *, answers: bool) -> str:
    text = _safe(" ".join(problem.question.split()))
    if len(text) > _LINE_CHARS:
        text = f"{text[: _LINE_CHARS - 1]}…"
    suffix = f"  = {_safe(_reference_text(task.answers[problem.id]))}" if answers else ""
    return f"{problem.id}  {text}{suffix}"


def _in_full(task: Task, problem: Problem, *, answers: bool) -> str:
    labels = ", ".join(label for label in (problem.subject, problem.level and f"level {problem.level}") if label)
    lines = [problem.id + (f"  ({_safe(labels)})" if labels else ""), _safe(problem.question)]
    if answers:
        lines.append(f"reference: {_safe(_reference_text(task.answers[problem.id]))}")
    return "\n".join(lines)


def _reference_text(reference: Reference) -> str:
    return " or ".join(reference) if isinstance(reference, tuple) else reference


def _safe(text: str) -> str:
    """`text` without characters that could steer a terminal, each shown as its escape; line breaks and tabs stay."""
    shown = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text.replace("\r\n", "\n"))
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")


def _as_json(task: Task, problems: Iterable[Problem], *, answers: bool) -> dict[str, Any]:
    rows = [asdict(problem) | ({"reference": task.answers[problem.id]} if answers else {}) for problem in problems]
    return {
        "name": task.name,
        "version": task.version,
        "role": task.role,
        "num_problems": len(task.problems),
        "source": asdict(task.source),
        "problems": rows,
    }


def _print_json(value: object) -> None:
    # ASCII: lone surrogates and control characters of a source stay escapes, whatever the terminal's encoding.
    typer.echo(json.dumps(value, indent=2))
