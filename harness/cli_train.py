"""`rstar train`: supervised fine-tuning, preference training, and the embedded default from nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from rstar.training.settings import (
    PPM_PRESETS,
    SFT_PRESETS,
    PpmSettings,
    SftSettings,
    TrainSettings,
    overridden,
)
from tasks.types import InputError

app = typer.Typer(add_completion=False, no_args_is_help=True)

_Data = Annotated[list[Path], typer.Option("--data", help="JSONL or Parquet file; may be given again.")]
_Out = Annotated[Path, typer.Option("--out", help="Folder for the trained model; an interrupted run goes on there.")]
_Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting in place of the preset's, e.g. learning_rate=0.0005; may be given again."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


@app.command()
def sft(
    data: _Data,
    out: _Out,
    model: Annotated[Path, typer.Option("--model", help="Folder of the policy to start from.")],
    preset: Annotated[str, typer.Option("--preset", help="Named settings.")] = "tiny",
    train_output: Annotated[
        bool, typer.Option("--train-output", help="Train on the interpreter's output too, as the paper does.")
    ] = False,
    set_: _Set = None,
    as_json: _Json = False,
) -> None:
    """Train a policy on solutions: rows with id, question and solution; the loss is on the solution only."""
    settings = _settings(SFT_PRESETS, preset, set_ or [])
    if train_output:
        settings = overridden(settings, {"mask_output": False})
    from rstar.training.data import read_sft
    from rstar.training.sft import train_sft

    rows = [row for path in data for row in read_sft(path)]
    policy, tokenizer = _policy(model)
    report = train_sft(policy, tokenizer, rows, settings, out)
    _finish(out, settings, data, asdict(report), as_json=as_json)


@app.command()
def ppm(
    data: _Data,
    out: _Out,
    model: Annotated[Path, typer.Option("--model", help="Folder of the policy that the PPM starts from.")],
    preset: Annotated[str, typer.Option("--preset", help="Named settings.")] = "tiny",
    held_out: Annotated[
        Path | None, typer.Option("--held-out", help="Pairs that the pair accuracy is measured on.")
    ] = None,
    set_: _Set = None,
    as_json: _Json = False,
) -> None:
    """Train a process preference model on pairs: rows with id, question, chosen and rejected."""
    settings = _settings(PPM_PRESETS, preset, set_ or [])
    from rstar.training.checkpoints import load_trained_tokenizer, value_model_of
    from rstar.training.data import read_pairs
    from rstar.training.ppm import train_ppm

    pairs = [pair for path in data for pair in read_pairs(path)]
    others = list(read_pairs(held_out)) if held_out else []
    scorer = value_model_of(model, settings.seed)
    _check_markers(model)
    report = train_ppm(scorer, load_trained_tokenizer(model), pairs, settings, out, held_out=others)
    _finish(out, settings, data, asdict(report), as_json=as_json)


@app.command()
def tiny(
    out: Annotated[Path, typer.Option("--out", help="Work folder; finished stages in it are not run again.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all data and all trainings.")] = 0,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Torch threads.")] = 2,
    scale: Annotated[
        float, typer.Option("--scale", help="Share of the problems of every stage; below 1 for a trial.")
    ] = 1.0,
) -> None:
    """Make the embedded default from nothing: tokenizer, base policy, rounds of self-improvement, PPM."""
    from rstar.training.tiny import TinySettings, make_tiny

    make_tiny(out, TinySettings(seed=seed, threads=threads, scale=scale), say=typer.echo)


def _settings(presets: dict[str, Any], preset: str, assignments: Sequence[str]) -> Any:
    """The preset with the values of `name=value` texts. Raises InputError for what is unknown or not a value."""
    if preset not in presets:
        raise InputError(f"--preset {preset} is unknown; use {', '.join(presets)}")
    settings: SftSettings | PpmSettings = presets[preset]
    return overridden(settings, dict(_assignment(settings, text) for text in assignments))


def _assignment(settings: TrainSettings, text: str) -> tuple[str, Any]:
    """`name=value` with the value in the field's own type."""
    name, equals, value = text.partition("=")
    known = {each.name: getattr(settings, each.name) for each in fields(settings)}
    if not equals or name not in known:
        raise InputError(f"--set {text!r}: write NAME=VALUE with one of {', '.join(known)}")
    kind = type(known[name])
    if kind is bool:
        if value not in ("true", "false"):
            raise InputError(f"--set {text!r}: {name} is true or false")
        return name, value == "true"
    try:
        return name, kind(value)
    except ValueError:
        raise InputError(f"--set {text!r}: {name} takes {'a whole number' if kind is int else 'a number'}") from None


def _policy(model: Path) -> tuple[Any, Any]:
    from rstar.training.checkpoints import load_policy, load_trained_tokenizer

    policy = load_policy(model)
    _check_markers(model)
    return policy, load_trained_tokenizer(model)


def _check_markers(model: Path) -> None:
    """Raise InputError where the model's tokenizer spells a marker with several tokens."""
    from rstar.prompts import MARKERS
    from rstar.training.checkpoints import load_trained_tokenizer

    known = load_trained_tokenizer(model).get_added_vocab()
    missing = [marker for marker in MARKERS if marker not in known]
    if missing:
        raise InputError(
            f"policy folder {model}: its tokenizer lacks the marker {missing[0]}; add the markers of rstar.prompts as "
            "special tokens and resize the model's embeddings"
        )


def _finish(out: Path, settings: TrainSettings, data: Sequence[Path], report: dict[str, Any], *, as_json: bool) -> None:
    """Keep settings, hashes and report beside the model, and print the report."""
    from rstar.training.checkpoints import weights_hash
    from rstar.training.data import file_hash

    record = {
        "settings": asdict(settings),
        "data": {str(path): file_hash(path) for path in data},
        "weights_sha256": weights_hash(out),
        "report": report,
    }
    (out / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(record))
        return
    typer.echo("\n".join(f"{name:16}{_shown(value)}" for name, value in report.items()))
    typer.echo(f"saved to {out}, settings and hashes in {out / 'training.json'}")


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value}"
