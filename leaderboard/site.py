"""Everything that the pages about all runs draw on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leaderboard.evolutions import Evolution
from leaderboard.found_results import LeftOut
from leaderboard.site_run import SiteRun
from leaderboard.systems import System


@dataclass(frozen=True, slots=True)
class Site:
    """What is shown, and what is not."""

    root: Path
    """The results folder."""
    runs: tuple[SiteRun, ...]
    systems: tuple[System, ...]
    evolutions: tuple[Evolution, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def tasks(self) -> list[str]:
        """Tasks that a run is of, by name."""
        return sorted({run.record.task_name for run in self.runs})


def by_group(systems: Sequence[System]) -> list[list[System]]:
    """Systems that answered the same problems of one task, together, in their order."""
    found: dict[str, list[System]] = {}
    for system in systems:
        found.setdefault(system.group, []).append(system)
    return list(found.values())
