"""`rstar run`: search a task, grade it and report, from flags or from a YAML file."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli_fleet import FLEET_FIELDS, CpusPerWorker, GpusPerWorker, RayAddress, RayWait, Workers, fleet_of
from harness.engine_flags import (
    Candidates,
    ChatTemplate,
    Device,
    Dtype,
    Engine,
    Interpreter,
    KvMemory,
    MaxContextTokens,
    MaxNewTokens,
    MaxSamples,
    Method,
    Orm,
    Policy,
    PolicyModel,
    Ppm,
    PpmFormat,
    Preset,
    Programs,
    PromptLayout,
    RequestSeconds,
    RequireSandbox,
    SearchSettings,
    Temperature,
    Threads,
    Vllm,
)
from harness.engines import Resources
from harness.interruption import Interrupted
from harness.remote import Fleet
from harness.report import report_lines
from harness.run import CONCURRENCY, MAX_FAILURES, EngineDown, Options, Plan, plan_run
from harness.run import run as run_plan
from harness.run_folder import RUN_FILE
from harness.run_progress import LiveProgress
from harness.run_summary import RunSummary, summarize
from harness.scaling_plot import save_plots
from harness.served_models import with_names
from harness.setting_flag import setting
from harness.spec_fields import RUN_FIELDS, check_names, make_spec, read_yaml
from rstar.engines.vllm_settings import read_settings
from rstar.search.voting import TOP_K
from tasks.types import InputError

PARTIAL = 1
RESULTS = Path("results")
_HOW = ("concurrency", "programs", "kv_memory_mb", "max_samples", "threads", "max_failures", "request_seconds", "vllm")
OPTION_FIELDS = ("out", *_HOW, *FLEET_FIELDS)
"""What a file may set beside the fields of a spec: how the run is done."""

Concurrency = Annotated[
    int | None,
    typer.Option(min=1, max=100_000, help="Problems at a time, for each worker.", show_default=str(CONCURRENCY)),
]
MaxFailures = Annotated[
    int | None,
    typer.Option(help="Engine failures on so many problems in a row stop the run.", show_default=str(MAX_FAILURES)),
]
Out = Annotated[Path | None, typer.Option(help="Results folder.", show_default="results")]


def run(
    file: Annotated[Path | None, typer.Argument(help="YAML file with the fields of a run; flags override it.")] = None,
    task: Annotated[str | None, typer.Option(help="A task of 'rstar tasks', or user:PATH.")] = None,
    preset: Preset = None,
    method: Method = None,
    policy: Policy = None,
    policy_model: PolicyModel = None,
    ppm: Ppm = None,
    ppm_format: PpmFormat = None,
    orm: Orm = None,
    budgets: Annotated[str | None, typer.Option(help="Trajectories to report at, e.g. 1,2,4,8,16.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds, e.g. 0,1,2.", show_default="0")] = None,
    limit: Annotated[int | None, typer.Option(help="Problems to take, spread evenly over the task.")] = None,
    rule: Annotated[str | None, typer.Option(help="The headline's rule: best, majority, weighted or top_k.")] = None,
    top_k: Annotated[int | None, typer.Option(help="K of the rule top_k.", show_default=str(TOP_K))] = None,
    candidates: Candidates = None,
    temperature: Temperature = None,
    top_p: Annotated[float | None, typer.Option(help="Draw only from the likeliest tokens of this mass.")] = None,
    sampling_top_k: Annotated[int | None, typer.Option(help="Draw only from that many likeliest tokens.")] = None,
    adaptive_stop: Annotated[
        str | None, typer.Option(help="End a problem early: certain, posterior or never.", show_default="never")
    ] = None,
    settings: SearchSettings = None,
    engine: Engine = None,
    device: Device = None,
    dtype: Dtype = None,
    layout: PromptLayout = None,
    chat_template: ChatTemplate = None,
    max_new_tokens: MaxNewTokens = None,
    max_context_tokens: MaxContextTokens = None,
    interpreter: Interpreter = None,
    require_sandbox: RequireSandbox = None,
    trees: Annotated[
        str | None, typer.Option(help="What to keep of each search: none, answers or full.", show_default="answers")
    ] = None,
    concurrency: Concurrency = None,
    programs: Programs = None,
    workers: Workers = None,
    ray_address: RayAddress = None,
    gpus_per_worker: GpusPerWorker = None,
    cpus_per_worker: CpusPerWorker = None,
    ray_wait: RayWait = None,
    kv_memory_mb: KvMemory = None,
    max_samples: MaxSamples = None,
    threads: Threads = None,
    max_failures: MaxFailures = None,
    request_seconds: RequestSeconds = None,
    vllm: Vllm = None,
    out: Out = None,
) -> int:
    """Search every problem of a task, grade the answers, and end with a table and a scaling curve.

    The run's id is a hash of what was asked. The same command again goes on where it stopped. Exit code 1: an engine
    failed on some problems, or on so many in a row that the run stopped; 130: interrupted. In all cases 'rstar resume'
    completes the run.
    """
    fields: dict[str, Any] = read_yaml(file) if file else {}
    check_names(fields, (*RUN_FIELDS, "policy_model", *OPTION_FIELDS), f"{file}: field")
    flags = {
        "task": task, "preset": preset, "method": method, "policy": policy, "ppm": ppm, "budgets": budgets,
        "ppm_format": ppm_format,
        "orm": orm, "seeds": seeds, "limit": limit, "rule": rule, "top_k": top_k, "top_p": top_p,
        "sampling_top_k": sampling_top_k, "engine": engine, "device": device, "dtype": dtype, "layout": layout,
        "chat_template": chat_template, "policy_model": policy_model,
        "max_new_tokens": max_new_tokens, "max_context_tokens": max_context_tokens, "interpreter": interpreter,
        "require_sandbox": require_sandbox, "trees": trees, "out": out, "concurrency": concurrency,
        "programs": programs, "kv_memory_mb": kv_memory_mb, "max_samples": max_samples, "threads": threads,
        "vllm": vllm or None,
        "max_failures": max_failures, "request_seconds": request_seconds,
        "workers": workers, "ray_address": ray_address,
        "gpus_per_worker": gpus_per_worker, "cpus_per_worker": cpus_per_worker, "ray_wait": ray_wait,
    }  # fmt: skip
    search = {"num_candidates": candidates, "temperature": temperature, "stop": adaptive_stop}
    fields = overridden(fields, flags, search, settings or [])
    how = {name: fields.pop(name, None) for name in OPTION_FIELDS}
    fleet = fleet_of(**{name: how[name] for name in FLEET_FIELDS})
    plan = plan_run(make_spec(with_names(fields)), _folder(how["out"]))
    return finish(plan, options(**{name: how[name] for name in _HOW}, fleet=fleet))


def options(
    concurrency: Any = None,
    programs: Any = None,
    *,
    kv_memory_mb: Any = None,
    max_samples: Any = None,
    threads: Any = None,
    max_failures: Any = None,
    request_seconds: Any = None,
    vllm: Any = None,
    fleet: Fleet | None = None,
) -> Options:
    """The options of a run. Raises InputError for what is no whole number of at least 1, and for a setting of vLLM's
    that cannot be; `vllm` is a list of NAME=VALUE, or a mapping."""
    given = {
        "concurrency": concurrency, "programs": programs, "kv_memory_mb": kv_memory_mb, "max_samples": max_samples,
        "threads": threads, "max_failures": max_failures,
        "request_seconds": request_seconds,
    }  # fmt: skip
    for name, value in given.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InputError(f"field '{name}': {value!r} is no whole number of at least 1")
    chosen = read_settings(vllm) if vllm else None
    resources = Resources(programs, kv_memory_mb, max_samples, threads, request_seconds, chosen)
    return replace(Options(concurrency or CONCURRENCY, resources, max_failures or MAX_FAILURES), fleet=fleet)


def finish(plan: Plan, how: Options) -> int:
    """Do what is left of a run, show what it came to, and return the exit code."""
    summary = complete(plan, how)
    show(summary)
    return 0 if summary.is_complete else PARTIAL


def complete(plan: Plan, how: Options) -> RunSummary:
    """Do what is left of a run and sum it up.

    Where an engine keeps failing, a line that says how to go on, and a summary of what there is. Raises Interrupted
    after such a line where Ctrl-C ended it.
    """
    spec, stated = plan.record.spec, plan.record
    typer.echo(f"Run {stated.id}: {stated.num_records:,} searches of up to {spec.budgets[-1]} trajectories", err=True)
    try:
        run_plan(plan, how, LiveProgress())
    except KeyboardInterrupt as stop:
        _say_how_to_resume(plan.folder)
        raise Interrupted from stop
    except EngineDown as error:
        sys.stderr.write(
            f"stopped: {error}; what is done is kept. Mend the engine and go on with: rstar resume {plan.folder}\n"
        )
    return summarize(plan.folder)


def show(summary: RunSummary) -> None:
    """Print the report, write it and the curve beside the records, and say where everything is and what comes next."""
    folder = summary.folder
    typer.echo("\n".join(report_lines(summary)))
    written = write_report(summary)
    typer.echo(f"\nFiles in {folder}: {RUN_FILE}, problems.jsonl, {', '.join(path.name for path in written)}")
    following = f"rstar report {folder} --x tokens" if summary.is_complete else f"rstar resume {folder}"
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


def overridden(
    fields: dict[str, Any], flags: dict[str, Any], search: dict[str, Any], settings: list[str]
) -> dict[str, Any]:
    """`fields` with the flags that were given in their place; a preset and a method replace each other."""
    given = {name: value for name, value in flags.items() if value is not None}
    kept = dict(fields)
    if ("preset" in given) != ("method" in given):
        kept.pop("method" if "preset" in given else "preset", None)
    changed = {name: value for name, value in search.items() if value is not None} | dict(map(setting, settings))
    if changed:
        known = kept.get("search") or {}
        if not isinstance(known, dict):
            raise InputError(f"field 'search': {known!r} holds no settings; write one 'name: value' a line below it")
        kept["search"] = known | changed
    return kept | given


def _folder(out: Any) -> Path:
    if out is None:
        return RESULTS
    if not isinstance(out, str | Path):
        raise InputError(f"field 'out': {out!r} is no folder; write its path in quotes")
    return Path(out).expanduser()
