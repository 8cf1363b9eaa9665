"""The anatomy of a run as tables for a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from harness.anatomy import Anatomy, Dissection
from harness.failure_bins import BIN_TITLES, BINS, Bin
from harness.report import RULE_TITLES

_ALWAYS: frozenset[Bin] = frozenset(BINS) - {"engine_failed", "missing"}
"""Bins that are shown when they are empty, too, which is a finding. The others are of unfinished runs."""
_WIDTH = 200
"""Columns at most where the output is no terminal: seven budgets and long paths fit. Chosen, not tuned."""


def show(anatomy: Anatomy, rule: str, budgets: Sequence[int]) -> None:
    """Print the anatomy by one rule at these budgets."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
    console = Console(width=max(60, width), highlight=False)
    for part in parts(anatomy, rule, budgets):
        console.print(part)


def parts(anatomy: Anatomy, rule: str, budgets: Sequence[int]) -> Iterator[RenderableType]:
    """Header, bins by budget, examples at the largest budget, cost by budget, regret by budget and by depth."""
    run = anatomy.run
    yield Text(f"{run.id} on {run.task_name}", style="bold")
    found = [anatomy.dissection(rule, budget) for budget in budgets]
    if not anatomy.is_complete:
        yield Text(
            f"PARTIAL (status {run.status}): {anatomy.num_records - anatomy.num_failed:,} of {run.num_records:,} "
            f"searches done, {anatomy.num_failed:,} failed, {anatomy.num_missing:,} missing; both count as wrong below",
            style="bold red",
        )
    if not run.num_records:
        yield Text("The run has no problems: there is nothing to take apart.")
        return
    what = "searches (problems × seeds)" if len(run.spec.seeds) > 1 else "problems"
    yield Text(f"\nWhat went wrong by {RULE_TITLES[rule]}, of {run.num_records:,} {what}, by trajectories")
    yield _bins(found)
    yield from _notes(found[-1])
    yield from _examples(anatomy, found[-1])
    yield Text("\nCost per right answer, that of the wrong searches included; many searches run at a time")
    yield _costs(found)
    yield from _regret(anatomy, budgets)


def _bins(found: Sequence[Dissection]) -> Table:
    table = _table("", *(str(each.budget) for each in found))
    table.add_row("right", *(_count(each.num_right, each.num_searches) for each in found))
    table.add_row("wrong", *(_count(each.num_wrong, each.num_searches) for each in found), end_section=True)
    for name in BINS:
        if name in _ALWAYS or any(each.bins[name] for each in found):
            table.add_row(f"  {BIN_TITLES[name]}", *(_count(each.bins[name], each.num_wrong) for each in found))
    return table


def _notes(last: Dissection) -> Iterator[Text]:
    if not last.num_wrong:
        yield Text(f"Nothing is wrong at {last.budget}.")
        return
    yield Text("Shares of right and wrong are of all, those of the bins of the wrong.", style="dim")
    for count, what in ((last.with_truncated, "was cut off"), (last.with_failed_code, "ended in a failed program")):
        if count:
            yield Text(f"Never generated at {last.budget}: in {count:,} of them some trajectory {what}.", style="dim")


def _examples(anatomy: Anatomy, last: Dissection) -> Iterator[RenderableType]:
    rows = [(name, each) for name in BINS for each in last.examples[name]]
    if not rows:
        return
    yield Text(f"\nExamples at {last.budget}; their traces lie in {anatomy.folder}/")
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for name, each in rows:
        seed = f" (seed {each.seed})" if len(anatomy.run.spec.seeds) > 1 else ""
        trace = each.trace(anatomy.folder).removeprefix(f"{anatomy.folder}/")
        # As Text, because an id may hold what rich reads as markup.
        table.add_row(f"  {BIN_TITLES[name]}", Text(f"{each.problem_id}{seed}"), Text(trace))
    yield table


def _costs(found: Sequence[Dissection]) -> Table:
    table = _table("", *(str(each.budget) for each in found))
    rows = {
        "trajectories": "trajectories",
        "completion_tokens": "tokens written",
        "tokens": "tokens in all, PPM's included",
        "engine_seconds": "seconds of policy and PPM",
        "wall_seconds": "seconds of search",
    }
    for name, title in rows.items():
        values = [getattr(each.cost, name) for each in found]
        table.add_row(title, *("none right" if value is None else _amount(value) for value in values))
    return table


def _regret(anatomy: Anatomy, budgets: Sequence[int]) -> Iterator[RenderableType]:
    selection = {budget: anatomy.selection_regret(budget) for budget in budgets}
    if all(regret is None for regret in selection.values()):
        yield Text("\nRegret of the reward: the run has no reward model.")
        return
    yield Text("\nRegret of the reward at the end, % of all: the oracle (pass@N) less the best score")
    table = _table("", *map(str, selection))
    table.add_row("regret", *("" if regret is None else f"{100 * regret:.1f}" for regret in selection.values()))
    yield table
    if anatomy.trees is None:
        return
    if not anatomy.trees.depths:
        yield Text(f"Regret by depth: none, because {anatomy.trees.reason}.")
        return
    yield Text(
        "\nRegret of the reward by depth, % of the decisions in which two outcomes are known "
        f"(trees of {anatomy.trees.num_searches:,} of {anatomy.run.num_records:,} searches, grown again)"
    )
    table = _table("steps", "decisions", "oracle", "ranked first", "by lot", "regret [95 %]")
    for each in anatomy.trees.depths:
        shares = (f"{100 * share:.1f}" for share in (each.oracle, each.picked, each.random))
        interval = f"{100 * each.regret:.1f} [{100 * each.low:.1f}, {100 * each.high:.1f}]"
        table.add_row(str(each.depth), f"{each.num_decisions:,}", *shares, interval)
    yield table


def _table(first: str, *titles: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, overflow="fold")
    for title in titles:
        # A terminal that is too narrow breaks a number; a number that is cut off would be another number.
        table.add_column(title, justify="right", overflow="fold")
    return table


def _count(count: int, total: int) -> str:
    return f"{count:,} ({100 * count / total:.0f}%)" if count else "0"


def _amount(value: float) -> str:
    """One digit after the point, or three that count where it is small."""
    return f"{value:,.1f}" if value >= 10 or value == 0 else f"{value:.3g}"
