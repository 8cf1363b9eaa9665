"""The Ray cluster of a run: reached or started, checked for what the workers need, and left as it was found."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.remote import Fleet, require_ray
from tasks.types import InputError

REACH_SECONDS = 5.0
"""For a TCP connection to the address; Ray itself would try for minutes. Chosen, not tuned."""
OBJECT_STORE_BYTES = 100_000_000
"""Of a cluster that is started here: orders and news are small and travel beside the store. Ray's minimum is 75 MiB."""
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to Ray's makers
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # a call to a dead worker is dealt with in `harness.distributed`
    "RAY_worker_niceness": "0",  # a worker does this process's work, and Ray would give it a priority of 15 less
}
"""Of Ray, where the user's environment does not say otherwise. The last one counts for a cluster started here."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A connected cluster, and what one worker takes of it."""

    cpus: float
    gpus: float
    num_nodes: int

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments of an actor's `options`."""
        return {"num_cpus": self.cpus, "num_gpus": self.gpus}

    def share(self, num_workers: int) -> int:
        """Workers on one machine, at the most even."""
        return -(-num_workers // self.num_nodes)


@contextmanager
def connected(fleet: Fleet, device: str) -> Iterator[Cluster]:
    """The cluster of `fleet`, left with the block. `device` is that of the engines: auto, cpu or cuda.

    Raises InputError where Ray is not installed or not reachable, and where the workers do not fit.
    """
    require_ray()
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        # A program that has its own connection keeps it.
        yield _fitting(fleet, device)
        return
    address = fleet.address or os.environ.get("RAY_ADDRESS", "")
    _connect(address)
    try:
        with _stdout_for_results():
            yield _fitting(fleet, device)
    finally:
        ray.shutdown()


@contextmanager
def _stdout_for_results() -> Iterator[None]:
    """Ray prints up to thirty lines to stdout for every death and has no switch for it; ours is one line on stderr."""
    import ray._private.worker as internals

    name = "print_to_stdstream"
    before = getattr(internals, name, None)
    if before is None:
        # Another version of Ray: its lines stay, and nothing else changes.
        yield
        return
    setattr(internals, name, lambda *_, **__: None)
    try:
        yield
    finally:
        setattr(internals, name, before)


def _connect(address: str) -> None:
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not address or address == "local":
        quiet |= {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    elif address != "auto":
        _reach(address)
    try:
        ray.init(address=address or "local", **quiet)
    except Exception as error:
        # Ray has no error of its own for this, and raises what its parts raise.
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        where = f"--ray-address {address}: no Ray cluster answers there" if address else "Ray does not start here"
        fix = "start one with 'ray start --head', or check the address" if address else "see the logs in /tmp/ray"
        raise InputError(f"{where} ({reason}); {fix}") from error


def _reach(address: str) -> None:
    """Raises InputError where nothing listens at HOST:PORT."""
    try:
        parts = urlsplit(address if "://" in address else f"ray://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise InputError(f"--ray-address {address}: is no address; write auto or HOST:6379")
    try:
        socket.create_connection((host, port), REACH_SECONDS).close()
    except OSError as error:
        raise InputError(
            f"--ray-address {address}: no Ray cluster answers there ({error.strerror or error}); start one with "
            "'ray start --head', or check the address"
        ) from error


def _fitting(fleet: Fleet, device: str) -> Cluster:
    """What a worker takes. Waits as long as the user allows; raises InputError where the workers do not fit."""
    import ray

    deadline = time.monotonic() + fleet.wait_seconds
    is_said = False
    while True:
        nodes = [each["Resources"] for each in ray.nodes() if each["Alive"]]
        gpus = fleet.gpus_per_worker
        if gpus is None:
            has_gpus = any(node.get("GPU") for node in nodes)
            gpus = 1.0 if device.startswith("cuda") or (device == "auto" and has_gpus) else 0.0
        room = sum(_room(node, fleet.cpus_per_worker, gpus, fleet.num_workers) for node in nodes)
        if room >= fleet.num_workers:
            return Cluster(fleet.cpus_per_worker, gpus, len(nodes))
        if time.monotonic() >= deadline:
            raise InputError(_too_many(fleet, gpus, nodes, room))
        if not is_said:
            sys.stderr.write(f"waiting for the cluster: it has room for {room} of {fleet.num_workers} workers\n")
            is_said = True
        time.sleep(1.0)


def _room(node: dict[str, float], cpus: float, gpus: float, most: int) -> int:
    """Workers that a node's resources carry, up to `most`."""
    rooms = [most]
    if cpus:
        rooms.append(int(node.get("CPU", 0.0) / cpus + 1e-9))
    if gpus:
        # A part of a GPU lies on one of them.
        whole = int(node.get("GPU", 0.0))
        rooms.append(whole * int(1 / gpus + 1e-9) if gpus < 1 else whole // int(gpus))
    return min(rooms)


def _too_many(fleet: Fleet, gpus: float, nodes: list[dict[str, float]], room: int) -> str:
    has = ", ".join(f"{sum(node.get(name, 0.0) for node in nodes):g} {name}s" for name in ("CPU", "GPU"))
    needs = f"{fleet.cpus_per_worker:g} CPUs" + (f" and {gpus:g} GPUs" if gpus else "")
    return (
        f"--workers {fleet.num_workers}: the cluster has room for {room} ({has} on {len(nodes)} nodes, each worker "
        f"needs {needs}); use --workers {room or 1}, add nodes, or lower --cpus-per-worker or --gpus-per-worker"
    )
