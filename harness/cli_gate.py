"""`rstar gate`: is a candidate as good as a baseline? One outcome, one exit code, a page for the pull request."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from harness.cli_compare import (
    AllowData,
    AllowGrader,
    AllowProblems,
    AllowVersion,
    Budget,
    Rule,
    two_budgets,
    two_rules,
)
from harness.cli_report import run_folders
from harness.cli_run import PARTIAL, RESULTS, Out, complete, options, write_text
from harness.comparable import Allowed
from harness.compare import Choice, compare_runs, find_pairs
from harness.gate import EXIT_CODES, OUTCOMES, Gate, Outcome
from harness.gate import gate as decide_all
from harness.gate_report import gate_junit, gate_lines, gate_markdown, json_text, write_github
from harness.run import plan_run
from harness.smoke import TOLERANCE, baseline_folder, fresh_folder, smoke_spec, store
from tasks.types import InputError

_TOLERANCE = 2.0
"""Points, of a gate between two runs."""
_STANDARD_OUTPUT = Path("-")


def gate(
    baseline: Annotated[
        str | None, typer.Option(help="The run to measure against: a folder, an id, or a folder of runs.")
    ] = None,
    candidate: Annotated[str | None, typer.Option(help="The run that is measured.")] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Loss that is accepted, in points.", show_default="2; with --smoke 5")
    ] = None,
    accept: Annotated[str | None, typer.Option(help="Outcomes that leave with 0 as well, e.g. better,unsure.")] = None,
    rule: Rule = None,
    budget: Budget = None,
    allow_data: AllowData = False,
    allow_grader: AllowGrader = False,
    allow_version: AllowVersion = False,
    allow_problems: AllowProblems = False,
    markdown: Annotated[Path | None, typer.Option(help="Write the summary here, for a pull request.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every figure and flip here; - prints them in place of text.")
    ] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Run the package's own models on a small generated task as the candidate.")
    ] = False,
    store_in: Annotated[
        Path | None, typer.Option("--store", help="With --smoke: keep the run here as a baseline, and decide nothing.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="With --smoke: another task.")] = None,
    limit: Annotated[int | None, typer.Option(help="With --smoke: problems to take.", show_default="192")] = None,
    policy: Annotated[str | None, typer.Option(help="With --smoke: another policy.", show_default="builtin")] = None,
    ppm: Annotated[str | None, typer.Option(help="With --smoke: another reward model.", show_default="builtin")] = None,
    engine: Annotated[str | None, typer.Option(help="With --smoke: transformers or scripted.")] = None,
    interpreter: Annotated[str | None, typer.Option(help="With --smoke: sandbox or arithmetic.")] = None,
    out: Out = None,
) -> int:
    """Decide whether a candidate is better, the same within a tolerance, or worse than a baseline.

    By the 95 % interval of the paired difference. Exit codes: 0 same within the tolerance, 10 better, 11 worse,
    12 not enough evidence, 1 an unfinished run (no outcome). Writes a summary to $GITHUB_STEP_SUMMARY where it is set.
    """
    accepted = accepted_outcomes(accept)
    allowed = Allowed(allow_data, allow_grader, allow_version, allow_problems)
    choice = Choice(two_rules(rule), two_budgets(budget), None, allowed)
    share = _share(tolerance if tolerance is not None else TOLERANCE if smoke else _TOLERANCE)
    given = {
        "task": task, "limit": limit, "policy": policy, "ppm": ppm, "engine": engine, "interpreter": interpreter,
    }  # fmt: skip
    if not smoke:
        names = _two_runs(baseline, candidate, {"store": store_in, **given})
        found = decide_all(
            compare_runs(find_pairs(names, [run_folders([name], out or RESULTS) for name in names]), choice), share
        )
        return _finish(found, accepted, markdown, junit, json_file)
    if candidate is not None:
        raise InputError("--candidate: --smoke makes the candidate itself; leave one of them out")
    if store_in and baseline is not None:
        raise InputError("--store: makes a baseline, and --baseline names one; leave one of them out")
    stored = None if store_in else baseline_folder(Path(baseline).expanduser() if baseline else None)
    plan = plan_run(smoke_spec(given), fresh_folder(out))
    summary = complete(plan, options(None, None))
    if not summary.is_complete:
        typer.echo(f"The smoke run is partial; see {plan.folder}")
        return PARTIAL
    if stored is None:
        assert store_in is not None
        store(plan.folder, store_in)
        typer.echo(f"Stored: {store_in}. Next: rstar gate --smoke --baseline {store_in}")
        return 0
    found = decide_all(compare_runs([(stored, plan.folder)], choice), share)
    return _finish(found, accepted, markdown, junit, json_file)


def accepted_outcomes(text: str | None) -> frozenset[Outcome]:
    """The outcomes named by `--accept`. Raises InputError for one that there is not."""
    names = [part.strip() for part in text.split(",")] if text else []
    for name in names:
        if name not in OUTCOMES:
            raise InputError(f"--accept {text}: {name!r} is no outcome; use {', '.join(OUTCOMES)}")
    return frozenset(each for each in OUTCOMES if each in names)


def _two_runs(baseline: str | None, candidate: str | None, only_smoke: dict[str, object]) -> list[str]:
    for name, value in only_smoke.items():
        if value is not None:
            raise InputError(f"--{name}: belongs to --smoke; add it, or leave --{name} out")
    if baseline is None or candidate is None:
        missing = "baseline" if baseline is None else "candidate"
        raise InputError(f"--{missing}: is missing; give --baseline RUN and --candidate RUN, or --smoke")
    return [baseline, candidate]


def _share(tolerance: float) -> float:
    if not 0 <= tolerance < 100:
        raise InputError(f"--tolerance {tolerance:g}: is no number of points from 0 to below 100")
    return tolerance / 100


def _finish(
    found: Gate, accepted: frozenset[Outcome], markdown: Path | None, junit: Path | None, json_file: Path | None
) -> int:
    """Show and write what was decided, and return the exit code."""
    prints_json = json_file == _STANDARD_OUTPUT
    typer.echo(json_text(found) if prints_json else "\n".join(gate_lines(found)), nl=not prints_json)
    for path, text in ((markdown, gate_markdown), (junit, gate_junit), (json_file, json_text)):
        if path and path != _STANDARD_OUTPUT:
            write_text(path, text(found))
    write_github(found, dict(os.environ))
    if not found.is_complete:
        return PARTIAL
    return 0 if found.outcome in accepted else EXIT_CODES[found.outcome]
