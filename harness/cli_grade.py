"""`rstar grade`: grade stored replies again, without a model."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer

from harness.atomic_file import atomic_text
from harness.grade_diff import read_diff
from harness.grade_files import AnswerFile
from harness.grade_progress import progress_over
from harness.grade_summary import GradeSummary
from harness.graded_answer import GradedAnswer
from harness.grading import Graders, grade_answers
from harness.overrides import read_overrides
from harness.review_queue import ReviewQueue
from harness.second_opinion import require_math_verify
from harness.workers import workers_available
from tasks.answers import GRADER_VERSION, GradingPolicy
from tasks.types import InputError, Task

DIFFERS = 1
_POLICIES: dict[str, tuple[GradingPolicy, ...]] = {
    "strict": ("strict",),
    "official": ("official",),
    "both": ("strict", "official"),
}


def grade(
    file: Annotated[Path, typer.Argument(help="JSONL: reference, and reply or predicted; optional id.")],
    task: Annotated[str | None, typer.Option(help="Take the references from this task; id names the problem.")] = None,
    policy: Annotated[
        Literal["strict", "official", "both"],
        typer.Option(help="Our conventions, the official code's permissive rule, or both side by side."),
    ] = "strict",
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion", help="Ask Math-Verify too and list the disagreements.")
    ] = False,
    queue: Annotated[Path | None, typer.Option(help="Write the disagreements here, to be reviewed (JSONL).")] = None,
    overrides: Annotated[
        Path | None, typer.Option(help="Decisions on disputed answers: a reviewed queue (JSONL).")
    ] = None,
    diff: Annotated[Path | None, typer.Option(help="Compare with the verdicts of this graded file.")] = None,
    fail_on_diff: Annotated[
        bool, typer.Option("--fail-on-diff", help="Leave with exit code 1 where --diff finds a difference.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write one graded row per row here (JSONL).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Processes per grader.", show_default="all cores")
    ] = None,
) -> int:
    """Grade the answers in FILE against their references.

    Rows keep their order. A row without a verdict is a grader_error: shown apart, and not right.
    """
    _check_flags(policy, second_opinion, queue, overrides, diff, fail_on_diff, out)
    if second_opinion:
        require_math_verify()
    begin = time.monotonic()
    answers = AnswerFile(file, _load(task))
    graders = Graders(_POLICIES[policy], second_opinion, workers or workers_available())
    summary = GradeSummary(
        file,
        task,
        graders.names,
        GRADER_VERSION,
        read_overrides(overrides, task) if overrides else None,
        read_diff(diff) if diff else None,
    )
    with _stop_on_sigterm():
        _grade(answers, graders, summary, out, queue)
    summary.num_missing = answers.num_missing()
    summary.seconds = time.monotonic() - begin
    sys.stdout.write(json.dumps(summary.for_json(), indent=2) if as_json else "\n".join(summary.lines()))
    sys.stdout.write("\n")
    return DIFFERS if fail_on_diff and summary.diff and summary.diff.has_differences else 0


def _grade(answers: AnswerFile, graders: Graders, summary: GradeSummary, out: Path | None, queue: Path | None) -> None:
    """Grade every row, count it and write what was asked for; the files appear when all rows are done."""
    with ExitStack() as stack:
        rows = stack.enter_context(atomic_text(out)) if out else None
        review = ReviewQueue(stack.enter_context(atomic_text(queue))) if queue else None
        graded = stack.enter_context(closing(grade_answers(answers, graders)))
        for answer in stack.enter_context(closing(progress_over(graded, answers.path))):
            if summary.overrides:
                answer = summary.overrides.apply(answer)
            summary.add(answer)
            if rows:
                _write(rows, answer)
            if review:
                review.add(answer)


def _write(rows: TextIO, answer: GradedAnswer) -> None:
    rows.write(json.dumps(answer.fields(GRADER_VERSION), ensure_ascii=False) + "\n")


def _load(task: str | None) -> Task | None:
    if task is None:
        return None
    from tasks.catalog import load_task

    return load_task(task)


def _check_flags(
    policy: str,
    second_opinion: bool,
    queue: Path | None,
    overrides: Path | None,
    diff: Path | None,
    fail_on_diff: bool,
    out: Path | None,
) -> None:
    """Raise InputError for flags that make no sense together."""
    if queue and policy != "both" and not second_opinion:
        raise InputError("--queue lists disagreements and needs two graders; add --second-opinion or --policy both")
    if overrides and policy == "official":
        raise InputError("--overrides would change the official rule's figure; use it with --policy strict or both")
    if fail_on_diff and not diff:
        raise InputError("--fail-on-diff needs a file to compare with; add --diff FILE")
    if out and queue and out.resolve() == queue.resolve():
        raise InputError(f"--out and --queue both name {out}; give them different files")


@contextmanager
def _stop_on_sigterm() -> Iterator[None]:
    """Within the block SIGTERM ends the run as Ctrl-C does: no processes left, no file half-written."""

    def stop(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
