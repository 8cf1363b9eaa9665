"""The statements and references of a task, where a site may show them.

A reference answer on the web ends up in training data, and most benchmarks are not ours to publish. So a site shows by
default what this package generates itself and anybody can generate again; everything else is shown when it is asked
for, and the page says how to read it without.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.run_folder import RunRecord
from harness.run_inputs import chosen_problems, slug
from leaderboard.site_data import LongTexts, write_data
from leaderboard.site_files import SiteFiles
from tasks.catalog import load_task
from tasks.types import InputError, Problem, Task

PER_FILE = 50
"""Statements, and records, in one data file: some 50 kB, of which a page reads one. Chosen, not tuned."""
GENERATED = "procedural"


@dataclass(frozen=True, slots=True)
class Statements:
    """What is known of a run's problems."""

    folder: str
    """Of the data files, below the site's; empty where there are none."""
    order: dict[str, int]
    """Problem id to its place in the whole task; empty where the task is not at hand."""
    chosen: tuple[str, ...]
    """The run's problems in the task's order; empty where the task is not at hand."""
    reason: str = ""
    """Why there are no statements, for the page."""


def statements_of(run: RunRecord, with_questions: bool) -> Statements:
    """Where the statements of the run's task are, without writing them."""
    name = run.task_name
    if not with_questions and not name.startswith(GENERATED):
        return Statements("", {}, (), f"Not published here; 'rstar tasks show {name} --id ID' prints it.")
    try:
        task = _task(run.spec.task)
    except InputError as error:
        return Statements("", {}, (), f"Not at hand where this site was built: {error}")
    found, wanted = (task.version, task.source.sha256), (run.inputs.task_version, run.inputs.task_sha256)
    if found != wanted:
        return Statements("", {}, (), "The task has changed since this run; its statement then is not at hand.")
    chosen = tuple(problem.id for problem in chosen_problems(task, run.spec.limit))
    return Statements(_folder(task), {problem.id: place for place, problem in enumerate(task.problems)}, chosen)


def write_statements(files: SiteFiles, run: RunRecord, with_questions: bool) -> None:
    """Write the statements of the run's task where `statements_of` says that they are; once for all runs of it."""
    if not statements_of(run, with_questions).folder:
        return
    task = _task(run.spec.task)
    for first in range(0, len(task.problems), PER_FILE):
        path = f"{_folder(task)}/{first // PER_FILE}"
        if f"{path}.js" not in files.written:
            block = task.problems[first : first + PER_FILE]
            write_data(files, path, [_statement(files, path, task, each, place) for place, each in enumerate(block)])


@lru_cache(maxsize=4)
def _task(name: str) -> Task:
    """A site has many runs of one task; a few are kept."""
    return load_task(name)


def _folder(task: Task) -> str:
    return f"data/tasks/{slug(task.name)}-{task.source.sha256[:8]}"


def _statement(files: SiteFiles, path: str, task: Task, problem: Problem, place: int) -> list[Any]:
    reference = task.answers[problem.id]
    long = LongTexts(files, f"{path}-text-{place}")
    return [
        long.shown(problem.question),
        [long.shown(each) for each in ((reference,) if isinstance(reference, str) else reference)],
        long.shown(problem.subject),
        long.shown(problem.level),
    ]
