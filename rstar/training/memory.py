"""What a training will take on a device, by arithmetic and before anything is loaded on it.

    weights 4 P + gradients 4 P + AdamW 8 P bytes (float32), with FSDP divided by the devices; under autocast 2 P more
    activations per layer s b h 34 bytes (Korthikanti et al. 2022, section 4.1, without the attention matrix, which the
    fused kernels do not keep), or 2 s b h with gradient checkpointing plus one whole layer
    logits s b V 10 bytes: bfloat16, float32 for the loss, and their gradient

P parameters, s tokens, b micro-batch, h width, V vocabulary. With LoRA gradients and optimizer are those of the
adapters. Measured runs differ by the allocator's waste; `ROOM` stands for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rstar.training.scale import Scale, num_processes
from rstar.training.settings import TrainSettings
from tasks.types import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ROOM = 0.92
"""Share of a device's memory that an estimate may fill. Chosen, not tuned."""
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Size:
    """The numbers of a model that its memory depends on."""

    parameters: int
    layers: int
    hidden: int
    vocabulary: int
    """Logits per token; 1 for a value head."""

    @classmethod
    def of(cls, model: PreTrainedModel) -> Size:
        """Those of a loaded model."""
        config = model.config.get_text_config()
        labels = 1 if hasattr(model, "score") else config.vocab_size
        return cls(model.num_parameters(), config.num_hidden_layers, config.hidden_size, labels)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes on one device."""

    state: int
    """Weights, gradients, optimizer."""
    activations: int
    logits: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.state + self.activations + self.logits


def estimate(size: Size, settings: TrainSettings, scale: Scale, processes: int = 1) -> Estimate:
    """The memory of one of `processes` devices. Raises InputError where the batch cannot be divided."""
    micro, _ = scale.passes(settings, processes)
    trained = size.parameters
    if scale.lora_rank:
        # Seven matrices a layer, each with two thin ones beside it; widths of the MLP count as four times the model's.
        trained = size.layers * scale.lora_rank * size.hidden * (4 * 2 + 3 * 5)
    state = 4 * size.parameters + 12 * trained
    if scale.fsdp:
        state //= processes
    state += 2 * size.parameters if settings.bf16 and not scale.fsdp else 0
    tokens = settings.max_tokens * micro
    layer = 34 * tokens * size.hidden
    kept = layer + 2 * tokens * size.hidden * size.layers if scale.gradient_checkpointing else layer * size.layers
    return Estimate(state, kept if settings.bf16 else 2 * kept, 10 * tokens * size.vocabulary)


def check_fits(size: Size, settings: TrainSettings, scale: Scale, device_bytes: int, processes: int = 1) -> Estimate:
    """The estimate; raises InputError where it does not fit, naming the setting to change."""
    found = estimate(size, settings, scale, processes)
    if found.total <= ROOM * device_bytes:
        return found
    raise InputError(
        f"this training needs about {found.total / GIB:.1f} GiB per device (weights and optimizer "
        f"{found.state / GIB:.1f}, activations {found.activations / GIB:.1f}, logits {found.logits / GIB:.1f}) and the "
        f"device has {device_bytes / GIB:.1f}; {_advice(size, settings, scale, device_bytes, processes)}"
    )


def check_device(model: PreTrainedModel, settings: TrainSettings, scale: Scale) -> None:
    """`check_fits` for the GPU of this process; nothing without one."""
    import torch

    if torch.cuda.is_available():
        room = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
        check_fits(Size.of(model), settings, scale, room, num_processes())


def _advice(size: Size, settings: TrainSettings, scale: Scale, device_bytes: int, processes: int) -> str:
    """The first change, in order of what it costs, after which it fits."""
    from dataclasses import replace

    small = replace(scale, micro_batch=1)
    checked = replace(small, gradient_checkpointing=True)
    shared = replace(checked, fsdp=True)
    ways = [
        (replace(scale, gradient_checkpointing=True), processes, "use --gradient-checkpointing"),
        (small, processes, "use --micro-batch 1"),
        (checked, processes, "use --micro-batch 1 --gradient-checkpointing"),
        (shared, processes, "use --fsdp --micro-batch 1 --gradient-checkpointing"),
        *((shared, number, f"use --fsdp on {number} devices") for number in (2, 4, 8, 16) if number > processes),
    ]
    adapters = replace(checked, lora_rank=16, fsdp=False)
    for changed, number, words in ways:
        if settings.batch % number == 0 and estimate(size, settings, changed, number).total <= ROOM * device_bytes:
            if number > processes and estimate(size, settings, adapters).total <= ROOM * device_bytes:
                return f"{words}, or --lora 16 --micro-batch 1 --gradient-checkpointing on this one"
            return words
    return "train adapters with --lora 16, lower max_tokens, or take a smaller model"
