"""`rstar leaderboard`: build the site, check that it is fresh, and judge a submission."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RESULTS, SITE = Path("results"), Path("site")
PAGE = Path("leaderboard") / "README.md"
"""The table that is committed beside the code."""
REFUSED = STALE = 1

Results = Annotated[Path, typer.Option("--results", help="Folder of runs and evolutions.")]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command("build")
def build_site(
    results: Results = RESULTS,
    out: Annotated[Path, typer.Option("--out", help="Folder of the site.")] = SITE,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 2 where anything is left out.")] = False,
    journals: Annotated[
        bool, typer.Option("--journals", help="Grow trees again from journals, beside those kept as files.")
    ] = False,
    max_trees: Annotated[int, typer.Option(min=0, help="Trees of one run.")] = 200,
    with_questions: Annotated[
        bool, typer.Option("--with-questions", help="Publish statements and references of benchmarks too.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.", show_default="one per core")] = None,
) -> None:
    """Write a site of every run below a folder. It opens from a file, and asks no server for anything.

    A run that cannot be read is left out; the first page and this command say which, and why.
    """
    from leaderboard.build import build
    from leaderboard.site_options import SiteOptions
    from tasks.types import InputError

    options = SiteOptions("journals" if journals else "kept", max_trees, with_questions, workers)
    built = build(results, out, options)
    for each in built.left_out:
        typer.echo(f"left out: {each.place}: {each.reason}", err=True)
    first = (out / "index.html").resolve()
    typer.echo(f"{built.num_systems} systems, {built.num_runs} runs, {built.num_files:,} files: {first}")
    if strict and built.left_out:
        raise InputError(
            f"--strict: {len(built.left_out)} left out of {results}, first {built.left_out[0].place}: "
            f"{built.left_out[0].reason}"
        )


@app.command("check")
def check_pages(
    results: Results = RESULTS,
    page: Annotated[Path, typer.Option("--page", help="The committed table.")] = PAGE,
    site: Annotated[Path | None, typer.Option("--site", help="A built site to check as well.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the table anew in place of checking it.")] = False,
) -> int:
    """Say whether the committed table, and a built site, are still what the records give. Exit code 1: stale."""
    from harness.cli_run import write_text
    from leaderboard.check import stale_page, stale_site
    from leaderboard.table_page import table_page

    if write:
        write_text(page, table_page(results))
    reasons = [] if write else list(filter(None, [stale_page(page, results)]))
    reasons += stale_site(site, results) if site else []
    for reason in reasons:
        typer.echo(reason)
    if reasons:
        typer.echo("stale: run 'rstar leaderboard check --write' and 'rstar leaderboard build'")
        return STALE
    typer.echo(f"{'written' if write else 'fresh'}: {page}{f', {site}' if site else ''}")
    return 0


@app.command("admit")
def admit_runs(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Folders of runs, ids below the results folder, or folders.")
    ],
    results: Results = RESULTS,
    train_data: Annotated[
        list[str] | None,
        typer.Option("--train-data", help="A pool that the models were trained on; may be given again."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> int:
    """Say whether runs may stand on the leaderboard, and every reason why not. Everything is graded again.

    Exit code 0: all admitted, 1: one is refused, 2: bad input. leaderboard/rules.md holds the rules.
    """
    import json

    from harness.cli_report import run_folders
    from leaderboard.admit import admit

    found = [admit(folder, train_data or ()) for folder in run_folders(runs, results)]
    if as_json:
        rows = [{"run": str(each.folder), "admitted": each.is_admitted, "reasons": each.reasons} for each in found]
        typer.echo(json.dumps(rows, indent=2))
    else:
        for each in found:
            again = f", {each.regrade.num_answers:,} answers graded again" if each.regrade else ""
            typer.echo(f"{'admitted' if each.is_admitted else 'refused'}: {each.folder}{again}")
            for reason in each.reasons:
                typer.echo(f"  - {reason}")
    return 0 if all(each.is_admitted for each in found) else REFUSED
