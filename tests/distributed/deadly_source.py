"""The scripted engine of `noisy_source.py`, which ends its process over one problem when that has its second step."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path

_spec = importlib.util.spec_from_file_location("noisy", Path(__file__).parents[1] / "harness" / "noisy_source.py")
assert _spec is not None
assert _spec.loader is not None
_noisy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_noisy)
score, count_tokens = _noisy.score, _noisy.count_tokens


def candidates(question: str, partial_solution: str, n: int, seed: int) -> list[str]:
    """Those of the noisy engine, or the end of this process."""
    if "98 + 14 + 81 + 34" in question and partial_solution.count("<end_of_step>") == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    texts: list[str] = _noisy.candidates(question, partial_solution, n, seed)
    return texts
