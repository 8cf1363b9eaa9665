"""`rstar synthesize`: search a train pool with labels, extract training data, write new problems, convert formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli_fleet import CpusPerWorker, GpusPerWorker, RayAddress, RayWait, Workers, fleet_of
from harness.engine_flags import (
    Device,
    Dtype,
    Engine,
    Interpreter,
    KvMemory,
    MaxContextTokens,
    MaxNewTokens,
    MaxSamples,
    Programs,
    PromptLayout,
    RequestSeconds,
    RequireSandbox,
    SearchSettings,
    Threads,
    Vllm,
)
from harness.setting_flag import setting
from tasks.types import InputError

app = typer.Typer(add_completion=False)
_Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]


@app.callback(invoke_without_command=True)
def synthesize(
    context: typer.Context,
    pool: Annotated[
        str,
        typer.Option(help="Train pool: a name of 'rstar tasks', a JSONL or Parquet file, or procedural-train?each=N."),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the shards; the same command again goes on there.")
    ] = None,
    preset: Annotated[str, typer.Option(help="bootstrap, round2, round3, round4, tiny or self-consistency.")] = "tiny",
    policy: Annotated[str, typer.Option(help="Model folder, or builtin.")] = "builtin",
    ppm: Annotated[str, typer.Option(help="PPM that judges open steps; none: labels alone guide the search.")] = "none",
    rollouts: Annotated[int | None, typer.Option(help="Rollouts per problem.", show_default="the preset's")] = None,
    candidates: Annotated[int | None, typer.Option(help="Candidates per step.", show_default="the preset's")] = None,
    extra: Annotated[
        str | None,
        typer.Option(help="Rollouts of further searches, with new seeds, for problems that stay unsolved, e.g. 64,48."),
    ] = None,
    settings: SearchSettings = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    engine: Engine = None,
    device: Device = None,
    dtype: Dtype = None,
    layout: PromptLayout = None,
    max_new_tokens: MaxNewTokens = None,
    max_context_tokens: MaxContextTokens = None,
    interpreter: Interpreter = None,
    require_sandbox: RequireSandbox = None,
    against: Annotated[str, typer.Option(help="Eval tasks whose questions are refused; without it all.")] = "",
    drop_test_questions: Annotated[
        bool, typer.Option("--drop-test-questions", help="Leave test questions out instead of refusing the pool.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Problems at a time, for each worker.")] = 64,
    programs: Programs = None,
    workers: Workers = None,
    ray_address: RayAddress = None,
    gpus_per_worker: GpusPerWorker = None,
    cpus_per_worker: CpusPerWorker = None,
    ray_wait: RayWait = None,
    kv_memory_mb: KvMemory = None,
    max_samples: MaxSamples = None,
    threads: Threads = None,
    request_seconds: RequestSeconds = None,
    vllm: Vllm = None,
    as_json: _Json = False,
) -> int:
    """Search every problem of a train pool with its label, and keep the trees with their Q-values in Parquet shards.

    Without --ppm only right and wrong ends guide the search (rounds 1 and 2), with it the PPM judges every step too
    (rounds 3 and 4). Exit code 1: an engine failed on some problems; 130: interrupted. The same command goes on.
    """
    if context.invoked_subcommand is not None:
        return 0
    if not pool or out is None:
        raise InputError("name a train pool with --pool and a folder with --out; see 'rstar synthesize --help'")
    from harness.cli_run import options
    from harness.synthesis import Asked, run_synthesis

    engines = {
        "engine": engine, "policy": policy, "ppm": ppm, "device": device, "dtype": dtype, "layout": layout,
        "max_new_tokens": max_new_tokens, "max_context_tokens": max_context_tokens,
        "interpreter": interpreter, "require_sandbox": require_sandbox,
    }  # fmt: skip
    search = {"budget": rollouts, "num_candidates": candidates} | dict(map(setting, settings or []))
    asked = Asked(
        pool=pool,
        out=out,
        preset=preset,
        engines={name: value for name, value in engines.items() if value is not None},
        search={name: value for name, value in search.items() if value is not None},
        extra=None if extra is None else _whole_numbers(extra),
        seed=seed,
        against=against,
        drop_test_questions=drop_test_questions,
        concurrency=concurrency,
        resources=options(
            programs=programs,
            kv_memory_mb=kv_memory_mb,
            max_samples=max_samples,
            threads=threads,
            request_seconds=request_seconds,
            vllm=vllm,
        ).resources,
        fleet=fleet_of(
            workers,
            ray_address,
            gpus_per_worker=gpus_per_worker,
            cpus_per_worker=cpus_per_worker,
            ray_wait=ray_wait,
        ),
    )
    return run_synthesis(asked, as_json=as_json)


@app.command()
def extract(
    folder: Annotated[Path, typer.Argument(help="Folder of a synthesis, or one of its shards.")],
    sft: Annotated[Path | None, typer.Option(help="Write the best right solutions to this JSONL file.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="Write preference pairs to this JSONL file.")] = None,
    rule: Annotated[str, typer.Option(help="Pairs: paper, released or hard.")] = "paper",
    top: Annotated[int, typer.Option(min=1, help="Solutions per problem.")] = 2,
    keep_noisy: Annotated[
        bool,
        typer.Option("--keep-noisy", help="Keep synthetic problems that less than half of their trajectories solve."),
    ] = False,
    as_json: _Json = False,
) -> None:
    """Take SFT examples and preference pairs from the trees of a synthesis; files for 'rstar train'."""
    from rstar.synthesis.extract import extract as extract_rows
    from rstar.synthesis.folder import MANIFEST, read_manifest
    from rstar.synthesis.pairs import PAIR_PRESETS
    from rstar.synthesis.shards import shards_in

    if sft is None and pairs is None:
        raise InputError("nothing to write; name a file with --sft, --pairs or both")
    if rule not in PAIR_PRESETS:
        raise InputError(f"--rule {rule} is unknown; use {', '.join(PAIR_PRESETS)}")
    shards = shards_in(folder) if folder.is_dir() else [folder]
    if (folder / MANIFEST).is_file() and read_manifest(folder)["status"] != "complete":
        typer.echo(f"{folder}: its synthesis is not complete; these are the shards that are done", err=True)
    report = extract_rows(
        shards, sft=sft, pairs=pairs, settings=PAIR_PRESETS[rule], top=top, keep_noisy=keep_noisy
    ).as_fields()
    if as_json:
        typer.echo(json.dumps(report))
        return
    typer.echo(f"{report['num_problems']:,} problems, {report['num_nodes']:,} nodes")
    for reason, count in report["dropped"].items():
        typer.echo(f"  {reason}: {count:,} problems")
    if sft:
        typer.echo(f"{report['num_solutions']:,} solutions in {sft}")
    for name, depths in report["num_pairs"].items():
        by_depth = "  ".join(f"{depth}: {count:,}" for depth, count in depths.items())
        typer.echo(f"{sum(depths.values()):,} pairs by rule {name}, by depth  {by_depth}")


@app.command()
def problems(
    seeds: Annotated[str, typer.Option(help="Train pool whose problems are the seeds.")],
    out: Annotated[Path, typer.Option(help="JSONL pool to write; the same command again goes on.")],
    endpoint: Annotated[str, typer.Option(help="OpenAI-compatible server that writes and solves.")] = "",
    model: Annotated[str, typer.Option(help="The server's name of the model.")] = "",
    key_variable: Annotated[
        str, typer.Option(help="Environment variable that holds the server's key, if it asks for one.")
    ] = "",
    policy: Annotated[str, typer.Option(help="Model folder in place of a server, for writing and solving.")] = "",
    engine: Annotated[str, typer.Option(help="Of the policy: transformers or scripted.")] = "transformers",
    interpreter: Annotated[str, typer.Option(help="Of the policy's solutions: sandbox or arithmetic.")] = "sandbox",
    per_seed: Annotated[int, typer.Option(min=1, help="Problems for each seed.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Seeds to take, from the beginning of the pool.")] = None,
    solutions: Annotated[int, typer.Option(min=1, help="Solutions for each new problem.")] = 10,
    agreeing: Annotated[int, typer.Option(min=1, help="Of these, how many must agree.")] = 3,
    against: Annotated[str, typer.Option(help="Eval tasks whose questions are refused; without it all.")] = "",
    concurrency: Annotated[int, typer.Option(min=1, help="Problems at a time.")] = 16,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: _Json = False,
) -> int:
    """Let a model write new problems from seeds, and label those on whose answer its solutions agree."""
    from harness.problem_writing import AskedProblems, run_problems

    asked = AskedProblems(
        seeds=seeds, out=out, endpoint=endpoint, model=model, key_variable=key_variable, policy=policy, engine=engine,
        interpreter=interpreter, per_seed=per_seed, limit=limit, num_solutions=solutions, min_agreeing=agreeing,
        against=against, concurrency=concurrency, seed=seed,
    )  # fmt: skip
    return run_problems(asked, as_json=as_json)


_Format = Annotated[str, typer.Option("--format", help="sft, ppm (the published sets) or rollouts (official trees).")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Published or official file: JSON, JSONL or Parquet.")],
    out: Annotated[Path, typer.Option(help="JSONL file for 'rstar train'; for rollouts a folder of shards.")],
    format_: _Format,
    regrade: Annotated[
        bool, typer.Option("--regrade", help="Rollouts: label answers with our checker instead of by their Q.")
    ] = False,
) -> None:
    """Convert a published data set or official search trees to ours."""
    from harness.released_data import import_file

    typer.echo(import_file(file, out, format_, regrade=regrade))


@app.command("export")
def export(
    source: Annotated[
        Path, typer.Argument(help="File of 'rstar synthesize extract'; for rollouts a folder of shards.")
    ],
    out: Annotated[Path, typer.Option(help="File to write: a JSON array, for rollouts JSONL.")],
    format_: _Format,
) -> None:
    """Convert our data to the form of a published data set, or our trees to official ones."""
    from harness.released_data import export_file

    typer.echo(export_file(source, out, format_))


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InputError(f"--extra {text}: is no list of whole numbers; write e.g. 64,48, or '' for none") from None
