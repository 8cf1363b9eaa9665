"""A scripted engine that does not load inside of a Ray worker."""

from __future__ import annotations

import sys
from pathlib import Path

if Path(sys.argv[0]).name == "default_worker.py":
    raise ValueError("not in a worker")


def candidates(question: str, partial_solution: str, n: int, seed: int) -> list[str]:
    """Never asked."""
    return [""] * n


def score(question: str, partial_solution: str) -> float:
    """Never asked."""
    return 0.0


def count_tokens(text: str) -> int:
    """Never asked."""
    return len(text)
