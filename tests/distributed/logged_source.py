"""The scripted engine of `noisy_source.py`, which notes every request to the policy in the file `RSTAR_TEST_LOG`."""

from __future__ import annotations

import importlib.util
import os
from hashlib import blake2b
from pathlib import Path

_spec = importlib.util.spec_from_file_location("noisy", Path(__file__).parents[1] / "harness" / "noisy_source.py")
assert _spec is not None
assert _spec.loader is not None
_noisy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_noisy)
score, count_tokens = _noisy.score, _noisy.count_tokens


def candidates(question: str, partial_solution: str, n: int, seed: int) -> list[str]:
    """Those of the noisy engine."""
    key = blake2b(f"{question}|{partial_solution}|{n}|{seed}".encode(), digest_size=12).hexdigest()
    log = os.open(os.environ["RSTAR_TEST_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(log, f"{key}\n".encode())
    os.close(log)
    texts: list[str] = _noisy.candidates(question, partial_solution, n, seed)
    return texts
