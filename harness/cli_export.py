"""`rstar export`: a run in the format of another tool."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from harness.cli_run import RESULTS
from harness.run_folder import find_run
from tasks.types import InputError

FormatName = Literal["lm-eval", "inspect", "inspect-json", "hf-eval", "parquet", "csv", "trees"]
_WRITERS: dict[FormatName, tuple[str, str]] = {
    "lm-eval": ("lm_eval_samples", "write_lm_eval"),
    "inspect": ("inspect_log", "write_inspect"),
    "inspect-json": ("inspect_log", "write_inspect"),
    "hf-eval": ("hf_eval", "write_hf_eval"),
    "parquet": ("parquet_tables", "write_parquet"),
    "csv": ("csv_tables", "write_csv"),
    "trees": ("search_trees", "write_trees"),
}
"""Module of `harness.exports` and function; imported when they are asked for."""
_WITH_QUESTIONS = ("lm-eval", "inspect", "inspect-json")
"""Formats that hold questions and references; the others need the records alone."""


def export(
    run: Annotated[str, typer.Argument(help="Folder of the run, or its id below the results folder.")],
    format_name: Annotated[str, typer.Option("--format", help=", ".join(get_args(FormatName)) + ".")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write into.", show_default="the run's folder, exports/FORMAT in it"),
    ] = None,
    rule: Annotated[
        str | None, typer.Option(help="Where the format has room for one figure.", show_default="the run's own")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(help="Trajectories to export the answers of.", show_default="the largest")
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Export an unfinished run, marked as such.")] = False,
    without_task: Annotated[
        bool, typer.Option("--without-task", help="Leave questions and references out (lm-eval, inspect).")
    ] = False,
    solutions: Annotated[
        bool, typer.Option("--solutions/--no-solutions", help="Put kept solutions in, else answers (lm-eval, inspect).")
    ] = True,
    hub_dataset: Annotated[
        str | None, typer.Option(help="The benchmark's data set on the Hub, ORG/NAME (hf-eval).")
    ] = None,
    hub_task: Annotated[str, typer.Option(help="The task's id in that data set's eval.yaml (hf-eval).")] = "default",
    problem: Annotated[
        list[str] | None, typer.Option(help="A problem to write, again for each (trees).", show_default="all")
    ] = None,
    source_url: Annotated[str | None, typer.Option(help="A page that shows the records (hf-eval).")] = None,
    results: Annotated[Path, typer.Option(help="Results folder, where RUN is an id.")] = RESULTS,
) -> None:
    """Write a run for lm-evaluation-harness, Inspect AI, the Hugging Face Hub, pandas or a spreadsheet."""
    from harness.exports.exported_run import open_run

    name = _known(format_name)
    folder = find_run(run, results)
    options: dict[str, Any] = {}
    if name == "hf-eval":
        options = {"dataset": hub_dataset, "task_id": hub_task, "source_url": source_url}
    elif name == "inspect-json":
        options = {"ending": "json"}
    elif name == "trees":
        options = {"problems": problem or ()}
    source = open_run(
        folder,
        rule=rule,
        budget=budget,
        is_partial_ok=partial,
        with_task=name in _WITH_QUESTIONS and not without_task,
        with_solutions=solutions,
    )
    default = folder if name == "trees" else folder / "exports" / name
    for path in _writer(name)(source, out or default, **options):
        typer.echo(path)
    if source.partial_mark:
        typer.echo(f"marked in the export: {source.partial_mark}", err=True)


def _known(name: str) -> FormatName:
    for known in get_args(FormatName):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise InputError(f"--format {name}: is unknown; use {', '.join(get_args(FormatName))}")


def _writer(name: FormatName) -> Callable[..., list[Path]]:
    module, function = _WRITERS[name]
    writer: Callable[..., list[Path]] = getattr(importlib.import_module(f"harness.exports.{module}"), function)
    return writer
