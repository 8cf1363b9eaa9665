"""`rstar ppm`: what a value model is worth, and the released PPM layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True)

_Out = Annotated[Path, typer.Option("--out", help="Folder to write.")]


@app.command()
def report(
    trees: Annotated[list[Path], typer.Argument(help="Shards, or folders of a synthesis or of an evolution's search.")],
    ppm: Annotated[str, typer.Option("--ppm", help="Folder of the value model, or builtin.")] = "builtin",
    ppm_format: Annotated[
        str, typer.Option("--ppm-format", help="auto, ppm, qwen, skywork, math-shepherd or rlhflow.")
    ] = "auto",
    budgets: Annotated[str, typer.Option("--budgets", help="Solutions to choose from.")] = "1,2,4,8,16",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Problems to take; without it all.")] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON object.")] = False,
) -> None:
    """Pair accuracy, calibration, drift of the values by depth, and what choosing by them loses to the oracle.

    On labelled search trees that the model was not trained on; of 'rstar synthesize', or search-N of an evolution.
    """
    from harness.ppm_report import for_json, lines, measure
    from harness.run_inputs import model_path
    from harness.spec_fields import whole_numbers
    from rstar.reward.prm_formats import checked_format, open_reward

    chosen = whole_numbers("budgets", budgets)
    with open_reward(model_path(ppm, "ppm"), checked_format(ppm_format), device=device) as model:
        found = measure(model, trees, chosen, limit)
    typer.echo(json.dumps(for_json(found)) if as_json else "\n".join(lines(found)))


@app.command(name="import")
def import_(
    folder: Annotated[Path, typer.Argument(help="Folder with a causal model and value_head.bin.")], out: _Out
) -> None:
    """Turn a PPM in the released layout into one that transformers, vLLM and this package load."""
    from rstar.training.value_head import import_value_head

    import_value_head(folder, out)
    typer.echo(f"saved to {out}")


@app.command()
def export(folder: Annotated[Path, typer.Argument(help="Folder of a PPM trained here.")], out: _Out) -> None:
    """Write a PPM in the released layout: a causal model and value_head.bin; the values there are the same."""
    from rstar.training.value_head import VALUE_HEAD, export_value_head

    export_value_head(folder, out)
    typer.echo(f"saved to {out}, the head in {out / VALUE_HEAD}")
