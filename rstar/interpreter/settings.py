"""The settings of an interpreter, checked once."""

from __future__ import annotations

import os
from dataclasses import dataclass

from rstar.interpreter.display import Display
from rstar.interpreter.layers import Level, check_level
from tasks.types import InputError

MAX_OUTPUT_CHARS = 250_000
"""Four bytes each must fit the largest pipe that an ordinary user may have (1 MiB, pipe(7))."""


@dataclass(frozen=True, slots=True)
class InterpreterSettings:
    """How programs are executed and what they may use."""

    seconds: float = 5.0
    """Wall time of one step, and about its processor time."""
    memory_mb: int = 1024
    """Address space that a path of steps may add, in MiB."""
    output_chars: int = 16_000
    """Standard output beyond this is dropped. Chosen, not tuned: fits a pipe whole at four bytes a character."""
    workers: int = 0
    """Executions at the same time; 0 for one per core."""
    display: Display = "plain"
    require_sandbox: Level = "standard"
    max_snapshots: int = 128
    max_snapshot_mb: int = 1024
    """Bounds on the states kept alive; chosen, not tuned: 128 at the 6 MB measured are 768 MB."""

    @classmethod
    def checked(
        cls,
        seconds: float,
        memory_mb: int,
        output_chars: int,
        workers: int | None,
        display: str,
        require_sandbox: str | None,
        max_snapshots: int,
        max_snapshot_mb: int,
    ) -> InterpreterSettings:
        """The settings, or an InputError that names the one that is out of range."""
        _check("seconds", seconds, 0.01, 86_400, is_whole=False)
        _check("memory_mb", memory_mb, 16, 1 << 20)
        _check("output_chars", output_chars, 1, MAX_OUTPUT_CHARS)
        _check("max_snapshots", max_snapshots, 0, 100_000)
        _check("max_snapshot_mb", max_snapshot_mb, 0, 1 << 24)
        if workers is not None:
            _check("workers", workers, 1, 1024)
        for known in ("plain", "official"):
            if display == known:
                chosen: Display = "plain" if known == "plain" else "official"
                break
        else:
            raise InputError(f"display: no variant {display!r}; use plain or official")
        level = check_level(require_sandbox)
        return cls(
            float(seconds), memory_mb, output_chars, workers or _cores(), chosen, level, max_snapshots, max_snapshot_mb
        )

    @property
    def output_bytes(self) -> int:
        """What the pipe of an execution must hold."""
        return 4 * self.output_chars


def _cores() -> int:
    return max(1, len(os.sched_getaffinity(0)))


def _check(name: str, value: object, low: float, high: float, *, is_whole: bool = True) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    if not is_number or (is_whole and not isinstance(value, int)):
        kind = "a whole number" if is_whole else "a number"
        raise InputError(f"{name}: {value!r} is out of range; use {kind} from {low:g} to {high:g}")
