"""`rstar report`: tables, curves and a page of one run or several, from their records alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli_run import RESULTS, Out, write_text
from harness.compute_axis import Axis, GivenSizes
from harness.model_size import parse_size
from harness.report import report_lines
from harness.run_folder import EVOLUTION_FILE, RUN_FILE, find_run
from harness.run_statistics import run_statistics, statistics_json, statistics_lines
from harness.run_summary import RunSummary, summarize
from harness.scaling import Scaling, ScalingOptions, scaling
from harness.scaling_plot import save_chart
from harness.scaling_table import ending_lines, scaling_csv, scaling_latex, scaling_lines
from rstar.search.voting import RULES
from tasks.types import InputError

_ENDINGS = (".png", ".svg", ".html", ".csv", ".tex", ".md")
INTO = Path("report")
"""Where the files of several runs go."""


def report(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Folders of runs, ids below the results folder, or folders of them."),
    ],
    axis: Annotated[Axis, typer.Option("--x", "--axis", help="What the curves are drawn against.")] = "trajectories",
    rule: Annotated[
        list[str] | None,
        typer.Option(
            help="A rule to draw; may be given again.", show_default="all of one run, each one's own of several"
        ),
    ] = None,
    plot: Annotated[
        list[Path] | None,
        typer.Option(
            help="Write this file instead (.png, .svg, .html, .csv, .tex or .md); may be given again.",
            show_default="all of them",
        ),
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="Folder for the files.", show_default="one run: its own; several: ./report")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every point as CSV, and write nothing.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Print a LaTeX table per task, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON, and write nothing.")] = False,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="Of one run: expectations over subsets, agreement of seeds, rates.")
    ] = False,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Allow runs of one task with other data, graders or numbers of problems.")
    ] = False,
    paper: Annotated[bool, typer.Option(help="Show what the rStar-Math paper reports on the task.")] = True,
    policy_params: Annotated[
        str | None, typer.Option(help="Parameters of a policy that is not on this machine, for --x flops, e.g. 7.6B.")
    ] = None,
    ppm_params: Annotated[str | None, typer.Option(help="The same for the reward model, PPM or ORM.")] = None,
    out: Out = None,
) -> None:
    """Show what runs came to, method by method, budget by budget; a run that is going on can be reported too.

    Only reads records. Several runs of one task stand on one chart, runs that differ in seeds alone are pooled.
    """
    _check(plot or [], [markdown, as_csv, latex, as_json], rule or [])
    sizes = GivenSizes(_size("--policy-params", policy_params), _size("--ppm-params", ppm_params))
    options = ScalingOptions(axis, tuple(rule or ()), mixed, sizes, paper)
    summaries = [summarize(folder) for folder in run_folders(runs, out or RESULTS)]
    found = scaling(summaries, options)
    if statistics and len(summaries) > 1:
        raise InputError(f"--statistics: is of one run, and these are {len(summaries)}; name one")
    if as_json:
        typer.echo(json.dumps(_json(summaries, found, has_statistics=statistics), indent=2))
    elif as_csv or latex:
        typer.echo(scaling_csv(found) if as_csv else scaling_latex(found), nl=False)
    else:
        typer.echo("\n".join(text_lines(summaries, found, is_markdown=markdown)))
        if statistics:
            typer.echo("\n".join(["", *statistics_lines(run_statistics(summaries[0].folder))]))
        written = write_files(summaries, found, plot, into)
        if written:
            typer.echo(f"\nWritten: {', '.join(map(str, written))}", err=True)


def run_folders(names: Sequence[str], out: Path) -> list[Path]:
    """The folders of the runs that `names` name, each once; a folder of runs stands for all of them.

    Raises InputError for a name that is neither.
    """
    found: dict[Path, Path] = {}
    for name in names:
        path = Path(name).expanduser()
        below = _runs_below(path) if path.is_dir() else []
        folders = below if below and not (path / RUN_FILE).is_file() else [find_run(name, out)]
        found |= {folder.resolve(): folder for folder in folders}
    return list(found.values())


def _runs_below(path: Path) -> list[Path]:
    """Folders of runs, but for those of an evolution below `path`: it has a report of its own, over other problems."""
    evolutions = {file.parent for file in path.rglob(EVOLUTION_FILE)} - {path}
    runs = sorted(file.parent for file in path.rglob(RUN_FILE))
    return [run for run in runs if evolutions.isdisjoint(run.parents)]


def text_lines(summaries: Sequence[RunSummary], found: Scaling, *, is_markdown: bool = False) -> list[str]:
    """The report for a reader: of one run everything, of several what can be compared."""
    if len(summaries) > 1:
        return list(scaling_lines(found, is_markdown=is_markdown))
    [task] = found.tasks
    return [
        *report_lines(summaries[0], markdown=is_markdown),
        *ending_lines(task, found.axis, is_markdown=is_markdown, is_alone=True),
    ]


def _json(summaries: Sequence[RunSummary], found: Scaling, *, has_statistics: bool) -> dict[str, Any]:
    from harness.scaling_json import for_json

    if len(summaries) == 1:
        of_run = statistics_json(run_statistics(summaries[0].folder)) if has_statistics else None
        more = {"statistics": of_run} if has_statistics else {}
        return summaries[0].for_json() | {"scaling": for_json(found)} | more
    return {"runs": [summary.for_json() for summary in summaries], "scaling": for_json(found)}


def write_files(
    summaries: Sequence[RunSummary], found: Scaling, plot: Sequence[Path] | None, into: Path | None
) -> list[Path]:
    """Write the files of the report; those that were written."""
    folder = into or (summaries[0].folder if len(summaries) == 1 else INTO)
    name = "scaling" if found.axis == "trajectories" else f"scaling-{found.axis}"
    paths = list(plot or [folder / f"{name}{ending}" for ending in _ENDINGS])
    if not plot:
        # A run's own report has had this name since it ended.
        paths = [folder / "report.md" if path.suffix == ".md" else path for path in paths]
        _make(folder)
    if not plot and not any(task.curves for task in found.tasks):
        paths = [path for path in paths if path.suffix not in (".png", ".svg", ".html")]
    save_chart(found, pictures) if (pictures := [path for path in paths if path.suffix in (".png", ".svg")]) else None
    for path in paths:
        if path not in pictures:
            write_text(path, _content(path.suffix, summaries, found))
    return paths


def _content(ending: str, summaries: Sequence[RunSummary], found: Scaling) -> str:
    if ending == ".html":
        from harness.scaling_page import page

        return page(found)
    if ending == ".csv":
        return scaling_csv(found)
    if ending == ".tex":
        return scaling_latex(found)
    return "\n".join(text_lines(summaries, found, is_markdown=True)) + "\n"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--into {folder}: cannot be made ({error.strerror}); name another folder") from error


def _check(plot: Sequence[Path], formats: Sequence[bool], rules: Sequence[str]) -> None:
    for path in plot:
        if path.suffix not in _ENDINGS:
            raise InputError(f"--plot {path}: the ending names no format; use {', '.join(_ENDINGS)}")
    if sum(formats) > 1:
        raise InputError("--markdown, --csv, --latex and --json: give one of them")
    for rule in rules:
        if rule not in RULES:
            raise InputError(f"--rule {rule}: is unknown; use {', '.join(RULES)}")


def _size(flag: str, text: str | None) -> int | None:
    return None if text is None else parse_size(flag, text)
