"""Run a probe where nothing contains it, to know that the probe can do damage at all."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from rstar.types import Execution

NEXT = "print(6 * 7)"
"""The program that the next asker runs; it must not notice what ran before."""


def run_naively(programs: list[list[str]], seconds: float) -> list[Execution | None]:
    """One answer per program, None where none came; `seconds` bounds them all together."""
    boss = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("naive_host.py")), "boss", str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        close_fds=False,
        start_new_session=True,
    )
    try:
        answered, _ = boss.communicate(json.dumps(programs).encode(), timeout=seconds + 10)
    except subprocess.TimeoutExpired:
        answered = b""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(boss.pid, signal.SIGKILL)
    boss.communicate()
    answers = [_answer(line) for line in answered.splitlines()[: len(programs)]]
    return answers + [None] * (len(programs) - len(answers))


def _answer(line: bytes) -> Execution | None:
    try:
        return Execution(**json.loads(line))
    except (ValueError, TypeError):
        return None
