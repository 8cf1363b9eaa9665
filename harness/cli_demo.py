"""`rstar demo`: the whole of it on one small task, in minutes, without a GPU."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from harness.cli_run import INTERRUPTED, PARTIAL, Out, complete, options, write_report
from harness.demo import comparison_lines, demo_specs, results_folder
from harness.report import report_lines
from harness.run import plan_run
from harness.run_progress import clock
from harness.run_summary import RunSummary


def demo(
    task: Annotated[str | None, typer.Option(help="Another task.", show_default="procedural-hard")] = None,
    limit: Annotated[int | None, typer.Option(help="Problems to take.", show_default="96")] = None,
    budgets: Annotated[str | None, typer.Option(help="Trajectories to report at.", show_default="1 to 64")] = None,
    policy: Annotated[str | None, typer.Option(help="Another policy.", show_default="builtin")] = None,
    ppm: Annotated[str | None, typer.Option(help="Another reward model.", show_default="builtin")] = None,
    engine: Annotated[str | None, typer.Option(help="transformers or scripted.", show_default="transformers")] = None,
    interpreter: Annotated[str | None, typer.Option(help="sandbox or arithmetic.", show_default="sandbox")] = None,
    out: Out = None,
) -> int:
    """Search a generated task with the models of the package, and test what the search gains over greedy.

    Every program that the policy writes is really run, and every answer graded. About four minutes on two cores; a
    second call shows the first one's result.
    """
    begin = time.monotonic()
    given = {
        "task": task,
        "limit": limit,
        "budgets": budgets,
        "policy": policy,
        "ppm": ppm,
        "engine": engine,
        "interpreter": interpreter,
    }
    greedy_spec, search_spec = demo_specs(given)
    summaries: list[RunSummary] = []
    for spec in (greedy_spec, search_spec):
        summary = complete(plan_run(spec, results_folder(out)), options(None, None))
        if summary is None:
            return INTERRUPTED
        summaries.append(summary)
    greedy, search = summaries
    typer.echo("\n".join(report_lines(search)))
    typer.echo("")
    if not (greedy.is_complete and search.is_complete):
        typer.echo(f"A run is partial; complete it with: rstar demo{f' --out {out}' if out else ''}")
        return PARTIAL
    typer.echo("\n".join(comparison_lines(greedy, search)))
    _say_where(greedy, search, time.monotonic() - begin)
    return 0


def _say_where(greedy: RunSummary, search: RunSummary, seconds: float) -> None:
    plots: list[Path] = write_report(search)
    write_report(greedy)
    typer.echo(f"\nDone in {clock(seconds)}. Curve: {next(path for path in plots if path.suffix == '.png')}")
    typer.echo(f"Records: {search.folder / 'problems.jsonl'} and {greedy.folder / 'problems.jsonl'}")
    typer.echo(f"Next: rstar report {search.folder} --axis tokens")
