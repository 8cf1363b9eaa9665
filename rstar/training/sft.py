"""Supervised fine-tuning of a policy on solutions, with TRL's SFTTrainer."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rstar.training.checkpoints import save
from rstar.training.examples import SftExample, SftRow, make_example
from rstar.training.order import training_order
from rstar.training.settings import SftSettings
from rstar.training.trainer import last_checkpoint, trainer_arguments, use_threads
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
) -> SftReport:
    """Train `model` in place and save it with its tokenizer in `out`.

    A run that was interrupted goes on from its last checkpoint in `out`/training, when it is called again with the
    same arguments. Raises InputError where no example is short enough, and for a loss that is not finite.
    """
    use_threads(settings)
    made = [make_example(row, tokenizer, mask_output=settings.mask_output) for row in rows]
    kept = [each for each in made if len(each.input_ids) <= settings.max_tokens]
    if not kept:
        raise InputError(f"no SFT example is within max_tokens = {settings.max_tokens}; raise it or give other data")
    work = out / "training"
    steps, loss, seconds = _run(model, tokenizer, kept, settings, work)
    save(model, tokenizer, out)
    shutil.rmtree(work, ignore_errors=True)
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
    work: Path,
) -> tuple[int, float, float]:
    """Steps, mean loss and seconds."""
    from datasets import Dataset  # type: ignore[import-untyped]
    from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]

    order = training_order(
        [len(each.input_ids) for each in examples], settings.batch, settings.epochs, settings.seed, settings.short_first
    )
    ordered = [examples[index] for index in order]
    columns = {"input_ids": [each.input_ids for each in ordered], "labels": [each.labels for each in ordered]}
    arguments = trainer_arguments(settings, work, len(ordered))
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**arguments, max_length=None, dataset_kwargs={"skip_prepare_dataset": True}),
        train_dataset=Dataset.from_dict(columns),
        processing_class=tokenizer,
    )
    output = trainer.train(resume_from_checkpoint=last_checkpoint(work))
    if not math.isfinite(output.training_loss):
        raise InputError("the SFT loss is not finite; lower the learning rate or look for broken examples")
    return output.global_step, output.training_loss, output.metrics["train_runtime"]
