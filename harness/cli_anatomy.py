"""`rstar anatomy`: why the wrong answers of a run are wrong, from its records alone."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from harness.anatomy import MAX_TREES, NUM_EXAMPLES, chosen_points, dissect, for_json
from harness.cli_run import RESULTS, Out
from harness.run_folder import RunRecord, find_run


def anatomy(
    run: Annotated[str, typer.Argument(help="Folder of the run, or its id below the results folder.")],
    rule: Annotated[
        str | None, typer.Option(help="The rule whose answers are taken apart.", show_default="the run's own")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(help="Only at this number of trajectories.", show_default="all of the run's")
    ] = None,
    examples: Annotated[int, typer.Option(min=0, max=1000, help="Problems named per bin.")] = NUM_EXAMPLES,
    max_trees: Annotated[
        int, typer.Option(min=0, help="Kept trees to grow again for the regret by depth, about; 0: none.")
    ] = MAX_TREES,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
    out: Out = None,
) -> None:
    """Put every wrong answer of a run into one bin: never generated, not selected, outvoted, truncated, and so on.

    A run that is going on can be taken apart too. Nothing is written.
    """
    folder = find_run(run, out or RESULTS)
    chosen, budgets = chosen_points(RunRecord.read(folder), rule, budget)
    found = dissect(folder, num_examples=examples, max_trees=max_trees)
    if as_json:
        rules = (chosen,) if rule else found.run.spec.rules
        typer.echo(json.dumps(for_json(found, rules, budgets), indent=2))
        return
    from harness.anatomy_report import show

    show(found, chosen, budgets)
