"""`rstar train`: supervised fine-tuning, value models (PPM, PQM, ORM), and the embedded default from nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from harness.training_request import Request, begin, note_markers, request
from rstar.training.settings import PPM_PRESETS, SFT_PRESETS
from tasks.types import InputError

app = typer.Typer(add_completion=False, no_args_is_help=True)

_Data = Annotated[list[Path], typer.Option("--data", help="JSONL or Parquet file; may be given again.")]
_Out = Annotated[Path, typer.Option("--out", help="Folder for the trained model; an interrupted run goes on there.")]
_Preset = Annotated[str, typer.Option("--preset", help="Named settings: tiny, paper-7b, paper-1.5b, paper-phi3.")]
_Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting in place of the preset's, e.g. learning_rate=0.0005; may be given again."),
]
_Lora = Annotated[
    int | None, typer.Option("--lora", help="Train adapters of this rank and merge them; 0: all weights.")
]
_Fsdp = Annotated[bool | None, typer.Option("--fsdp/--no-fsdp", help="Share the model among the processes.")]
_Checkpointing = Annotated[
    bool | None,
    typer.Option("--gradient-checkpointing/--no-gradient-checkpointing", help="Less memory, a third more time."),
]
_Micro = Annotated[
    int | None, typer.Option("--micro-batch", help="Examples (problems) per device and pass; 0: the whole batch.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


@app.command()
def sft(
    data: _Data,
    out: _Out,
    model: Annotated[Path, typer.Option("--model", help="Folder of the policy to start from.")],
    preset: _Preset = "tiny",
    train_output: Annotated[
        bool, typer.Option("--train-output", help="Train on the interpreter's output too, as the paper does.")
    ] = False,
    set_: _Set = None,
    lora: _Lora = None,
    fsdp: _Fsdp = None,
    gradient_checkpointing: _Checkpointing = None,
    micro_batch: _Micro = None,
    as_json: _Json = False,
) -> None:
    """Train a policy on solutions: rows with id, question and solution; the loss is on the solution only."""
    asked = request(SFT_PRESETS, preset, set_ or [], lora, fsdp, gradient_checkpointing, micro_batch)
    if train_output:
        asked = asked.with_settings({"mask_output": False})
    from rstar.training.checkpoints import load_policy, load_trained_tokenizer
    from rstar.training.data import read_sft
    from rstar.training.sft import train_sft

    rows = [row for path in data for row in read_sft(path)]
    policy, tokenizer = load_policy(model), load_trained_tokenizer(model)
    is_new = note_markers(policy, tokenizer)
    begin(out, asked, data, model)
    report = train_sft(policy, tokenizer, rows, asked.settings, out, scale=asked.scale, train_embeddings=is_new)
    _finish(out, asked, data, asdict(report), as_json=as_json)


@app.command()
def ppm(
    data: _Data,
    out: _Out,
    model: Annotated[Path, typer.Option("--model", help="Folder of the policy that the PPM starts from.")],
    preset: _Preset = "tiny",
    loss: Annotated[
        Literal["bt", "pqm"],
        typer.Option("--loss", help="bt: Bradley-Terry on pairs (the paper's PPM); pqm: squared error to Q on rows."),
    ] = "bt",
    objective: Annotated[
        Literal["process", "outcome"],
        typer.Option("--objective", help="process: steps are judged; outcome: whole solutions only (an ORM)."),
    ] = "process",
    held_out: Annotated[
        Path | None, typer.Option("--held-out", help="Pairs that accuracy and calibration are measured on.")
    ] = None,
    set_: _Set = None,
    lora: _Lora = None,
    fsdp: _Fsdp = None,
    gradient_checkpointing: _Checkpointing = None,
    micro_batch: _Micro = None,
    as_json: _Json = False,
) -> None:
    """Train a value model. PPM: pairs with id, question, chosen, rejected. PQM, ORM: rows with id, question, solution,
    value."""
    if loss == "pqm" and objective == "outcome":
        raise InputError("--loss pqm regresses Q at every step, --objective outcome judges whole solutions; give one")
    asked = request(PPM_PRESETS, preset, set_ or [], lora, fsdp, gradient_checkpointing, micro_batch)
    from rstar.training.checkpoints import load_trained_tokenizer, value_model_of
    from rstar.training.data import read_pairs
    from rstar.training.ppm import train_ppm, train_values
    from rstar.training.values import read_values

    others = list(read_pairs(held_out)) if held_out else []
    scorer, tokenizer = value_model_of(model, asked.settings.seed), load_trained_tokenizer(model)
    note_markers(scorer, tokenizer)
    if loss == "bt" and objective == "process":
        pairs = [pair for path in data for pair in read_pairs(path)]
        begin(out, asked, data, model, "preference")
        report = train_ppm(scorer, tokenizer, pairs, asked.settings, out, held_out=others, scale=asked.scale)
    else:
        rows, kind = [row for path in data for row in read_values(path)], "pqm" if loss == "pqm" else "outcome"
        begin(out, asked, data, model, kind)
        report = train_values(
            scorer,
            tokenizer,
            rows,
            asked.settings,
            out,
            "pqm" if loss == "pqm" else "outcome",
            held_out=others,
            scale=asked.scale,
        )
    _finish(out, asked, data, asdict(report) | {"loss_kind": loss, "objective": objective}, as_json=as_json)


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


def _finish(out: Path, asked: Request, data: Sequence[Path], report: dict[str, Any], *, as_json: bool) -> None:
    """Keep settings, hashes and report beside the model, and print the report. The first process does it for all."""
    from rstar.training.checkpoints import weights_hash
    from rstar.training.data import file_hash
    from rstar.training.scale import is_first_process

    if not is_first_process():
        return
    record = {
        "settings": asdict(asked.settings),
        "scale": asdict(asked.scale),
        "data": {str(path): file_hash(path) for path in data},
        "weights_sha256": weights_hash(out),
        "report": report,
    }
    (out / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(record))
        return
    typer.echo("\n".join(f"{name:18}{_shown(value)}" for name, value in report.items()))
    typer.echo(f"saved to {out}, settings and hashes in {out / 'training.json'}")


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value}"
