"""How a training is carried out on its hardware: micro-batches, sharding, adapters. Settings say what is learned, a
`Scale` how it is made to fit; only an adapter changes what comes out by more than rounding.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from rstar.training.settings import TrainSettings
from tasks.types import InputError

TINY_BETA2 = 0.98
"""AdamW's second moment in the runs of a few hundred steps: it must forget the start; chosen, not tuned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Raises InputError, naming the field, for a value out of range."""

    micro_batch: int = 0
    """Examples (SFT) or problems (PPM) that one device computes at a time; the optimizer step still sees `batch` of
    them, summed up over passes and devices. 0: the whole batch at once."""
    gradient_checkpointing: bool = False
    """Keep one activation per layer and compute the others again on the way back: less memory, about a third more
    time."""
    fsdp: bool = False
    """Share weights, gradients and optimizer among the processes (PyTorch FSDP2)."""
    lora_rank: int = 0
    """Train matrices of this rank beside the frozen ones (Hu et al. 2021), merged when saved. 0: all weights."""
    lora_alpha: int = 32
    """Their factor is lora_alpha / lora_rank. 32: chosen, not tuned."""
    adam_beta2: float = TINY_BETA2

    def __post_init__(self) -> None:
        for name in ("micro_batch", "lora_rank"):
            if getattr(self, name) < 0:
                raise InputError(f"training setting {name} = {getattr(self, name)} is out of range; use 0 or more")
        if self.lora_alpha < 1:
            raise InputError(f"training setting lora_alpha = {self.lora_alpha} is out of range; use 1 or more")
        if not 0 < self.adam_beta2 < 1:
            raise InputError(f"training setting adam_beta2 = {self.adam_beta2} is out of range; use a share below 1")

    def passes(self, settings: TrainSettings, num_processes: int) -> tuple[int, int]:
        """Examples per device and pass, and passes per optimizer step. Raises InputError where they do not divide."""
        share, rest = divmod(settings.batch, num_processes)
        if rest:
            raise InputError(f"batch = {settings.batch} is no multiple of the {num_processes} processes; change batch")
        micro = min(self.micro_batch, share) or share
        if share % micro:
            raise InputError(
                f"micro_batch = {micro} does not divide the {share} examples that each of {num_processes} processes "
                "has of a batch; change micro_batch"
            )
        return micro, share // micro


PAPER_SCALE = Scale(
    micro_batch=4,  # released README: 8 GPUs x 4 x accumulation 4 = 128 (SFT)
    fsdp=True,  # released README: bf16 and FSDP
    gradient_checkpointing=True,  # chosen: 4,096 tokens x 4 on 80 GB, see `rstar.training.memory`
    adam_beta2=0.999,  # the library's default; README and paper name AdamW and no other value
)
SCALES: Mapping[str, Scale] = {
    "tiny": Scale(),
    "paper-7b": PAPER_SCALE,
    "paper-1.5b": PAPER_SCALE,
    "paper-phi3": PAPER_SCALE,
}
BASE_MODELS: Mapping[str, str] = {
    # Paper, section 4.1; hub names of the models that it names.
    "paper-7b": "Qwen/Qwen2.5-Math-7B",
    "paper-1.5b": "Qwen/Qwen2.5-Math-1.5B",
    "paper-phi3": "microsoft/Phi-3-mini-4k-instruct",
}


def scaled(scale: Scale, overrides: Mapping[str, Any]) -> Scale:
    """`scale` with other values. Raises InputError for an unknown field or a value out of range."""
    known = [each.name for each in fields(scale)]
    for name in overrides:
        if name not in known:
            raise InputError(f"training setting {name!r} is unknown here; use {', '.join(known)}")
    return replace(scale, **overrides)


def num_processes() -> int:
    """Processes of this training, as torchrun and accelerate count them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    """Whether this is the process that writes files and speaks."""
    return int(os.environ.get("RANK", "0")) == 0


def scale_arguments(scale: Scale, settings: TrainSettings) -> dict[str, Any]:
    """Keyword arguments of `transformers.TrainingArguments` that go over those of `trainer_arguments`."""
    micro, passes = scale.passes(settings, num_processes())
    given: dict[str, Any] = {
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": passes,
        "adam_beta2": scale.adam_beta2,
        "logging_nan_inf_filter": False,  # a loss that is not finite stops the run, see `rstar.training.finite`
        "gradient_checkpointing": scale.gradient_checkpointing and not scale.fsdp,  # TRL's own default is True
    }
    if scale.fsdp:
        given |= {"fsdp": True, "fsdp_config": {"activation_checkpointing": scale.gradient_checkpointing}}
    elif scale.gradient_checkpointing:
        given["gradient_checkpointing_kwargs"] = {"use_reentrant": False}
    return given
