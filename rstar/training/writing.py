"""The end of a training: one process writes the whole model, however it was spread over devices and adapters."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rstar.training.checkpoints import save
from rstar.training.lora import merge_lora
from rstar.training.scale import Scale, is_first_process

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def write_trained(
    trainer: Any, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, out: Path, scale: Scale
) -> None:
    """Save `model`, which `trainer` has trained, in `out`, and remove the checkpoints that led there.

    Every process must come here. Raises InputError for weights that are not finite; the checkpoints then stay.
    """
    if scale.fsdp:
        # Put together on the first process; the sharded model itself cannot be saved.
        state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
        if is_first_process():
            prefix = "model." if trainer.model is not model else ""
            model.load_state_dict({name.removeprefix(prefix): value for name, value in state.items()}, assign=True)
    if is_first_process():
        if scale.lora_rank:
            merge_lora(model)
        save(model, tokenizer, out)
        shutil.rmtree(out / "training", ignore_errors=True)
    trainer.accelerator.wait_for_everyone()
