"""The `rstar` command: picks the subcommand, and is the one place where an exception becomes a line and an exit code.

Only the subcommand that was asked for is imported, so `rstar --help` stays fast however heavy the others are. To add
one, write `harness/cli_<name>.py` and give it a line in `COMMANDS`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated

import typer

from harness.interruption import INTERRUPTED, Interrupted
from tasks.types import InputError

BAD_INPUT = 2
_EXTRAS = {
    "pyarrow": "parquet", "pandas": "programs", "scipy": "programs", "torch": "search", "transformers": "search",
    "trl": "train", "datasets": "train", "accelerate": "train", "peft": "train", "ray": "ray", "fastapi": "serve",
    "uvicorn": "serve", "math_verify": "math-verify", "lm_eval": "lm-eval",
}  # fmt: skip
"""Packages that the base does not have, and the extra that brings each."""


@dataclass(frozen=True, slots=True)
class Command:
    """Where a subcommand lives."""

    module: str
    """A name and no import: a command may live in `leaderboard`, which no file of the harness imports."""
    attribute: str
    """A function (one command) or a `typer.Typer` (a command with subcommands of its own)."""
    summary: str
    """One line for `rstar --help`."""


COMMANDS: dict[str, Command] = {
    "demo": Command("leaderboard.cli_demo", "demo", "Search a small task with the package's own models, in minutes."),
    "init": Command("harness.cli_init", "init", "Write a commented run file, by asking or from flags."),
    "run": Command("harness.cli_run", "run", "Search the problems of a task, grade and record."),
    "resume": Command("harness.cli_resume", "resume", "Go on with a run that was interrupted."),
    "sweep": Command("harness.cli_sweep", "sweep", "Run methods x tasks from one file, and report them together."),
    "report": Command("harness.cli_report", "report", "Show runs as tables and scaling curves."),
    "compare": Command("harness.cli_compare", "compare", "Compare two runs problem by problem."),
    "gate": Command("harness.cli_gate", "gate", "Decide whether a run is as good as a baseline."),
    "plan": Command("harness.cli_plan", "plan", "Say what a run will take: memory, tokens, GPU-hours, money."),
    "power": Command("harness.cli_power", "power", "Say which gap a number of problems and seeds can show."),
    "anatomy": Command("harness.cli_anatomy", "anatomy", "Show why the wrong answers of a run are wrong."),
    "import": Command("harness.cli_import", "app", "Turn another tool's results into a run."),
    "export": Command("harness.cli_export", "export", "Write a run in the format of another tool."),
    "leaderboard": Command("leaderboard.cli", "app", "Build a site of runs, check it, judge a submission."),
    "tasks": Command("harness.cli_tasks", "app", "List the tasks, show one of them or one of its problems."),
    "synthesize": Command("harness.cli_synthesize", "app", "Search a train pool and turn it into training data."),
    "train": Command("harness.cli_train", "app", "Train a policy or a process preference model."),
    "evolve": Command("harness.cli_evolve", "evolve", "Rounds of search and training, each from the one before."),
    "ppm": Command("harness.cli_ppm", "app", "Judge a value model; import and export the released layout."),
    "lineage": Command("harness.cli_lineage", "lineage", "Trace a training row to its tree, models and round."),
    "overlap": Command("harness.cli_overlap", "overlap", "Check a train pool for test questions."),
    "grade": Command("harness.cli_grade", "grade", "Grade stored replies again, without a model."),
    "serve": Command("harness.cli_serve", "serve", "Serve the solver to clients of OpenAI's API."),
    "doctor": Command("harness.cli_doctor", "doctor", "Show what this machine has: sandbox layers, packages, data."),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `rstar` with `arguments` (default: the process's own) and leave the process with its exit code.

    Exit codes: 0 done, 1 the command's own negative outcome, 2 bad input or bad usage, 130 interrupted.
    """
    try:
        sys.exit(_run(list(sys.argv[1:] if arguments is None else arguments)))
    except InputError as error:
        _fail(str(error), BAD_INPUT)
    except typer.TyperException as error:
        _fail(_usage_message(error), BAD_INPUT)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        _fail(f"this needs the package {error.name}; install it with pip install 'rstar-bench[{extra}]'", BAD_INPUT)
    except Interrupted:
        sys.exit(INTERRUPTED)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader (`head`, a pager) has gone. Without this the interpreter complains when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _run(arguments: Sequence[str]) -> int:
    """The exit code of the subcommand that `arguments` name."""
    # Not standalone: Typer then raises its errors instead of printing a usage block of several lines.
    outcome = _build(arguments)(args=arguments, prog_name="rstar", standalone_mode=False)
    sys.stdout.flush()
    if outcome == INTERRUPTED:
        # Typer has turned Ctrl-C into this code itself.
        raise KeyboardInterrupt
    return outcome if isinstance(outcome, int) else 0


def _build(arguments: Sequence[str]) -> typer.Typer:
    """The command tree, with the real code only for the subcommand that `arguments` name."""
    app = typer.Typer(
        name="rstar",
        help="Benchmarks, an exact answer checker and test-time search for small models that do mathematics.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    # While a shell completes a line, the line stands in a variable of Typer's, the program's own name first.
    line = os.environ.get("COMP_WORDS", "").split()[1:] if "_RSTAR_COMPLETE" in os.environ else arguments
    wanted = next((word for word in line if not word.startswith("-")), None)
    for name, command in COMMANDS.items():
        _mount(app, name, command, is_loaded=name == wanted)
    return app


def _mount(app: typer.Typer, name: str, command: Command, *, is_loaded: bool) -> None:
    """Add one subcommand to `app`: the real one, or a stand-in that only appears in the help."""
    target = getattr(import_module(command.module), command.attribute) if is_loaded else _stand_in
    if isinstance(target, typer.Typer):
        app.add_typer(target, name=name, help=command.summary)
    else:
        app.command(name, short_help=command.summary)(target)


def _stand_in() -> None:
    """Never runs: the subcommand that runs is always the loaded one."""


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"rstar-bench {version('rstar-bench')}")
        raise typer.Exit


def _root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _usage_message(error: typer.TyperException) -> str:
    """Typer's complaint as one sentence, with the command whose help explains it."""
    message = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "rstar"
    return f"{message} (see '{where} --help')"


def _fail(message: str, code: int) -> None:
    """Print `message` as one line on stderr and leave with `code`."""
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
