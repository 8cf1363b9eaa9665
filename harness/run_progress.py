"""How far a run is, for a person who waits: a live line on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Protocol, TextIO

from harness.records import ProblemRecord
from harness.retrying import Meter
from harness.spec import RunSpec

LINE_SECONDS = 60.0
"""Between two plain lines in a log. Chosen, not tuned."""


class Progress(Protocol):
    """What a run tells about itself. `add` may be called from any thread."""

    def expect(self, num_records: int, spec: RunSpec) -> None:
        """How many records there will be."""
        ...

    def start(self, meter: Meter) -> None:
        """Work begins; `meter` counts it live."""
        ...

    def add(self, record: ProblemRecord, *, is_new: bool = True) -> None:
        """One more record is there; one from an earlier session is not new."""
        ...

    def stop(self) -> None:
        """Work has ended, well or badly."""
        ...


class Silent:
    """No progress."""

    def expect(self, num_records: int, spec: RunSpec) -> None:
        """Nothing."""

    def start(self, meter: Meter) -> None:
        """Nothing."""

    def add(self, record: ProblemRecord, *, is_new: bool = True) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


@dataclass(slots=True)
class Counts:
    """What is known at one moment."""

    total: int = 0
    done: int = 0
    failed: int = 0
    correct: int = 0
    new: int = 0
    """Done in this session, failed ones included."""
    trajectories: int = 0
    """Of this session."""
    tokens: int = 0
    """Written in this session."""
    seconds: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the speed of this session; None before the first record."""
        return self.seconds / self.new * (self.total - self.done) if self.new else None

    def text(self) -> str:
        """The figures in one line."""
        rate = max(self.seconds, 1e-9)
        graded = self.done - self.failed
        parts = [
            f"{self.done:,}/{self.total:,} problems",
            f"{self.trajectories / rate:.1f} trajectories/s",
            f"{self.tokens / rate:,.0f} tokens/s",
            f"accuracy so far {100 * self.correct / graded:.1f} %" if graded else "accuracy so far -",
        ]
        if self.failed:
            parts.append(f"{self.failed} failed")
        left = self.seconds_left
        return "  ".join([*parts, "time left " + ("-" if left is None else clock(left))])


@dataclass(slots=True)
class LiveProgress:
    """A progress bar on a terminal, else a line every minute, on stderr."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    counts: Counts = field(default_factory=Counts)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _meter: Meter = field(default_factory=Meter)
    _begun: float = 0.0
    _last_line: float = 0.0
    _rule: str = ""
    _bar: Any = None
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def expect(self, num_records: int, spec: RunSpec) -> None:
        """How many records there will be; accuracy is that of the spec's rule at its largest budget."""
        self.counts.total = num_records
        self._rule = spec.rule

    def start(self, meter: Meter) -> None:
        """Show the first line."""
        self._meter = meter
        self._begun = self._last_line = time.monotonic()
        if not self.stream.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        columns = (BarColumn(bar_width=20), TextColumn("{task.description}"))
        self._bar = Bar(*columns, console=Console(file=self.stream), transient=True, auto_refresh=False)
        self._bar.add_task("", total=self.counts.total)
        self._bar.start()
        self._thread = threading.Thread(target=self._refresh, name="progress", daemon=True)
        self._thread.start()

    def add(self, record: ProblemRecord, *, is_new: bool = True) -> None:
        """Count one record."""
        with self._lock:
            self.counts.done += 1
            self.counts.failed += bool(record.error)
            self.counts.correct += not record.error and record.verdict(self._rule, -1) == "correct"
            if is_new:
                self.counts.new += 1
                self.counts.trajectories += len(record.values)
        if is_new and self._bar is None and time.monotonic() - self._last_line >= LINE_SECONDS:
            self._last_line = time.monotonic()
            print(self.now().text(), file=self.stream, flush=True)

    def stop(self) -> None:
        """Take the bar away."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def now(self) -> Counts:
        """The counts, with the time and the tokens of this moment."""
        with self._lock:
            self.counts.tokens = self._meter.tokens
            self.counts.seconds = time.monotonic() - self._begun if self._begun else 0.0
            return self.counts

    def _refresh(self) -> None:
        while not self._ended.wait(0.25):
            counts = self.now()
            self._bar.update(self._bar.task_ids[0], completed=counts.done, description=counts.text())
            self._bar.refresh()


def clock(seconds: float) -> str:
    """Seconds as `4 s`, `3:25` or `1:03:25`."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
