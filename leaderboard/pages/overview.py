"""The first page: tasks × systems, ours with interval, rank and cost, and what others published, clearly apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.report import RULE_TITLES
from harness.scaling_table import number
from leaderboard.published_rows import MAIN_TABLE, PublishedRow, published_rows
from leaderboard.run_command import run_command
from leaderboard.site import Site
from leaderboard.site_files import SiteFiles
from leaderboard.systems import System

_SHOWN_COMMIT = 10
_PLOT_WIDTH = 100
"""Units of the small drawing of an accuracy: one for each per cent."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Texts are shown, the other fields sorted and filtered by."""

    kind: str
    """`ours` or `published`."""
    task: str
    system: str
    detail: str
    href: str
    """The system's run, or empty."""
    budget: int | None
    accuracy: float
    """Per cent, as are the ends of its interval."""
    low: float | None
    high: float | None
    rank: int | None
    rank_text: str
    tokens: float | None
    tokens_text: str
    seconds: float | None
    seconds_text: str
    source: str
    source_href: str
    command: str
    commit: str
    notes: tuple[str, ...]
    is_main: bool
    """Shown at first: ours, and the main table of a paper."""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One system on all tasks, each task's accuracy as a text, empty where it has none."""

    kind: str
    system: str
    detail: str
    cells: tuple[str, ...]


def write(site: Site, files: SiteFiles) -> None:
    """Write `index.html`."""
    rows = [*map(our_row, site.systems), *map(published_row, published_rows())]
    tasks = list(dict.fromkeys([*site.tasks, *(row.task for row in rows)]))
    files.page(
        "overview.html",
        "index.html",
        title="Leaderboard",
        rows=sorted(rows, key=lambda row: (tasks.index(row.task), row.kind != "ours", -row.accuracy)),
        tasks=tasks,
        num_ours=len(site.systems),
        num_runs=len(site.runs),
        num_published=len(published_rows()),
        main_table=MAIN_TABLE,
        left_out=site.left_out,
        matrix=list(matrix(rows, tasks)),
        plot_width=_PLOT_WIDTH,
    )


def our_row(system: System) -> Row:
    """A system that was measured with this program."""
    spec, rank, accuracy = system.method.spec, system.rank, system.accuracy
    tokens, seconds = system.cost("tokens"), system.cost("gpu-seconds")
    reward_tokens = system.usage("reward_tokens")
    devices = sorted({str(each["device"]) for run in system.runs for each in run.record.sessions})
    commits = sorted({name for run in system.runs for name in run.summary.commits()})
    seeds = f"{system.method.num_seeds} seeds" if system.method.num_seeds > 1 else ""
    return Row(
        kind="ours",
        task=system.task,
        system=system.method.label,
        detail=" · ".join(filter(None, (RULE_TITLES[spec.rule], system.models, system.part, seeds))),
        href=system.runs[0].href,
        budget=system.budget,
        accuracy=100 * accuracy.value,
        low=100 * accuracy.low,
        high=100 * accuracy.high,
        rank=rank.value if rank else None,
        rank_text=rank.text() if rank else "",
        tokens=tokens,
        tokens_text=_cost(tokens) + (f" + {number(reward_tokens)} judged" if tokens and reward_tokens else ""),
        seconds=seconds,
        seconds_text=f"{_cost(seconds)} s on {', '.join(devices)}" if seconds else "",
        source="",
        source_href="",
        command=_command(system),
        commit=", ".join(_short(name) for name in commits),
        notes=tuple(f"not ranked: {reason}" for reason in system.reasons),
        is_main=True,
    )


def _command(system: System) -> str:
    """What makes the run again; of imported replies, what reads them."""
    for run in system.runs:
        for session in run.record.sessions:
            if session.get("imported"):
                return f"rstar import lm-eval {session['imported'].get('file')}"
    return run_command(system.method.spec)


def published_row(row: PublishedRow) -> Row:
    """A figure that somebody else measured."""
    notes = (("read off a plot",) if row.is_digitised else ()) + ((row.note,) if row.note else ())
    return Row(
        kind="published",
        task=row.task,
        system=row.system,
        detail=row.method,
        href="",
        budget=row.budget,
        accuracy=100 * row.accuracy,
        low=None,
        high=None,
        rank=None,
        rank_text="",
        tokens=None,
        tokens_text="",
        seconds=None,
        seconds_text="",
        source=row.source,
        source_href=row.link,
        command="",
        commit="",
        notes=notes,
        is_main=row.is_main,
    )


def matrix(rows: list[Row], tasks: list[str]) -> Iterator[MatrixRow]:
    """Systems × tasks: ours first, then those of the main table in its order; each with its best accuracy."""
    best: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in rows:
        if row.is_main:
            known = best.setdefault((row.kind, row.system, row.detail), {})
            known[row.task] = max(known.get(row.task, 0.0), row.accuracy)
    for (kind, system, detail), known in best.items():
        cells = tuple(f"{known[task]:.1f}" if task in known else "" for task in tasks)
        yield MatrixRow(kind, system, detail, cells)


def _cost(value: float | None) -> str:
    return "" if value is None else number(value)


def _short(commit: str) -> str:
    name, dash, dirty = commit.partition("-")
    return name[:_SHOWN_COMMIT] + dash + dirty
