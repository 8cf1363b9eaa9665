"""The leaderboard as one Markdown page, which is committed, so that a reader of the repository sees it as it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.checked_records import checked_records
from harness.report import RULE_TITLES, markdown_table, markdown_text
from harness.run_summary import RunSummary
from harness.scaling_table import number
from leaderboard.found_results import FoundResults, LeftOut, find_results, place_of
from leaderboard.run_command import run_command
from leaderboard.sessions import read_run
from leaderboard.site import by_group
from leaderboard.site_run import SiteRun, inputs_of, stored_id
from leaderboard.standing import reasons_against
from leaderboard.systems import System, systems_of
from tasks.types import InputError

_COLUMNS = ("rank", "system", "accuracy in %", "trajectories", "tokens per problem", "run")
_NUM_COMMIT = 10


def table_page(results: Path) -> str:
    """The page of what stands in `results` now. Raises InputError where it is no folder."""
    found = find_results(results)
    runs, left_out = _read(found)
    systems, repeated = systems_of(runs)
    return "\n".join(_lines(found, systems, [*found.left_out, *left_out, *repeated])) + "\n"


def _lines(found: FoundResults, systems: Sequence[System], left_out: Sequence[LeftOut]) -> Iterator[str]:
    digest = hashlib.sha256(json.dumps(inputs_of(found), sort_keys=True).encode()).hexdigest()
    yield f"<!-- Written by 'rstar leaderboard check --write' from records with the hash {digest}. Do not edit. -->"
    yield "# Leaderboard"
    yield ""
    yield "What was measured here; `rstar leaderboard build` makes the site, with published figures, costs and trees."
    yield "Intervals are 95 %. How a run gets here: [rules.md](rules.md)."
    for group in by_group(systems):
        yield ""
        yield f"## {markdown_text(', '.join(filter(None, (group[0].task, group[0].part))))}"
        yield ""
        yield from markdown_table([list(_COLUMNS), *map(_row, group)], 2)
        yield ""
        yield from (_source(system) for system in group)
    if not systems:
        yield ""
        yield "No run yet."
    if left_out:
        yield ""
        yield "## Left out"
        yield ""
        yield from (f"- `{each.place}`: {markdown_text(each.reason)}" for each in left_out)


def _row(system: System) -> list[str]:
    tokens = system.cost("tokens")
    return [
        system.rank.text() if system.rank else "-",
        f"{system.method.label}, {RULE_TITLES[system.method.spec.rule]}",
        system.accuracy.text(),
        str(system.budget),
        "-" if tokens is None else number(tokens),
        ", ".join(run.key for run in system.runs),
    ]


def _source(system: System) -> str:
    commits = sorted({name for run in system.runs for name in run.summary.commits()})
    shown = ", ".join(name[:_NUM_COMMIT] + ("-dirty" if name.endswith("-dirty") else "") for name in commits)
    reasons = f" Not ranked: {'; '.join(system.reasons)}." if system.reasons else ""
    return f"- {markdown_text(system.method.label)}: `{run_command(system.method.spec)}` at {shown}.{reasons}"


def _read(found: FoundResults) -> tuple[list[SiteRun], list[LeftOut]]:
    runs, left_out, seen = [], [], set()
    for folder in found.runs:
        place, key = place_of(folder, found.root), stored_id(folder)
        try:
            summary = RunSummary(folder, read_run(folder))
            for _, record in checked_records(folder, summary.record):
                summary.add(record)
            if key in seen:
                raise InputError(f"has the id of another run, {key}")
        except InputError as error:
            left_out.append(LeftOut(place, str(error).replace(str(folder), place)))
            continue
        seen.add(key)
        runs.append(SiteRun(key, place, summary, tuple(reasons_against(summary)), {}, ()))
    return runs, left_out
