"""The benchmark's clock: wall time, or the processor time of this process and everything below it.

Processor time says the same on a busy machine, where a program may wait a minute for its turn; it does not count
waiting, which on an idle core there is none of.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_kind = "wall"


def choose(kind: str) -> None:
    """Measure `wall` or `processor` time from here on."""
    global _kind  # noqa: PLW0603 - one clock for the whole benchmark
    _kind = kind


def start() -> float:
    """A moment to measure from."""
    if _kind == "wall":
        return time.perf_counter()
    others = _others()
    return others + _own()


def since(started: float, count: int = 1) -> float:
    """Seconds since `started`, for each of `count` programs."""
    if _kind == "wall":
        return (time.perf_counter() - started) / count
    own = _own()
    return (own + _others() - started) / count


def _own() -> float:
    """Of this process and of those that it waited for."""
    return sum(os.times()[:4])


def _others() -> float:
    """Of all living processes below this one, with what they waited for."""
    from interpreter_sides import family

    ticks = 0
    for pid in family():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked; its time is its parent's now
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS
