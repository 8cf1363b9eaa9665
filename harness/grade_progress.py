"""A progress bar on stderr, for a person who waits; nothing where stderr is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from pathlib import Path

from harness.graded_answer import GradedAnswer


def progress_over(answers: Iterable[GradedAnswer], path: Path) -> Generator[GradedAnswer, None, None]:
    """Yield `answers` unchanged while a bar shows how much of the file at `path` is done."""
    if not sys.stderr.isatty() or not path.is_file():
        yield from answers
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), "{task.percentage:>3.0f} %", TextColumn("{task.fields[rows]:,} rows"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("grading", total=path.stat().st_size, rows=0)
        for num_rows, answer in enumerate(answers, 1):
            progress.update(bar, completed=answer.end_byte, rows=num_rows)
            yield answer
