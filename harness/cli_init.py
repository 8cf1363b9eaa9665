"""`rstar init`: write a commented run file, from flags or by asking."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli_run import OPTION_FIELDS, run, write_text
from harness.run_template import run_template
from harness.spec import BUILTIN, NO_REWARD
from harness.spec_fields import DEFAULT_PRESET, make_spec
from rstar.search.presets import PRESETS
from tasks.types import InputError

DEFAULT_TASK = "procedural"
"""Needs no download."""
_VOTE = "self-consistency"
"""The search of a model that nothing judges."""
_GUIDED = "paper-eval"


def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("run.yaml"),
    task: Annotated[str | None, typer.Option(help="A task of 'rstar tasks', or user:PATH.")] = None,
    policy: Annotated[str | None, typer.Option(help="Model folder, or builtin.")] = None,
    ppm: Annotated[str | None, typer.Option(help="Reward model folder, builtin or none.")] = None,
    preset: Annotated[str | None, typer.Option(help="Named search settings, e.g. tiny, paper-eval, greedy.")] = None,
    budgets: Annotated[str | None, typer.Option(help="Trajectories to report at, e.g. 1,2,4,8,16.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds, e.g. 0,1,2.")] = None,
    limit: Annotated[int | None, typer.Option(help="Problems to take, spread evenly over the task.")] = None,
    engine: Annotated[str | None, typer.Option(help="As in 'rstar run'.")] = None,
    layout: Annotated[str | None, typer.Option(help="Prompt layout, as in 'rstar run'.")] = None,
    out: Annotated[str | None, typer.Option(help="Results folder.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing; take the default of what no flag says.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a YAML file for 'rstar run' in which every field stands with its meaning.

    On a terminal it asks for what no flag says; elsewhere, and with --yes, it takes defaults. The fields are checked as
    'rstar run' would check them; models and data are not opened.
    """
    if file.exists() and not force:
        raise InputError(f"{file}: is there already; name another file, or add --force to overwrite it")
    flags = {
        "task": task, "policy": policy, "ppm": ppm, "preset": preset, "budgets": budgets, "seeds": seeds,
        "limit": limit, "engine": engine, "layout": layout, "out": out,
    }  # fmt: skip
    given = {name: value for name, value in flags.items() if value is not None}
    ask = _by_default if yes or not sys.stdin.isatty() else _ask
    chosen = _completed(given, ask)
    text = run_template(chosen, run, OPTION_FIELDS, file)
    try:
        write_text(file, text)
    except OSError as error:
        raise InputError(
            f"{file}: cannot be written ({error.strerror}); name a file in a folder that is there"
        ) from error
    typer.echo(f"Written: {file}\nNext: rstar run {file}")


def _completed(given: dict[str, Any], ask: Callable[[str, str], str]) -> dict[str, Any]:
    """`given` with what is asked for in its place, lists of numbers as such. Raises InputError for what cannot be."""
    chosen = dict(given)
    if "task" not in chosen:
        chosen["task"] = ask("Task (a name of 'rstar tasks', or user:FILE)", DEFAULT_TASK)
    if "policy" not in chosen:
        chosen["policy"] = ask("Policy (folder of a model, or builtin)", BUILTIN)
    is_builtin = chosen["policy"] == BUILTIN
    if "ppm" not in chosen:
        chosen["ppm"] = ask("Reward model (folder, builtin, or none)", BUILTIN if is_builtin else NO_REWARD)
    if "preset" not in chosen:
        fitting = _VOTE if chosen["ppm"] == NO_REWARD else DEFAULT_PRESET if is_builtin else _GUIDED
        chosen["preset"] = ask(f"Search ({', '.join(PRESETS)})", fitting)
    resolved = make_spec({name: value for name, value in chosen.items() if name != "out"})
    if "budgets" not in chosen:
        chosen["budgets"] = ask("Budgets in trajectories", ",".join(map(str, resolved.budgets)))
    if "limit" not in chosen and (answer := ask("Problems (a number, or all)", "all")) != "all":
        chosen["limit"] = _number(answer)
    checked = make_spec({name: value for name, value in chosen.items() if name != "out"})
    return chosen | {name: list(getattr(checked, name)) for name in ("budgets", "seeds") if name in chosen}


def _ask(question: str, default: str) -> str:
    answer: str = typer.prompt(question, default=default)
    return answer.strip()


def _by_default(_question: str, default: str) -> str:
    return default


def _number(answer: str) -> int:
    if not answer.isdigit():
        raise InputError(f"field 'limit': {answer!r} is neither a whole number nor all")
    return int(answer)
