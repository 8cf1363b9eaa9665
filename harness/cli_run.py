"""`rstar run`: search a task, grade it and report, from flags or from a YAML file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.report import report_lines
from harness.run import CONCURRENCY, Options, Plan, plan_run
from harness.run import run as run_plan
from harness.run_folder import RUN_FILE
from harness.run_progress import LiveProgress
from harness.run_summary import RunSummary, summarize
from harness.scaling_plot import save_plots
from harness.spec_fields import RUN_FIELDS, check_names, make_spec, read_yaml
from tasks.types import InputError

PARTIAL = 1
INTERRUPTED = 130
RESULTS = Path("results")
_OPTION_FIELDS = ("out", "concurrency", "workers")
"""What a file may set beside the fields of a spec: how the run is done."""

Concurrency = Annotated[
    int | None, typer.Option(min=1, max=100_000, help="Problems at a time.", show_default=str(CONCURRENCY))
]
Workers = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Programs executed at a time.", show_default="all cores")
]
Out = Annotated[Path | None, typer.Option(help="Results folder.", show_default="results")]


def run(
    file: Annotated[Path | None, typer.Argument(help="YAML file with the fields of a run; flags override it.")] = None,
    task: Annotated[str | None, typer.Option(help="A task of 'rstar tasks', or user:PATH.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="Named search settings, e.g. tiny, paper-eval, greedy.", show_default="tiny")
    ] = None,
    method: Annotated[str | None, typer.Option(help="sample, beam, dvts, particle or mcts, at its defaults.")] = None,
    policy: Annotated[str | None, typer.Option(help="Model folder, or builtin.", show_default="builtin")] = None,
    ppm: Annotated[str | None, typer.Option(help="Reward model folder, builtin or none.")] = None,
    budgets: Annotated[str | None, typer.Option(help="Trajectories to report at, e.g. 1,2,4,8,16.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds, e.g. 0,1,2.", show_default="0")] = None,
    limit: Annotated[int | None, typer.Option(help="Problems to take, spread evenly over the task.")] = None,
    rule: Annotated[str | None, typer.Option(help="The headline's rule: best, majority, weighted or top_k.")] = None,
    candidates: Annotated[int | None, typer.Option(help="Candidates at each step.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Of the policy's sampling; 0 is greedy.")] = None,
    adaptive_stop: Annotated[
        str | None, typer.Option(help="End a problem early: certain, posterior or never.", show_default="never")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Any other search setting, NAME=VALUE; may be given again.")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="transformers or scripted.", show_default="transformers")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.", show_default="auto")] = None,
    dtype: Annotated[str | None, typer.Option(help="auto, float32, bfloat16 or float16.", show_default="auto")] = None,
    layout: Annotated[str | None, typer.Option(help="Prompt layout: rstar-sft or bootstrap.")] = None,
    interpreter: Annotated[
        str | None, typer.Option(help="sandbox, or arithmetic (runs nothing).", show_default="sandbox")
    ] = None,
    require_sandbox: Annotated[
        str | None, typer.Option(help="What must contain programs: none, standard or full.", show_default="standard")
    ] = None,
    trees: Annotated[
        str | None, typer.Option(help="What to keep of each search: none, answers or full.", show_default="answers")
    ] = None,
    concurrency: Concurrency = None,
    workers: Workers = None,
    out: Out = None,
) -> int:
    """Search every problem of a task, grade the answers, and end with a table and a scaling curve.

    The run's id is a hash of what was asked. The same command again goes on where it stopped. Exit code 1: an engine
    failed on some problems; 130: interrupted. In both cases 'rstar resume' completes the run.
    """
    fields: dict[str, Any] = read_yaml(file) if file else {}
    check_names(fields, (*RUN_FIELDS, *_OPTION_FIELDS), f"{file}: field")
    flags = {
        "task": task, "preset": preset, "method": method, "policy": policy, "ppm": ppm, "budgets": budgets,
        "seeds": seeds, "limit": limit, "rule": rule, "engine": engine, "device": device, "dtype": dtype,
        "layout": layout, "interpreter": interpreter, "require_sandbox": require_sandbox, "trees": trees,
        "out": out, "concurrency": concurrency, "workers": workers,
    }  # fmt: skip
    search = {"num_candidates": candidates, "temperature": temperature, "stop": adaptive_stop}
    fields = _overridden(fields, flags, search, settings or [])
    how = {name: fields.pop(name, None) for name in _OPTION_FIELDS}
    plan = plan_run(make_spec(fields), _folder(how["out"]))
    return finish(plan, options(how["concurrency"], how["workers"]))


def options(concurrency: Any, workers: Any) -> Options:
    """The options of a run. Raises InputError for what is no whole number of at least 1."""
    for name, value in (("concurrency", concurrency), ("workers", workers)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InputError(f"field '{name}': {value!r} is no whole number of at least 1")
    return Options(concurrency or CONCURRENCY, workers)


def finish(plan: Plan, how: Options) -> int:
    """Do what is left of a run, show what it came to, and return the exit code."""
    summary = complete(plan, how)
    if summary is None:
        return INTERRUPTED
    show(summary)
    return 0 if summary.is_complete else PARTIAL


def complete(plan: Plan, how: Options) -> RunSummary | None:
    """Do what is left of a run; None where Ctrl-C ended it, after a line that says how to go on."""
    spec, stated = plan.record.spec, plan.record
    typer.echo(f"Run {stated.id}: {stated.num_records:,} searches of up to {spec.budgets[-1]} trajectories", err=True)
    try:
        run_plan(plan, how, LiveProgress())
    except KeyboardInterrupt:
        _say_how_to_resume(plan.folder)
        return None
    return summarize(plan.folder)


def show(summary: RunSummary) -> None:
    """Print the report, write it and the curve beside the records, and say where everything is and what comes next."""
    folder = summary.folder
    typer.echo("\n".join(report_lines(summary)))
    written = write_report(summary)
    typer.echo(f"\nFiles in {folder}: {RUN_FILE}, problems.jsonl, {', '.join(path.name for path in written)}")
    following = f"rstar report {folder} --axis tokens" if summary.is_complete else f"rstar resume {folder}"
    typer.echo(f"Next: {following}")


def write_report(summary: RunSummary) -> list[Path]:
    """Write `report.md`, `scaling.png` and `scaling.svg` beside the records; no curve where nothing is done."""
    folder = summary.folder
    report = folder / "report.md"
    write_text(report, "\n".join(report_lines(summary, markdown=True)) + "\n")
    if not summary.num_done:
        return [report]
    plots = [folder / "scaling.png", folder / "scaling.svg"]
    save_plots(summary, "trajectories", plots)
    return [report, *plots]


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    from harness.atomic_file import atomic_text

    with atomic_text(path) as file:
        file.write(text)


def _say_how_to_resume(folder: Path) -> None:
    if not (folder / RUN_FILE).exists():
        return
    summary = summarize(folder)
    sys.stderr.write(
        f"stopped after {summary.num_done:,} of {summary.record.num_records:,} searches; nothing is lost. "
        f"Go on with: rstar resume {folder}\n"
    )


def _overridden(
    fields: dict[str, Any], flags: dict[str, Any], search: dict[str, Any], settings: list[str]
) -> dict[str, Any]:
    """`fields` with the flags that were given in their place; a preset and a method replace each other."""
    given = {name: value for name, value in flags.items() if value is not None}
    kept = dict(fields)
    if ("preset" in given) != ("method" in given):
        kept.pop("method" if "preset" in given else "preset", None)
    changed = {name: value for name, value in search.items() if value is not None} | dict(map(_setting, settings))
    if changed:
        known = kept.get("search") or {}
        if not isinstance(known, dict):
            raise InputError(f"field 'search': {known!r} holds no settings; write one 'name: value' a line below it")
        kept["search"] = known | changed
    return kept | given


def _setting(text: str) -> tuple[str, Any]:
    """`NAME=VALUE`, the value a number, true, false, null or else a word."""
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise InputError(f"--set {text}: is no setting; write NAME=VALUE, e.g. --set exploration=1.5")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def _folder(out: Any) -> Path:
    if out is None:
        return RESULTS
    if not isinstance(out, str | Path):
        raise InputError(f"field 'out': {out!r} is no folder; write its path in quotes")
    return Path(out).expanduser()
