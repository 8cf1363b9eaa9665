"""`rstar lineage`: where a training row of an evolution comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rstar.evolution.lineage import Trace

CHANGED = 1


def lineage(
    row: Annotated[str, typer.Argument(help="FILE:LINE of an evolution, e.g. out/data-2/sft.jsonl:17.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON object.")] = False,
) -> int:
    """Trace a training row: node in the search tree, problem, models that searched, round; every hash checked again.

    Exit code 1: a file or a model is not what the manifest says.
    """
    from rstar.evolution.lineage import trace

    found = trace(row)
    if as_json:
        typer.echo(json.dumps(found.for_json(), indent=2))
    else:
        typer.echo("\n".join(lines(found)))
    return 0 if all(found.checks.values()) else CHANGED


def lines(found: Trace) -> list[str]:
    """The trace for a reader."""
    text = [f"row      {found.row['file']}:{found.row['line']}  sha256 {found.row['sha256'][:16]}"]
    for part, node in found.nodes.items():
        label = {1: "right", -1: "wrong"}.get(node["label"], node["ending"])
        place = f"{found.search['stage']}/{node['shard']} row {node['row']}, tree {node['tree']}, node {node['node']}"
        text.append(f"{part:9}{place}, {label}")
        text += [
            f"           node {step['node']}  Q {step['q']:+.3f}  N {step['visits']}  {_short(step['text'])}"
            for step in node["steps"]
        ]
    problem = found.problem
    text.append(f"problem  {problem['id']}: {problem['num_right']} of {problem['num_rollouts']} solutions right")
    text.append(f"round    {found.search['round']}")
    for name, model in found.models.items():
        data = ", ".join(model["data"] or {})
        weights, start = (model["weights_sha256"] or "")[:16], model["starts_from"] or "-"
        text.append(f"model    {name}  weights {weights}  from {start}  on {data}")
    text.append(f"used by  {', '.join(found.used_by) or 'none'}")
    for name, is_same in found.checks.items():
        text.append(f"check    {name}: {'as in the manifest' if is_same else 'CHANGED since the manifest'}")
    return text


def _short(text: str) -> str:
    """The code of a step on one line."""
    return " / ".join(line for line in text.split("\n") if line.strip())[:90]
