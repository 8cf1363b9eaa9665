"""Supervised fine-tuning of a policy on solutions, with TRL's SFTTrainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rstar.training.examples import SftExample, SftRow, make_example
from rstar.training.lora import add_lora
from rstar.training.memory import check_device
from rstar.training.order import training_order
from rstar.training.scale import Scale, scale_arguments
from rstar.training.settings import SftSettings
from rstar.training.trainer import last_checkpoint, suit_attention, trainer_arguments, use_threads
from rstar.training.writing import write_trained
from tasks.types import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class SftReport:
    """What one SFT run did."""

    num_examples: int
    num_dropped: int
    """Examples longer than `max_tokens`."""
    num_tokens: int
    """Of all examples, once; prompt included."""
    num_loss_tokens: int
    """The part of them in the loss."""
    steps: int
    loss: float
    """Mean training loss over the run, nats per token in the loss."""
    seconds: float
    """Of the training itself, in this process; a resumed run counts the rest only."""


def train_sft(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[SftRow],
    settings: SftSettings,
    out: Path,
    *,
    scale: Scale | None = None,
    train_embeddings: bool = False,
) -> SftReport:
    """Train `model` in place and save it with its tokenizer in `out`.

    A run that was interrupted goes on from its last checkpoint in `out`/training, when it is called again with the
    same arguments. `train_embeddings` matters to adapters only, see `rstar.training.lora`. Raises InputError where no
    example is short enough, where the GPU is too small, and for a loss that is not finite, in which case the last good
    checkpoint stays.
    """
    use_threads(settings)
    scale = scale or Scale()
    made = [make_example(row, tokenizer, mask_output=settings.mask_output) for row in rows]
    kept = [each for each in made if len(each.input_ids) <= settings.max_tokens]
    if not kept:
        raise InputError(f"no SFT example is within max_tokens = {settings.max_tokens}; raise it or give other data")
    check_device(model, settings, scale)
    suit_attention(model, settings)
    if scale.lora_rank:
        add_lora(model, scale.lora_rank, scale.lora_alpha, train_embeddings=train_embeddings)
    steps, loss, seconds = _run(model, tokenizer, kept, settings, scale, out)
    return SftReport(
        len(kept),
        len(made) - len(kept),
        sum(len(each.input_ids) for each in kept),
        sum(label >= 0 for each in kept for label in each.labels),
        steps,
        loss,
        seconds,
    )


def _run(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[SftExample],
    settings: SftSettings,
    scale: Scale,
    out: Path,
) -> tuple[int, float, float]:
    """Steps, mean loss and seconds."""
    from datasets import Dataset  # type: ignore[import-untyped]
    from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]

    from rstar.training.finite import finite
    from rstar.training.muon import optimizer_of

    order = training_order(
        [len(each.input_ids) for each in examples], settings.batch, settings.epochs, settings.seed, settings.short_first
    )
    ordered = [examples[index] for index in order]
    columns = {"input_ids": [each.input_ids for each in ordered], "labels": [each.labels for each in ordered]}
    arguments = trainer_arguments(settings, out / "training", len(ordered)) | scale_arguments(scale, settings)
    trainer = finite(SFTTrainer)(
        model=model,
        args=SFTConfig(**arguments, max_length=None, dataset_kwargs={"skip_prepare_dataset": True}),
        train_dataset=Dataset.from_dict(columns),
        processing_class=tokenizer,
        optimizers=(optimizer_of(model, settings, scale), None),
    )
    output = trainer.train(resume_from_checkpoint=last_checkpoint(out / "training"))
    write_trained(trainer, model, tokenizer, out, scale)
    return output.global_step, output.training_loss, output.metrics["train_runtime"]
