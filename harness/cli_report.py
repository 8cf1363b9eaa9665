"""`rstar report`: the table and the scaling curve of a run, from its records alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli_run import RESULTS, Out, write_text
from harness.report import report_lines
from harness.run_folder import find_run
from harness.run_summary import summarize
from harness.scaling_plot import Axis, save_plots
from tasks.types import InputError


def report(
    run: Annotated[str, typer.Argument(help="Folder of the run, or its id below the results folder.")],
    axis: Annotated[Axis, typer.Option(help="What the curve is drawn against.")] = "trajectories",
    plot: Annotated[
        list[Path] | None,
        typer.Option(help="Draw the curve here (.png or .svg); may be given again.", show_default="in the folder"),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON, and draw nothing.")] = False,
    out: Out = None,
) -> None:
    """Show what a run came to; a run that is going on can be reported too. Only reads records."""
    for path in plot or []:
        if path.suffix not in (".png", ".svg"):
            raise InputError(f"--plot {path}: the ending names no format; use .png or .svg")
    summary = summarize(find_run(run, out or RESULTS))
    if as_json:
        typer.echo(json.dumps(summary.for_json(), indent=2))
        return
    typer.echo("\n".join(report_lines(summary, markdown=markdown)))
    if not summary.num_done:
        return
    name = "scaling" if axis == "trajectories" else f"scaling-{axis}"
    paths = plot or [summary.folder / f"{name}.png", summary.folder / f"{name}.svg"]
    save_plots(summary, axis, paths)
    if not plot:
        write_text(summary.folder / "report.md", "\n".join(report_lines(summary, markdown=True)) + "\n")
    typer.echo(f"\nCurve: {', '.join(map(str, paths))}", err=True)
