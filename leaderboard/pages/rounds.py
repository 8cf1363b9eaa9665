"""Self-evolution, round by round, beside the paper's: the tables of every evolution's report, and one chart of each."""

from __future__ import annotations

from dataclasses import dataclass

from harness.published import PAPER
from leaderboard.evolutions import BY_ROUND, TABLES
from leaderboard.published_rows import PublishedRow, published_rows
from leaderboard.site import Site
from leaderboard.site_files import SiteFiles


@dataclass(frozen=True, slots=True)
class PaperTable:
    """One published table: systems × benchmarks, in per cent."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def write(site: Site, files: SiteFiles) -> None:
    """Write `rounds.html`."""
    files.page(
        "rounds.html",
        "rounds.html",
        title="Rounds",
        evolutions=site.evolutions,
        charts={each.place: each.chart for each in site.evolutions},
        paper_tables=[_paper_table(number) for number in BY_ROUND],
        paper=PAPER,
    )


def _paper_table(number: int) -> PaperTable:
    """A table of the paper as printed."""
    rows = [row for row in published_rows() if row.source.endswith(f" Table {number}")]
    columns = list(dict.fromkeys(row.benchmark for row in rows))
    by_system: dict[str, list[PublishedRow]] = {}
    for row in rows:
        by_system.setdefault(row.system, []).append(row)
    cells = [
        [
            system,
            *(next((f"{100 * row.accuracy:.1f}" for row in found if row.benchmark == each), "") for each in columns),
        ]
        for system, found in by_system.items()
    ]
    return PaperTable(f"Table {number}: {TABLES[number][0].lower()}", columns, cells)
