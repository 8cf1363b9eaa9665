"""`rstar evolve`: rounds of search and training, each better than the last, as one program that can be interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.interruption import Interrupted, sigterm_as_sigint
from tasks.types import InputError

STOPPED = 1


def evolve(
    out: Annotated[
        Path | None, typer.Option("--out", help="Work folder; finished stages in it are not run again.")
    ] = None,
    preset: Annotated[
        str, typer.Option("--preset", help="tiny, micro, paper-7b, or a YAML file with settings of its own.")
    ] = "tiny",
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="In place of the preset's.")] = None,
    base: Annotated[
        Path | None, typer.Option("--base", help="Folder of a model to train every policy from, e.g. an earlier base.")
    ] = None,
    scale: Annotated[
        float, typer.Option("--scale", help="Share of the generated problems of every stage; below 1 for a trial.")
    ] = 1.0,
    force: Annotated[bool, typer.Option("--force", help="Go on after a round that is significantly worse.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print the resolved settings as YAML and do nothing.")] = False,
) -> int:
    """Evolve a policy and a PPM: search, select, train, evaluate, and again. The same command goes on where it stopped.

    Leaves `manifest.json` (everything hashed), `report.md` and `report.json`, and a folder per stage. Exit code 1: a
    round was significantly worse than the one before; the evidence is in `gate.json`. 130: interrupted.
    """
    from harness.evolution_settings import read_settings, shown

    settings = read_settings(preset, seed, base, scale)
    if show:
        typer.echo(shown(settings), nl=False)
        return 0
    if out is None:
        raise InputError("--out: is missing; name the work folder, or add --show to see the settings alone")
    from harness.evolution import evolve as run_evolution

    try:
        with sigterm_as_sigint():
            outcome = run_evolution(settings, out, typer.echo, force=force)
    except KeyboardInterrupt as stop:
        typer.echo(f"stopped; what is done stays in {out}, and the same command goes on", err=True)
        raise Interrupted from stop
    typer.echo(f"manifest {outcome.manifest['sha256'][:16]} in {out / 'manifest.json'}, report in {out / 'report.md'}")
    return STOPPED if outcome.stopped_by is not None and not force else 0
