"""`rstar resume`: go on with a run that was stopped, killed or is partial."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli_run import RESULTS, Concurrency, Out, Workers, finish, options
from harness.run import plan_resume
from harness.run_folder import find_run


def resume(
    run: Annotated[str, typer.Argument(help="Folder of the run, or its id below the results folder.")],
    concurrency: Concurrency = None,
    workers: Workers = None,
    out: Out = None,
) -> int:
    """Go on with a run where it stopped: finished problems stay, one that was cut off is replayed from its journal.

    Everything is as the run's folder says; only how many problems are solved at a time may change.
    """
    return finish(plan_resume(find_run(run, out or RESULTS)), options(concurrency, workers))
