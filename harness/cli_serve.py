"""`rstar serve`: the solver behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    RequireSandbox,
    SearchSettings,
    Temperature,
    Threads,
    Vllm,
)
from harness.engines import Resources, open_engines
from harness.run_inputs import model_path
from harness.spec import NO_REWARD, RunSpec
from harness.spec_fields import RUN_FIELDS, check_names, make_spec, read_yaml
from rstar.engines.server_address import is_address
from tasks.types import InputError

if TYPE_CHECKING:
    import socket

    from harness.retrying import Engines
    from harness.serve.keys import Keys
    from harness.serve.limits import Limits

_NEEDED = ("fastapi", "uvicorn")
_RESOURCES = ("programs", "kv_memory_mb", "max_samples", "threads", "vllm")
"""What a run's file may set here beside the fields of a spec."""


def serve(
    file: Annotated[Path | None, typer.Argument(help="YAML file with the fields of a run; flags override it.")] = None,
    preset: Preset = None,
    method: Method = None,
    policy: Policy = None,
    policy_model: PolicyModel = None,
    ppm: Ppm = None,
    ppm_format: PpmFormat = None,
    orm: Orm = None,
    budget: Annotated[int | None, typer.Option(help="Trajectories of a request that names none.")] = None,
    rule: Annotated[str | None, typer.Option(help="best, majority, weighted or top_k.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of a request that names none.", show_default="0")] = None,
    candidates: Candidates = None,
    temperature: Temperature = None,
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
    programs: Programs = None,
    kv_memory_mb: KvMemory = None,
    max_samples: MaxSamples = None,
    threads: Threads = None,
    vllm: Vllm = None,
    host: Annotated[str, typer.Option(help="Address to listen on; one that others reach needs a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    name: Annotated[str, typer.Option(help="The model's name in requests.")] = "rstar",
    api_keys: Annotated[
        Path | None, typer.Option(help="File with one API key a line; the variable RSTAR_API_KEY adds one.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Searches at a time.", show_default="64")] = None,
    queue: Annotated[int | None, typer.Option(help="Searches that may wait.", show_default="256")] = None,
    max_budget: Annotated[
        int | None, typer.Option(help="Trajectories of one request, all choices together.", show_default="64")
    ] = None,
    max_prompt_tokens: Annotated[
        int | None, typer.Option(help="Tokens of a question.", show_default="half of the context")
    ] = None,
    max_body_bytes: Annotated[int | None, typer.Option(help="Bytes of a request.", show_default="1048576")] = None,
    max_connections: Annotated[int | None, typer.Option(help="Open connections.", show_default="1000")] = None,
    request_seconds: Annotated[float | None, typer.Option(help="For a request.", show_default="600")] = None,
    read_seconds: Annotated[float | None, typer.Option(help="For a client to send one.", show_default="30")] = None,
    write_seconds: Annotated[
        float | None, typer.Option(help="For a client to take a piece of a reply.", show_default="30")
    ] = None,
    keep_alive_seconds: Annotated[
        float | None, typer.Option(help="Between two signs of life on a silent stream.", show_default="10")
    ] = None,
    drain_seconds: Annotated[
        float | None, typer.Option(help="For searches in flight to end on a stop.", show_default="30")
    ] = None,
) -> int:
    """Serve the solver to clients of OpenAI's API: POST /v1/chat/completions, GET /v1/models, /health, /metrics.

    The flags of 'rstar run', or the file of one, set a request's defaults; a request may name budget, method, rule and
    seed itself. Without an API key only this machine is served. Logs are JSON lines on stderr. Ctrl-C and SIGTERM take
    nothing new, let searches in flight end, and leave with 0.
    """
    from harness.cli_run import overridden
    from harness.served_models import with_names

    fields = _from_file(file) if file else {}
    flags = {
        "preset": preset, "method": method, "policy": policy, "policy_model": policy_model, "ppm": ppm,
        "ppm_format": ppm_format, "orm": orm, "budgets": budget, "rule": rule,
        "seeds": None if seed is None else [seed], "engine": engine, "device": device, "dtype": dtype,
        "layout": layout, "chat_template": chat_template, "max_new_tokens": max_new_tokens,
        "max_context_tokens": max_context_tokens, "interpreter": interpreter, "require_sandbox": require_sandbox,
        "programs": programs, "kv_memory_mb": kv_memory_mb, "max_samples": max_samples,
        "threads": threads, "vllm": vllm or None,
    }  # fmt: skip
    search = {"num_candidates": candidates, "temperature": temperature}
    fields = overridden(fields, flags, search, settings or [])
    resources = _resources({name: fields.pop(name, None) for name in _RESOURCES})
    limits = {
        "concurrency": concurrency, "queue": queue, "max_budget": max_budget, "max_prompt_tokens": max_prompt_tokens,
        "max_body_bytes": max_body_bytes, "max_connections": max_connections, "request_seconds": request_seconds,
        "read_seconds": read_seconds, "write_seconds": write_seconds, "keep_alive_seconds": keep_alive_seconds,
        "drain_seconds": drain_seconds,
    }  # fmt: skip
    _check_packages()
    spec = make_spec(with_names(fields | {"task": "chat"}))
    return _serve(spec, resources, _given(limits), host, port, name, api_keys)


def _from_file(file: Path) -> dict[str, Any]:
    """The fields of a run's YAML file that mean something here."""
    fields = read_yaml(file)
    check_names(fields, (*RUN_FIELDS, "policy_model", *_RESOURCES), f"{file}: field")
    return fields


def _resources(how: dict[str, Any]) -> Resources:
    """What the engines may use, checked as in a run."""
    from harness.cli_run import options

    return options(**how).resources


def _serve(
    spec: RunSpec, resources: Resources, limits: dict[str, Any], host: str, port: int, name: str, file: Path | None
) -> int:
    from harness.collector import rare_collections
    from harness.serve.keys import check_reach, read_keys
    from harness.serve.logs import set_up
    from harness.serve.server import listen

    keys = read_keys(file)
    check_reach(host, keys)
    # Before anything heavy is imported: a missing model and a port in use are said at once.
    for role, model in (("policy", spec.policy), ("ppm", spec.ppm), ("orm", spec.orm)):
        if model != NO_REWARD and not is_address(model):
            model_path(model, role)
    with listen(host, port) as listener, open_engines(spec, resources) as engines, rare_collections():
        set_up()
        asyncio.run(_listen(engines, spec, _limits(engines, spec, limits), keys, name, listener))
    return 0


async def _listen(
    engines: Engines, spec: RunSpec, limits: Limits, keys: Keys, name: str, listener: socket.socket
) -> None:
    from harness.serve.app import Service
    from harness.serve.logs import log
    from harness.serve.server import Server, url_of
    from harness.serve.solver import Solver

    await _warm_up(engines)
    solver = Solver(spec, engines, limits)
    try:
        log("listening", url=url_of(listener), model=name, method=spec.method, budget=spec.config.budget)
        sys.stdout.write(f"rstar serve: {url_of(listener)} (model {name}); Ctrl-C stops it\n")
        sys.stdout.flush()
        await Server(Service(solver, keys, name)).serve([listener])
        log("stopped")
    finally:
        solver.close()


async def _warm_up(engines: Engines) -> None:
    """Start what would make the first request wait: the sandbox, which may refuse this machine, and the checker."""
    from tasks.answers import classes

    start = getattr(engines.interpreter, "start", None)
    if start is not None:
        await start()
    classes(["1/2", "0.5"])


def _limits(engines: Engines, spec: RunSpec, given: dict[str, Any]) -> Limits:
    """The limits, of which two follow the server's defaults where they are not given."""
    from harness.serve.limits import Limits

    context = engines.settings.get("max_context_tokens", spec.max_context_tokens)
    derived = {"max_prompt_tokens": max(1, context // 2), "max_budget": max(Limits().max_budget, spec.config.budget)}
    limits = Limits(**derived | given)
    if spec.config.budget > limits.max_budget:
        raise InputError(f"--max-budget {limits.max_budget}: is below the default budget of {spec.config.budget}")
    return limits


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _check_packages() -> None:
    for package in _NEEDED:
        if importlib.util.find_spec(package) is None:
            raise InputError(
                f"rstar serve needs the package {package}; install it with pip install 'rstar-bench[serve]'"
            )
