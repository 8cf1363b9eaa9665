"""Several Ray nodes on one machine, and their workers, which can be killed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def ray_nodes(*cpus: int) -> Iterator[Any]:
    """A cluster with a head that carries no worker and a node for each entry of `cpus`."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - Ray's own name
    from ray.cluster_utils import Cluster

    memory = {"object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **memory})
    try:
        for number in cpus:
            cluster.add_node(num_cpus=number, **memory)
        yield cluster
    finally:
        cluster.shutdown()


def worker_pids() -> list[int]:
    """The processes below this one that are Ray workers with their engines open."""
    parents, titles = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                titles[int(folder.name)] = (folder / "cmdline").read_bytes()
    return [
        pid
        for pid, title in titles.items()
        if title.startswith((b"ray::Worker.news", b"ray::Worker.begin")) and _is_ours(pid, parents)
    ]


def _is_ours(pid: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = parents.get(pid, 0)
    return False


class Killer(threading.Thread):
    """Kills a working worker a random moment after each of `wanted` random records of a run."""

    def __init__(self, wanted: int, num_records: int, seed: int) -> None:
        super().__init__(name="killer", daemon=True)
        self.killed: set[int] = set()
        self._rng = random.Random(seed)
        self._places = sorted(self._rng.sample(range(1, num_records - 2 * wanted), wanted))
        self._due = threading.Semaphore(0)
        self._count = 0
        self._lock = threading.Lock()

    def note_record(self) -> None:
        """One more record is there. May be called from any thread."""
        with self._lock:
            self._count += 1
            if self._count in self._places:
                self._due.release()

    def run(self) -> None:
        """Kill until all are dead."""
        for _ in self._places:
            self._due.acquire()
            time.sleep(self._rng.uniform(0.0, 0.3))
            while not (alive := sorted(set(worker_pids()) - self.killed)):
                time.sleep(0.05)
            pid = self._rng.choice(alive)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed.add(pid)
