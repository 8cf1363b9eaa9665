"""`rstar compare`: two runs, problem by problem, from their records alone."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from harness.cli_report import run_folders
from harness.cli_run import PARTIAL, RESULTS, Out
from harness.comparable import Allowed
from harness.compare import Choice, compare_runs, find_pairs
from harness.compare_json import compare_json
from harness.compare_report import NUM_FLIPS, compare_lines
from harness.compute_axis import Axis, GivenSizes
from harness.model_size import parse_size
from tasks.types import InputError

Rule = Annotated[
    str | None,
    typer.Option(
        help="best, majority, weighted, top_k or oracle; A,B for one each, e.g. best,majority.",
        show_default="each run's own",
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(help="Trajectories; A,B for one each, e.g. 1,16.", show_default="the largest that both have"),
]
AxisOption = Annotated[
    Axis | None, typer.Option("--x", help="What 'the same compute' means.", show_default="tokens, if counted")
]
AllowData = Annotated[bool, typer.Option("--allow-data", help="Compare although the task's data differ.")]
AllowGrader = Annotated[bool, typer.Option("--allow-grader", help="Compare although the graders' versions differ.")]
AllowVersion = Annotated[bool, typer.Option("--allow-version", help="Compare although the task's versions differ.")]
AllowProblems = Annotated[
    bool, typer.Option("--allow-problems", help="Compare the problems that both have, where the runs have others too.")
]
PolicyParams = Annotated[
    str | None, typer.Option(help="For --x flops: parameters of A's and B's policy, e.g. 7.6B or 7.6B,1.5B.")
]
PpmParams = Annotated[str | None, typer.Option(help="The same for the reward models.")]


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="A B [A2 B2]...",
            help="Folders of runs or ids below the results folder, in pairs; or two folders of runs, paired by task.",
        ),
    ],
    rule: Rule = None,
    budget: Budget = None,
    axis: AxisOption = None,
    flips: Annotated[int, typer.Option(min=0, help="Flipped problems to show.")] = NUM_FLIPS,
    allow_data: AllowData = False,
    allow_grader: AllowGrader = False,
    allow_version: AllowVersion = False,
    allow_problems: AllowProblems = False,
    policy_params: PolicyParams = None,
    ppm_params: PpmParams = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure and every flip as JSON.")] = False,
    out: Out = None,
) -> int:
    """Show by how much B differs from A on the same problems, and how sure that is.

    Single runs: McNemar's exact test and Tango's score interval. Several seeds: a bootstrap over problems. Several
    pairs: Holm's correction. Exit code 1: a run is unfinished, so that only a part of the problems was compared.
    """
    allowed = Allowed(allow_data, allow_grader, allow_version, allow_problems)
    sizes = given_sizes(policy_params, ppm_params)
    choice = Choice(two_rules(rule), two_budgets(budget), axis, allowed, sizes)
    results = compare_runs(find_pairs(runs, [run_folders([name], out or RESULTS) for name in runs]), choice)
    if as_json:
        typer.echo(json.dumps(compare_json(results), indent=2))
    else:
        typer.echo("\n".join(compare_lines(results, is_markdown=markdown, num_flips=flips)))
    return 0 if all(found.is_complete for found in results) else PARTIAL


def two_rules(text: str | None) -> tuple[str, str] | None:
    """`--rule R` or `--rule A,B`, checked later against what the runs have."""
    return None if text is None else _two("--rule", text)


def two_budgets(text: str | None) -> tuple[int, int] | None:
    """`--budget N` or `--budget A,B`. Raises InputError for what is no whole number of at least 1."""
    if text is None:
        return None
    parts = _two("--budget", text)
    if not all(part.isdecimal() and part.isascii() and int(part) > 0 for part in parts):
        raise InputError(
            f"--budget {text}: is no number of trajectories; write e.g. 16, or 1,16 for A at 1 and B at 16"
        )
    return int(parts[0]), int(parts[1])


def given_sizes(policy: str | None, ppm: str | None) -> tuple[GivenSizes, GivenSizes]:
    """The parameters of A's and of B's models, as far as they are stated."""
    policies, ppms = (
        (None, None) if text is None else [parse_size(flag, part) for part in _two(flag, text)]
        for flag, text in (("--policy-params", policy), ("--ppm-params", ppm))
    )
    return GivenSizes(policies[0], ppms[0]), GivenSizes(policies[1], ppms[1])


def _two(flag: str, text: str) -> tuple[str, str]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 2 or not all(parts):
        raise InputError(f"{flag} {text}: takes one value for both runs, or A's and B's with a comma between them")
    return parts[0], parts[-1]
