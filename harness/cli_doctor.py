"""`rstar doctor`: what this machine has, and what is missing."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasks.types import InputError

if TYPE_CHECKING:
    from rstar.interpreter.layers import SandboxReport

PACKAGES = ("rstar-bench", "numpy", "scipy", "sympy", "torch", "transformers", "trl", "vllm", "ray", "math-verify")


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Show the sandbox's layers, the packages and the data on this machine.

    Starts the step interpreter for real, so a layer that is shown as active is one that was entered.
    """
    sandbox = _sandbox()
    packages = {name: _version(name) for name in PACKAGES}
    tasks = _tasks()
    if as_json:
        content: dict[str, Any] = {
            "python": platform.python_version(),
            "machine": f"{sys.platform} {platform.machine()}, {os.cpu_count()} cores",
            "sandbox": sandbox if isinstance(sandbox, str) else asdict(sandbox),
            "packages": packages,
            "tasks": tasks,
        }
        typer.echo(json.dumps(content, indent=2))
        return
    typer.echo(f"Python {platform.python_version()} on {sys.platform} {platform.machine()}, {os.cpu_count()} cores")
    typer.echo()
    _show_sandbox(sandbox)
    typer.echo()
    typer.echo("Packages  " + ", ".join(f"{name} {version or 'not installed'}" for name, version in packages.items()))
    ready = [name for name, state in tasks.items() if state in ("cached", "generated", "local")]
    typer.echo(f"Tasks     ready: {', '.join(ready) or 'none'}; the others are fetched when first used (rstar tasks)")


def _sandbox() -> SandboxReport | str:
    """The report of a sandbox that was entered, or why there is none."""
    from rstar.interpreter import active_layers

    try:
        report: SandboxReport = active_layers()
    except InputError as error:
        return str(error)
    return report


def _show_sandbox(sandbox: SandboxReport | str) -> None:
    if isinstance(sandbox, str):
        typer.echo(f"Sandbox   none: {sandbox}")
        return
    typer.echo(f"Sandbox   level {sandbox.level}")
    width = max(len(layer.name) for layer in sandbox.layers)
    for layer in sandbox.layers:
        state = "active " if layer.is_active else "MISSING"
        line = f"  {state}  {layer.name:{width}}  stops: {layer.stops}"
        typer.echo(line if layer.is_active else f"{line}\n{'':{width + 13}}why missing: {layer.missing}")
    lacking = ", ".join(layer.name for layer in sandbox.lacking("full"))
    typer.echo(f"  To reach level full: {lacking}." if lacking else "  Nothing is missing for level full.")
    for sentence in sandbox.advice():
        typer.echo(f"  {sentence}")


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _tasks() -> dict[str, str]:
    from tasks.catalog import summaries

    return {summary.name: summary.state for summary in summaries()}
