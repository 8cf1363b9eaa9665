"""Searches that are carried out elsewhere: what a run asks for, and what it then sees of it. Nothing here needs Ray."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.retrying import Meter
from rstar.journal import Journal
from rstar.types import SearchResult
from tasks.types import InputError, Problem

CPUS_PER_WORKER = 1.0
"""Ray's unit for placing an actor. A search keeps one core busy at most; its programs run in processes beside it."""


def require_ray() -> None:
    """Raises InputError where Ray is not installed; called before anything that imports it."""
    if importlib.util.find_spec("ray") is None:
        raise InputError("--workers needs the package ray; install it with pip install 'rstar-bench[ray]'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Ray workers as the user asks for them. Raises InputError, naming the flag, for a number out of range."""

    num_workers: int
    address: str = ""
    """`auto` or HOST:PORT; empty: RAY_ADDRESS where it is set, else this machine alone."""
    gpus_per_worker: float | None = None
    """None: 1 where the engine uses CUDA or may, and the cluster has GPUs; else none. A part of one shares it."""
    cpus_per_worker: float = CPUS_PER_WORKER
    wait_seconds: float = 0.0
    """How long a cluster may take to offer what the workers need."""

    def __post_init__(self) -> None:
        if self.num_workers < 1:
            raise InputError(f"--workers {self.num_workers}: is less than 1; leave it out to search in this process")
        for flag, value in (
            ("--gpus-per-worker", self.gpus_per_worker),
            ("--cpus-per-worker", self.cpus_per_worker),
            ("--ray-wait", self.wait_seconds),
        ):
            if value is not None and value < 0:
                raise InputError(f"{flag} {value:g}: is negative; use 0 or more")
        gpus = self.gpus_per_worker or 0.0
        if gpus > 1 and gpus != int(gpus):
            raise InputError(f"--gpus-per-worker {gpus:g}: use a whole number, or a part of one GPU such as 0.5")


class RemoteSearch(ABC):
    """Stands in a run where its engines would stand, and searches with engines that are not in this process."""

    meter: Meter
    """What all workers have done so far."""
    settings: Mapping[str, Any]
    """Workers and what each runs with, for the record."""

    @abstractmethod
    async def start(self) -> tuple[str, str]:
        """Device and sandbox in words, once the engines are there."""

    @abstractmethod
    async def search(self, problem: Problem, seed: int, journal: Journal) -> SearchResult:
        """The search of one problem, without its trees; `journal` holds it all, as if it had been done here.

        Raises EngineFailure where an engine keeps failing, or every worker that tries dies at the same place.
        """
