"""Wall seconds of a block, and CPU seconds that given processes had in it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self


def cpu_seconds(pids: Sequence[int]) -> float:
    """Time that processes have had on a core so far."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


@dataclass(slots=True)
class Clock:
    """Wall seconds of a block, and CPU seconds of processes in it."""

    pids: Sequence[int]
    wall: float = 0.0
    cpu: float = 0.0

    def __enter__(self) -> Self:
        self.wall, self.cpu = time.perf_counter(), cpu_seconds(self.pids)
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self.wall, cpu_seconds(self.pids) - self.cpu
