"""`rstar demo`: the whole of it on one small task, in minutes, without a GPU. It stands here, and not in the harness,
because it ends with a site of its own runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from harness.cli_report import write_files
from harness.cli_run import PARTIAL, complete, options, write_report
from harness.demo import comparison_lines, demo_specs, results_folder
from harness.run import plan_run
from harness.run_progress import clock
from harness.run_summary import RunSummary
from harness.scaling import ScalingOptions, scaling
from harness.scaling_table import scaling_lines
from leaderboard.build import build
from leaderboard.site_options import SiteOptions


def demo(
    task: Annotated[str | None, typer.Option(help="Another task.", show_default="procedural")] = None,
    limit: Annotated[int | None, typer.Option(help="Problems to take.", show_default="144")] = None,
    budgets: Annotated[str | None, typer.Option(help="Trajectories to report at.", show_default="1 to 32")] = None,
    policy: Annotated[str | None, typer.Option(help="Another policy.", show_default="builtin")] = None,
    ppm: Annotated[str | None, typer.Option(help="Another reward model.", show_default="builtin")] = None,
    engine: Annotated[str | None, typer.Option(help="transformers or scripted.", show_default="transformers")] = None,
    interpreter: Annotated[str | None, typer.Option(help="sandbox or arithmetic.", show_default="sandbox")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the runs.", show_default="rstar-demo")] = None,
) -> int:
    """Solve a generated task with the models of the package in three ways, and test what searching gains over greedy.

    Every program that the policy writes is really run, and every answer graded. A few minutes on two cores; a second
    call shows the first one's result.
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
    summaries: list[RunSummary] = []
    for spec in demo_specs(given):
        summary = complete(plan_run(spec, results_folder(out)), options())
        summaries.append(summary)
        write_report(summary)
    found = scaling(summaries, ScalingOptions())
    typer.echo("\n".join(scaling_lines(found)))
    typer.echo("")
    if not all(summary.is_complete for summary in summaries):
        typer.echo(f"A run is partial; complete it with: rstar demo{f' --out {out}' if out else ''}")
        return PARTIAL
    typer.echo("\n".join(comparison_lines(summaries[0], summaries[1:])))
    into = results_folder(out) / "demo"
    files = write_files(summaries, found, None, into)
    typer.echo(f"\nDone in {clock(time.monotonic() - begin)}.")
    typer.echo(f"Curve: {next(path for path in files if path.suffix == '.png')}, and as a page: {into}/scaling.html")
    begin = time.monotonic()
    built = build(results_folder(out), results_folder(out) / "site", SiteOptions(trees="journals"))
    typer.echo(f"Site: {(built.out / 'index.html').resolve()} (made in {clock(time.monotonic() - begin)})")
    typer.echo(f"Records: {', '.join(str(summary.folder / 'problems.jsonl') for summary in summaries)}")
    typer.echo(f"Next: rstar report {summaries[0].folder.parent} --x tokens --into {into}")
    return 0
