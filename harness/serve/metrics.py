"""What the server counts, in Prometheus' text format (version 0.0.4). Belongs to one event loop.

No label comes from a client, so the number of series is bounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Upper ends of the histograms' buckets. Chosen."""
Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Counter:
    """A number per set of labels that only grows."""

    name: str
    text: str
    values: dict[Labels, float] = field(default_factory=dict)

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count `amount` more."""
        key = tuple(labels.items())
        self.values[key] = self.values.get(key, 0) + amount

    def lines(self) -> list[str]:
        """The counter as text; 0 where nothing was counted yet."""
        values = self.values or {(): 0}
        return [
            *_head(self.name, self.text, "counter"),
            *(_line(self.name, key, value) for key, value in values.items()),
        ]


@dataclass(slots=True)
class Gauge:
    """A number that is read when it is asked for."""

    name: str
    text: str
    read: Callable[[], float]

    def lines(self) -> list[str]:
        """The gauge as text."""
        return [*_head(self.name, self.text, "gauge"), _line(self.name, (), self.read())]


@dataclass(slots=True)
class Histogram:
    """How long something took."""

    name: str
    text: str
    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one more."""
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total += seconds

    def lines(self) -> list[str]:
        """The histogram as text, its buckets cumulative."""
        lines, seen = _head(self.name, self.text, "histogram"), 0
        for end, count in zip((*map(str, SECONDS), "+Inf"), self.counts, strict=True):
            seen += count
            lines.append(_line(f"{self.name}_bucket", (("le", end),), seen))
        return [*lines, _line(f"{self.name}_sum", (), self.total), _line(f"{self.name}_count", (), seen)]


class Metrics:
    """Everything that /metrics shows."""

    def __init__(self, running: Callable[[], float], waiting: Callable[[], float]) -> None:
        """`running` and `waiting` give the searches that do so now."""
        self.requests = Counter("rstar_requests_total", "Requests by route and status; 499: the client went away.")
        self.request_seconds = Histogram("rstar_chat_seconds", "Chat completions, from first byte to last.")
        self.queue_seconds = Histogram("rstar_queue_seconds", "Time that a search waited for its turn.")
        self.searches = Counter("rstar_searches_total", "Searches by how they ended: done, cancelled or failed.")
        self.trajectories = Counter("rstar_trajectories_total", "Solutions that searches finished.")
        self.candidates = Counter(
            "rstar_candidates_total", "Steps that the policy wrote, those of cancelled searches too."
        )
        self.tokens = Counter("rstar_policy_tokens_total", "Policy tokens read (prompt) and written (completion).")
        self.executions = Counter("rstar_executions_total", "Programs that were run.")
        self._gauges = (
            Gauge("rstar_searches_running", "Searches that run now.", running),
            Gauge("rstar_searches_waiting", "Searches that wait for their turn.", waiting),
        )

    def text(self) -> str:
        """The whole page."""
        counters: Sequence[Counter | Gauge | Histogram] = (
            self.requests, self.request_seconds, self.queue_seconds, self.searches, self.trajectories,
            self.candidates, self.tokens, self.executions, *self._gauges,
        )  # fmt: skip
        return "\n".join(line for each in counters for line in each.lines()) + "\n"


def _head(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{each}"' for key, each in labels)
    return f"{name}{{{inside}}} {_plain(value)}" if inside else f"{name} {_plain(value)}"


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6f}"
