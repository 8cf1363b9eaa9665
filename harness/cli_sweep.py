"""`rstar sweep`: methods x budgets x tasks from one file, and one report of all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli_report import INTO, text_lines, write_files
from harness.cli_run import PARTIAL, RESULTS, Concurrency, Out, complete, options
from harness.compute_axis import Axis
from harness.engine_flags import Programs, Vllm
from harness.run import plan_run
from harness.scaling import ScalingOptions, scaling
from harness.sweep import read_sweep


def sweep(
    file: Annotated[Path, typer.Argument(help="YAML file with tasks, searches and the fields of a run.")],
    axis: Annotated[Axis, typer.Option("--x", help="What the curves are drawn against.")] = "trajectories",
    into: Annotated[Path | None, typer.Option(help="Folder for the report.", show_default="report")] = None,
    concurrency: Concurrency = None,
    programs: Programs = None,
    vllm: Vllm = None,
    out: Out = None,
) -> int:
    """Run every search of a file on every task of it, and report them together.

    The same command again goes on where it stopped: what is done is not done again. Exit codes as of 'rstar run'.
    """
    how = options(concurrency, programs, vllm=vllm)
    # All are planned before any begins, so that a mistake in the last one is found now.
    plans = [plan_run(spec, out or RESULTS) for spec in read_sweep(file)]
    summaries = [complete(plan, how) for plan in plans]
    found = scaling(summaries, ScalingOptions(axis))
    typer.echo("\n".join(text_lines(summaries, found)))
    written = write_files(summaries, found, None, into or INTO)
    typer.echo(f"\nWritten: {', '.join(map(str, written))}", err=True)
    return 0 if all(summary.is_complete for summary in summaries) else PARTIAL
