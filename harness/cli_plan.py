"""`rstar plan`: what a run will take, before anything is spent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tasks.types import InputError


def plan(
    preset: Annotated[str, typer.Option(help="Models of the paper: paper-7b, paper-1.5b or paper-phi3.")] = "paper-7b",
    task: Annotated[str, typer.Option(help="A task of 'rstar tasks', or user:PATH.")] = "math500",
    budgets: Annotated[str, typer.Option(help="Trajectories a problem, e.g. 1,8,64.")] = "64",
    gpu: Annotated[
        str, typer.Option(help="h100, h200, a100-80, a100-40, b200, l40s, mi300x, rtx4090, rtx3090.")
    ] = "h100",
    gpus_per_worker: Annotated[int, typer.Option(min=1, max=64, help="Tensor parallel inside one worker.")] = 1,
    price: Annotated[float | None, typer.Option(min=0, help="Of a GPU-hour, in any currency.")] = None,
    pilot: Annotated[
        Path | None, typer.Option(help="Folder of a run over a few problems, in place of the paper's counts.")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Folder of a model, in place of the preset's policy.")] = None,
    ppm: Annotated[str | None, typer.Option(help="The same for the PPM, or none.")] = None,
    candidates: Annotated[int, typer.Option(min=1, help="Candidates at each step.")] = 32,
    max_context_tokens: Annotated[int, typer.Option(min=1, help="Of question and solution.")] = 4096,
    limit: Annotated[int | None, typer.Option(min=1, help="Problems to take.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Memory, tokens, GPU-hours and money of a run at each budget, and of the paper's rounds of self-evolution.

    Everything is an interval, with what it rests on: the paper's token counts and the roofline of the GPU, or a pilot
    (any run over a few problems). Nothing is refused; what does not fit is a warning.
    """
    from harness.gpu_table import gpu as gpu_named
    from harness.model_shape import PPM, SHAPES, shape_of
    from harness.plan import Wish, make_plan
    from harness.plan_report import plan_lines
    from harness.spec import NO_REWARD
    from harness.spec_fields import whole_numbers

    if preset not in SHAPES:
        raise InputError(f"--preset {preset} is unknown; use {', '.join(SHAPES)}, or name a folder with --policy")
    wanted = whole_numbers("budgets", budgets)
    if not wanted or min(wanted) < 1:
        raise InputError(f"--budgets {budgets}: use whole numbers from 1, e.g. 1,8,64")
    wish = Wish(
        task=task,
        num_problems=min(_num_problems(task), limit or 10**9),
        budgets=tuple(sorted(set(wanted))),
        policy=SHAPES[preset] if policy is None else shape_of(policy, "--policy"),
        reward=PPM if ppm is None else None if ppm == NO_REWARD else shape_of(ppm, "--ppm"),
        gpu=gpu_named(gpu),
        gpus_per_worker=gpus_per_worker,
        candidates=candidates,
        max_tokens=max_context_tokens,
        price=price,
        pilot=pilot,
        has_rounds=policy is None and ppm is None,
    )
    found = make_plan(wish)
    typer.echo(json.dumps(found.for_json(), indent=1) if as_json else "\n".join(plan_lines(found)))


def _num_problems(task: str) -> int:
    """Of a task, without fetching it. Raises InputError for an unknown one."""
    from tasks.catalog import load_task, summaries

    known = {each.name: each.num_problems for each in summaries()}
    return known[task] if task in known else len(load_task(task).problems)
