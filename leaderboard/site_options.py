"""What whoever builds a site may choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Trees = Literal["kept", "journals"]


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """Choices that are the same for every run of a site."""

    trees: Trees = "kept"
    """`kept`: only the compact trees that lie beside a run's records; `journals`: trees are grown again as well."""
    max_trees: int = 200
    """Trees of one run, the first in the task's order: one of 20,000 nodes is 4 MB. Chosen, not tuned."""
    with_questions: bool = False
    """Statements and references also of tasks that this package does not generate, see `leaderboard.statements`."""
    workers: int | None = None
    """Processes that read runs; None: one per core."""
