"""Two systems side by side: statistics made here for the most accurate pairs, flips counted in the page for any pair.

The p-value and the interval of a difference come from `harness.paired`, as in `rstar compare`. They are made when the
site is built, for every pair among the `MAX_PAIRED` most accurate systems of a group. Which problems flipped the page
works out from the verdicts of the two runs, for whatever pair a reader picks.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from harness.paired import paired_difference
from leaderboard.site import Site, by_group
from leaderboard.site_files import SiteFiles
from leaderboard.systems import System

MAX_PAIRED = 20
"""190 pairs a group, about 2 s of processor time at 5,000 problems. Chosen, not tuned."""


def write(site: Site, files: SiteFiles) -> None:
    """Write `compare.html`."""
    content = [group_json(systems) for systems in by_group(site.systems)]
    files.page(
        "compare.html",
        "compare.html",
        title="Compare",
        content=content,
        has_pairs=any(len(each["systems"]) > 1 for each in content),
        max_paired=MAX_PAIRED,
    )


def group_json(systems: list[System]) -> dict[str, Any]:
    """The systems of one group, which answered the same problems, and what separates each pair of the best."""
    first = systems[0]
    return {
        "task": first.task,
        "part": first.part,
        "num_problems": first.method.num_problems,
        "systems": [_system_json(each) for each in systems],
        "pairs": {
            f"{place}-{other}": pair_json(systems[place], systems[other])
            for place, other in combinations(range(min(len(systems), MAX_PAIRED)), 2)
        },
    }


def pair_json(a: System, b: System) -> dict[str, Any]:
    """B against A over all problems of the group; a problem without a record counts as wrong, as in the table."""
    problems = sorted(_right(a).keys() | _right(b).keys())
    sides = [_runs(system, problems) for system in (a, b)]
    found = paired_difference(sides[0], sides[1])
    interval = found.interval()
    return {
        "difference": round(100 * found.value, 4),
        "low": round(100 * interval.low, 4),
        "high": round(100 * interval.high, 4),
        "p": found.p_value,
        "test": found.test,
        "gained": found.num_gained,
        "lost": found.num_lost,
        "detectable": round(100 * found.detectable, 2),
    }


def _right(system: System) -> dict[str, int]:
    return system.method.right(system.method.spec.rule, system.budget)


def _runs(system: System, problems: list[str]) -> dict[str, list[bool]]:
    """Which runs of each problem were right; their order says nothing, so the right ones come first."""
    right, seeds = _right(system), system.method.num_seeds
    return {name: [place < right.get(name, 0) for place in range(seeds)] for name in problems}


def _system_json(system: System) -> dict[str, Any]:
    accuracy = system.accuracy
    return {
        "name": system.method.label,
        "keys": [run.key for run in system.runs],
        "places": [run.place for run in system.runs],
        "rule": system.method.spec.rule,
        "budget": system.budget,
        "accuracy": [round(100 * each, 4) for each in (accuracy.value, accuracy.low, accuracy.high)],
        "tokens": system.cost("tokens"),
        "reasons": list(system.reasons),
    }
