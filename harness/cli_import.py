"""`rstar import`: results of other tools as runs, graded by our checker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def import_() -> None:
    """Turn what another tool measured into a run for 'rstar report', 'compare', 'gate' and the leaderboard."""


@app.command("lm-eval")
def lm_eval(
    samples: Annotated[Path, typer.Argument(help="samples_<task>_<time>.jsonl, as --log_samples writes it.")],
    task: Annotated[
        str | None, typer.Option(help="The task whose problems these are.", show_default="by the file's name")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="lm-eval's results file.", show_default="results_<time>.json beside it")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model's name.", show_default="as the results say")] = None,
    out: Annotated[Path, typer.Option(help="Results folder.")] = Path("results"),
) -> None:
    """A sample file of lm-evaluation-harness.

    Every reply is graded again by our checker against our references; k repeats are a search of k trajectories with a
    majority vote. Tokens and times are not in the file, so all costs are 0.
    """
    from harness.imports.lm_eval_files import read_origin, read_samples
    from harness.imports.lm_eval_run import import_samples, task_name_of
    from harness.report import report_lines
    from harness.run_summary import summarize
    from tasks.catalog import load_task, task_names

    found = read_samples(samples)
    origin = read_origin(samples, results, model)
    name = task or task_name_of(origin, task_names())
    imported = import_samples(samples, found, origin, load_task(name, "eval"), name, out)
    lines = [*report_lines(summarize(imported.folder)), "", *imported.lines(), f"The run is in {imported.folder}"]
    typer.echo("\n".join(lines))
