"""The flags of a run on Ray workers, for every command that has them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from harness.remote import CPUS_PER_WORKER, Fleet
from tasks.types import InputError

FLEET_FIELDS = ("workers", "ray_address", "gpus_per_worker", "cpus_per_worker", "ray_wait")

Workers = Annotated[
    int | None,
    typer.Option(min=1, max=100_000, help="Ray workers, each with engines of its own.", show_default="this process"),
]
RayAddress = Annotated[
    str | None,
    typer.Option(help="Ray cluster: auto or HOST:PORT.", show_default="RAY_ADDRESS, or this machine"),
]
GpusPerWorker = Annotated[
    float | None,
    typer.Option(help="GPUs of one worker; several: tensor parallel inside.", show_default="1 where there are any"),
]
CpusPerWorker = Annotated[
    float | None, typer.Option(help="CPUs that Ray sets aside for one worker.", show_default=f"{CPUS_PER_WORKER:g}")
]
RayWait = Annotated[
    float | None, typer.Option(help="Seconds to wait for a cluster that is still growing.", show_default="0")
]


def fleet_of(
    workers: Any = None,
    ray_address: Any = None,
    *,
    gpus_per_worker: Any = None,
    cpus_per_worker: Any = None,
    ray_wait: Any = None,
) -> Fleet | None:
    """The workers that the flags, or the fields of a file, ask for; None for a search in this process.

    Raises InputError for a value of another type, and for Ray settings without workers.
    """
    settings = {
        "ray_address": ray_address, "gpus_per_worker": gpus_per_worker, "cpus_per_worker": cpus_per_worker,
        "ray_wait": ray_wait,
    }  # fmt: skip
    for name, value in settings.items():
        if value is not None and workers is None:
            flag = f"--{name.replace('_', '-')}"
            raise InputError(f"{flag} means nothing without --workers; add --workers N, or leave {flag} out")
        _check(name, value, str if name == "ray_address" else (int, float))
    if workers is None:
        return None
    _check("workers", workers, int)
    return Fleet(
        num_workers=workers,
        address=ray_address or "",
        gpus_per_worker=gpus_per_worker,
        cpus_per_worker=CPUS_PER_WORKER if cpus_per_worker is None else cpus_per_worker,
        wait_seconds=ray_wait or 0.0,
    )


def _check(name: str, value: Any, kind: type | tuple[type, ...]) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
        wanted = "text" if kind is str else "whole number" if kind is int else "number"
        raise InputError(f"field '{name}': {value!r} is no {wanted}")
