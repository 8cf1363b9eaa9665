"""What Ctrl-C and SIGTERM do to a command."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""Exit code: what a shell reports of a program that SIGINT ended, 128 + 2."""


class Interrupted(Exception):
    """Ctrl-C ended a command that has said already how to go on. `harness.cli` turns it into the exit code alone."""


@contextmanager
def sigterm_as_sigint() -> Iterator[None]:
    """Let SIGTERM, as a scheduler sends it, end the work inside as Ctrl-C does. For the main thread only."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
