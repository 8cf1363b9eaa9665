"""Training of a value model on transformers' Trainer: a PPM on pairs, and the two that the paper compares it with.

    preference  - sum over pairs of  w log sigmoid(r(chosen) - r(rejected))  /  sum of w        (paper, Eq. 4)
    pqm         mean over steps of  (tanh(r / value_scale) - Q)^2                               (paper, section 4.3)
    outcome     mean over solutions of the cross-entropy between sigmoid(r) and the label       (ORM: Cobbe et al. 2021)

with r the scalar head's output at the last token of a solution so far, no tanh in it; serving turns r into a value with
tanh(r / value_scale), see `rstar.reward.ppm`. The pairs of a group weigh 1 / (pairs of the group) each, so the first
loss is a mean over groups of mean over pairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch.nn import functional
from transformers import Trainer, TrainingArguments

from rstar.synthesis.pairs import Pair
from rstar.training.finite import Finite
from rstar.training.lora import add_lora
from rstar.training.memory import check_device
from rstar.training.muon import optimizer_of
from rstar.training.order import training_order
from rstar.training.preferences import PreferenceExample, collate, make_preferences
from rstar.training.quality import Watch, measured
from rstar.training.scale import Scale, scale_arguments
from rstar.training.settings import PpmSettings
from rstar.training.trainer import last_checkpoint, suit_attention, trainer_arguments, use_threads
from rstar.training.values import Objective, ValueRow, make_values
from rstar.training.writing import write_trained
from tasks.types import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

VALUE_SCALE = 2.0
"""With it (value + 1) / 2 = sigmoid(r): where r is the log-odds of being right, a weighted vote adds probabilities."""
METRICS = "metrics.jsonl"
"""Held-out quality over the steps, beside the model."""
WATCH_EVERY = 50
"""Optimizer steps between two looks at held-out pairs, as often as the loss is logged. Chosen, not tuned."""


@dataclass(frozen=True, slots=True)
class PpmReport:
    """What one training of a value model did."""

    num_problems: int
    num_pairs: int
    """Pairs; for the other losses labelled rows."""
    num_dropped: int
    """Those longer than `max_tokens`."""
    num_tokens: int
    """Through the model in one epoch."""
    num_pair_tokens: int
    """What the same rows would have taken as sequences of their own."""
    steps: int
    loss: float
    pair_accuracy: float
    """Of held-out pairs, the weighted share that is ranked right; NaN without any."""
    seconds: float
    calibration_error: float = math.nan
    """Of sigmoid(score) at the ends of held-out solutions, see `rstar.training.quality`; NaN without any."""


class PlaceScorer(torch.nn.Module):
    """A sequence classification model asked for its score at any places, not only at the ends."""

    def __init__(self, model: PreTrainedModel, dropout: float = 0.0) -> None:
        super().__init__()
        self.model, self.dropout = model, dropout
        self._no_split_modules = getattr(model, "_no_split_modules", None)  # what FSDP wraps

    def gradient_checkpointing_enable(self, **options: Any) -> None:
        """The model's own; the trainer calls it."""
        self.model.gradient_checkpointing_enable(**options)

    def forward(self, places: torch.Tensor, **inputs: torch.Tensor) -> torch.Tensor:
        """[places] scores; `inputs` are the model's own, as `collate` makes them, `places` [places, 2]."""
        if self.model.config._attn_implementation == "eager":  # noqa: SLF001 - plain attention adds the mask
            inputs["attention_mask"] = _added(inputs["attention_mask"])
        hidden = self.model.base_model(**inputs, use_cache=False).last_hidden_state
        chosen = functional.dropout(hidden[places[:, 0], places[:, 1]], self.dropout, self.training)
        scores: torch.Tensor = self.model.score(chosen).squeeze(-1)  # type: ignore[operator]
        return scores.float()


def _added(mask: torch.Tensor) -> torch.Tensor:
    """0 where `mask` is True, else so little that nothing is seen there."""
    return torch.zeros(mask.shape, device=mask.device).masked_fill_(~mask, torch.finfo(torch.float32).min)


def preference_loss(chosen: torch.Tensor, rejected: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean of -log sigmoid(chosen - rejected), weighted; all [pairs]."""
    return -(weights * functional.logsigmoid(chosen - rejected)).sum() / weights.sum()


def value_loss(scores: torch.Tensor, targets: torch.Tensor, objective: Objective) -> torch.Tensor:
    """The mean loss of `scores` for `targets`, both [rows]: Q in [-1, 1] for `pqm`, 0 to 1 for `outcome`."""
    if objective == "pqm":
        return functional.mse_loss(torch.tanh(scores / VALUE_SCALE), targets)
    return functional.binary_cross_entropy_with_logits(scores, targets)


class PreferenceTrainer(Finite, Trainer):
    """transformers' Trainer with the losses of this file."""

    objective: Literal["preference"] | Objective = "preference"
    outcome_weight = 0.0

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The batch's loss; the outputs are its scores of chosen and rejected."""
        del num_items_in_batch
        num_pairs, num_outcomes = len(inputs["chosen"]), len(inputs["outcomes"])
        places = torch.cat((inputs["chosen"], inputs["rejected"], inputs["outcomes"]))
        scores = model(places, **_model_inputs(inputs))
        chosen, rejected, outcomes = scores.split((num_pairs, num_pairs, num_outcomes))
        if self.objective != "preference":
            loss = value_loss(outcomes, inputs["labels"], self.objective)
        else:
            loss = preference_loss(chosen, rejected, inputs["weights"])
            if self.outcome_weight and num_outcomes:
                loss = loss + self.outcome_weight * value_loss(outcomes, inputs["labels"], "outcome")
        return (loss, {"chosen": chosen, "rejected": rejected}) if return_outputs else loss


def train_ppm(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Iterable[Pair],
    settings: PpmSettings,
    out: Path,
    *,
    held_out: Iterable[Pair] = (),
    scale: Scale | None = None,
) -> PpmReport:
    """Train `model`, which has a scalar head, in place and save it with its tokenizer in `out`.

    Pairs of one problem must stand together. An interrupted run goes on from its last checkpoint in `out`/training when
    it is called again with the same arguments. `metrics.jsonl` in `out` says how held-out pairs fared over the steps.
    Raises InputError where no pair is short enough, where the GPU is too small, and for a loss that is not finite, in
    which case the last good checkpoint stays.
    """
    examples, counts = _examples(pairs, tokenizer, settings.max_tokens)
    return _trained(model, tokenizer, examples, counts, settings, out, held_out, scale, "preference")


def train_values(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Iterable[ValueRow],
    settings: PpmSettings,
    out: Path,
    objective: Objective,
    *,
    held_out: Iterable[Pair] = (),
    scale: Scale | None = None,
) -> PpmReport:
    """Train a PQM or an ORM as `train_ppm` does a PPM, on labelled rows; the held-out figures are those of pairs."""
    examples, counts = make_values(rows, tokenizer, settings.max_tokens, objective)
    return _trained(model, tokenizer, examples, counts, settings, out, held_out, scale, objective)


def _trained(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: list[PreferenceExample],
    counts: tuple[int, int, int, int],
    settings: PpmSettings,
    out: Path,
    held_out: Iterable[Pair],
    scale: Scale | None,
    objective: Literal["preference"] | Objective,
) -> PpmReport:
    use_threads(settings)
    scale = scale or Scale()
    if not examples:
        what = "preference pair" if objective == "preference" else "row"
        raise InputError(f"no {what} is within max_tokens = {settings.max_tokens}; raise it or give other data")
    check_device(model, settings, scale)
    suit_attention(model, settings)
    if scale.lora_rank:
        add_lora(model, scale.lora_rank, scale.lora_alpha)
    others, _ = _examples(held_out, tokenizer, settings.max_tokens)
    scorer = PlaceScorer(model, settings.dropout)
    trainer = _trainer(scorer, tokenizer, examples, settings, scale, out)
    trainer.objective, trainer.outcome_weight = objective, settings.outcome_weight
    if others and not scale.fsdp:  # a sharded model answers to all processes at once only
        trainer.add_callback(Watch(scorer, others, tokenizer, WATCH_EVERY, out / METRICS))
    output = trainer.train(resume_from_checkpoint=last_checkpoint(out / "training"))
    model.config.value_scale = VALUE_SCALE
    write_trained(trainer, model, tokenizer, out, scale)
    quality = measured(PlaceScorer(model), others, _padding(tokenizer), output.global_step)
    return PpmReport(
        len(examples),
        *counts,
        output.global_step,
        output.training_loss,
        quality.pair_accuracy,
        output.metrics["train_runtime"],
        quality.calibration_error,
    )


def pair_accuracy(
    model: PreTrainedModel, examples: Sequence[PreferenceExample], tokenizer: PreTrainedTokenizerBase
) -> float:
    """Weighted share of the pairs whose chosen one scores higher; NaN for no pairs."""
    return measured(PlaceScorer(model), examples, _padding(tokenizer)).pair_accuracy


def _examples(
    pairs: Iterable[Pair], tokenizer: PreTrainedTokenizerBase, max_tokens: int
) -> tuple[list[PreferenceExample], tuple[int, int, int, int]]:
    """Per problem, and the number of pairs, of dropped pairs, of tokens, and of tokens without sharing."""
    examples, num_pairs, num_kept, num_pair_tokens = list[PreferenceExample](), 0, 0, 0
    for _, group in groupby(pairs, key=lambda pair: pair.id):
        of_problem = list(group)
        num_pairs += len(of_problem)
        made = make_preferences(of_problem, tokenizer, max_tokens)
        if made is not None:
            examples.append(made)
            num_kept += len(made.chosen)
            num_pair_tokens += made.num_pair_tokens
    num_tokens = sum(len(each.tree.tokens) for each in examples)
    return examples, (num_kept, num_pairs - num_kept, num_tokens, num_pair_tokens)


def _trainer(
    scorer: PlaceScorer,
    tokenizer: PreTrainedTokenizerBase,
    examples: list[PreferenceExample],
    settings: PpmSettings,
    scale: Scale,
    out: Path,
) -> PreferenceTrainer:
    sizes = [len(each.tree.tokens) for each in examples]
    order = training_order(sizes, settings.batch, settings.epochs, settings.seed, settings.short_first)
    arguments = trainer_arguments(settings, out / "training", len(order)) | scale_arguments(scale, settings)
    trainer = PreferenceTrainer(
        model=scorer,
        args=TrainingArguments(**arguments, remove_unused_columns=False, label_names=["labels"]),
        train_dataset=[examples[index] for index in order],
        data_collator=partial(collate, padding=_padding(tokenizer)),
        optimizers=(optimizer_of(scorer.model, settings, scale), None),
    )
    # The scorer takes any keyword, from which the trainer would conclude that its loss is a share of the whole batch.
    trainer.model_accepts_loss_kwargs = False
    return trainer


def _model_inputs(batch: dict[str, Any]) -> dict[str, torch.Tensor]:
    return {name: batch[name] for name in ("input_ids", "position_ids", "attention_mask")}


def _padding(tokenizer: PreTrainedTokenizerBase) -> int:
    token = tokenizer.pad_token_id
    return token if isinstance(token, int) else 0
