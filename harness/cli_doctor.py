"""`rstar doctor`: what this machine has, and what is missing."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.doctor_report import (
    engine_lines,
    folder_lines,
    machine_lines,
    package_lines,
    sandbox_lines,
    task_lines,
)
from harness.machine import folders, machine
from harness.package_versions import engines, packages
from tasks.types import InputError

if TYPE_CHECKING:
    from rstar.interpreter.layers import SandboxReport


def doctor(
    policy: Annotated[
        str | None,
        typer.Option(help="Try this model (folder, builtin or URL) in every prompt layout, and show nothing else."),
    ] = None,
    policy_model: Annotated[str | None, typer.Option(help="Which of a server's models.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="As for 'rstar run'.", show_default="transformers, for a URL server")
    ] = None,
    chat_template: Annotated[str | None, typer.Option(help="As for 'rstar run'.")] = None,
    task: Annotated[str, typer.Option(help="Where the five problems come from.")] = "procedural",
    max_new_tokens: Annotated[int | None, typer.Option(min=1, help="Of one step.", show_default="1024")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> int:
    """Show the machine, the sandbox's layers, engines, packages, caches and data.

    Starts the step interpreter for real, so a layer that is shown as active is one that was entered. Nothing is
    downloaded, and no model is loaded.

    With --policy it asks that model five problems in each prompt layout, and names the one that it fits best; exit
    code 1: none fits.
    """
    if policy is not None:
        asked = {
            "policy": policy, "policy_model": policy_model, "engine": engine, "chat_template": chat_template,
            "max_new_tokens": max_new_tokens,
        }  # fmt: skip
        return _check(asked, task, as_json=as_json)
    sandbox, tasks = _sandbox(), _tasks()
    if as_json:
        content: dict[str, Any] = {
            "machine": asdict(machine()),
            "sandbox": _sandbox_json(sandbox),
            "engines": [asdict(each) for each in engines()],
            "packages": [asdict(each) for each in packages()],
            "folders": [asdict(each) for each in folders()],
            "tasks": tasks,
        }
        typer.echo(json.dumps(content, indent=2))
        return 0
    sections = (
        machine_lines(machine()),
        sandbox_lines(sandbox),
        engine_lines(engines()),
        package_lines(packages()),
        folder_lines(folders()),
        task_lines(tasks),
    )
    typer.echo("\n\n".join("\n".join(section) for section in sections))
    return 0


def _check(asked: dict[str, str | int | None], task: str, *, as_json: bool) -> int:
    """Try a policy in every layout."""
    from harness.policy_check import check_lines, check_policy

    check = check_policy({name: value for name, value in asked.items() if value is not None}, task)
    if as_json:
        best = check.best
        typer.echo(json.dumps(asdict(check) | {"best": best and best.layout}, indent=2))
    else:
        typer.echo("\n".join(check_lines(check)))
    return 0 if check.best else 1


def _sandbox() -> SandboxReport | str:
    """The report of a sandbox that was entered, or why there is none."""
    from rstar.interpreter import active_layers

    try:
        report: SandboxReport = active_layers()
    except InputError as error:
        return str(error)
    return report


def _sandbox_json(sandbox: SandboxReport | str) -> dict[str, Any]:
    if isinstance(sandbox, str):
        return {"level": "none", "layers": [], "advice": [sandbox]}
    return {**asdict(sandbox), "advice": list(sandbox.advice())}


def _tasks() -> dict[str, str]:
    from tasks.catalog import summaries

    return {summary.name: summary.state for summary in summaries()}
