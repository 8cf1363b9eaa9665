"""An evolution that is killed at any moment ends, once it is called again, where one that was not killed ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("evolve_kill_driver.py")
KILLS = 20


def drive(out: Path, event: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DRIVER), str(out), *([str(event)] if event else [])]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, env=environment)


def said(result: subprocess.CompletedProcess[str], word: str) -> str:
    assert result.returncode == 0, result.stderr[-2000:]
    return next(line.split()[1] for line in result.stdout.splitlines() if line.startswith(word))


@pytest.mark.slow
def test_twenty_kills_leave_the_manifest_as_it_would_have_been(tmp_path: Path) -> None:
    whole = drive(tmp_path / "whole")
    total, expected = int(said(whole, "EVENTS")), said(whole, "MANIFEST")
    draw, num_kills, number = random.Random(0), 0, 0
    while num_kills < KILLS:
        # Counted from where the last call began. A third of all: far enough to get past a training, which begins anew.
        result = drive(tmp_path / f"cut-{number}", draw.randrange(1, total // 3))
        if result.returncode == 0:
            assert said(result, "MANIFEST") == expected
            number += 1
        else:
            assert result.returncode == -signal.SIGKILL, result.stderr[-2000:]
            num_kills += 1
    assert said(drive(tmp_path / f"cut-{number}"), "MANIFEST") == expected
