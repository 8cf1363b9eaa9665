"""What a training was asked for on the command line, and whether its folder already holds another one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import typer

from rstar.training.scale import SCALES, Scale, is_first_process, num_processes, scaled
from rstar.training.settings import TrainSettings, overridden
from tasks.types import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

REQUEST = "request.json"
"""Beside the checkpoints of a training that is not finished."""


@dataclass(frozen=True, slots=True)
class Request:
    """Settings and how they are carried out."""

    preset: str
    settings: Any
    """`SftSettings` or `PpmSettings`."""
    scale: Scale

    def with_settings(self, overrides: Mapping[str, Any]) -> Self:
        """The same with other settings."""
        return replace(self, settings=overridden(self.settings, overrides))


def request(
    presets: Mapping[str, Any],
    preset: str,
    assignments: Sequence[str],
    lora: int | None,
    fsdp: bool | None,
    gradient_checkpointing: bool | None,
    micro_batch: int | None,
) -> Request:
    """The preset with the values of `name=value` texts and of the flags. Raises InputError for what is unknown, no
    value, or does not divide."""
    if preset not in presets:
        raise InputError(f"--preset {preset} is unknown; use {', '.join(presets)}")
    settings = overridden(presets[preset], dict(_assignment(presets[preset], text) for text in assignments))
    flags = {
        "lora_rank": lora,
        "fsdp": fsdp,
        "gradient_checkpointing": gradient_checkpointing,
        "micro_batch": micro_batch,
    }
    scale = scaled(SCALES[preset], {name: value for name, value in flags.items() if value is not None})
    if num_processes() == 1 and fsdp is None:
        scale = scaled(scale, {"fsdp": False})  # nothing to share with
    if scale.fsdp and scale.lora_rank:
        raise InputError("--lora and --fsdp together are not supported; adapters fit on one device, leave out --fsdp")
    scale.passes(settings, num_processes())
    return Request(preset, settings, scale)


def note_markers(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Add the markers that the model lacks and say so; returns whether there were any."""
    from rstar.training.markers import add_markers, note

    new = add_markers(model, tokenizer)
    if new and is_first_process():
        typer.echo(note(new, len(tokenizer)), err=True)
    return bool(new)


def begin(out: Path, asked: Request, data: Sequence[Path], model: Path, kind: str = "sft") -> None:
    """Note in `out`/training what is trained there. Raises InputError where an unfinished training of something else
    is there: its checkpoints, learning rate included, would be gone on with."""
    from rstar.training.data import file_hash

    told = json.loads(
        json.dumps(
            {
                "kind": kind,
                "model": str(model.resolve()),
                "data": [file_hash(path) for path in data],
                "settings": asdict(asked.settings),
                "scale": asdict(asked.scale),
            }
        )
    )
    path = out / "training" / REQUEST
    if path.is_file() and is_first_process():
        known = json.loads(path.read_text(encoding="utf-8"))
        changed = _changes(known, told)
        if changed:
            raise InputError(
                f"{out}: holds an unfinished training with other {', '.join(changed)}; use the same settings to go on, "
                f"delete {path.parent} to start afresh, or name another --out folder"
            )
    elif is_first_process():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _changes(known: Mapping[str, Any], told: Mapping[str, Any]) -> list[str]:
    """Names of what differs, settings by their own name."""
    found = []
    for name, value in told.items():
        old = known.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            found += [f"{key} ({old.get(key)}, now {value[key]})" for key in value if value[key] != old.get(key)]
        elif value != old:
            found.append(name)
    return found


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
    if kind is int and isinstance(getattr(TrainSettings(), name, None), float):
        kind = float  # a preset wrote a whole number where any number goes
    try:
        return name, kind(value)
    except ValueError:
        raise InputError(f"--set {text!r}: {name} takes {'a whole number' if kind is int else 'a number'}") from None
