"""Preference training of a process preference model: the pairwise Bradley-Terry loss, on transformers' Trainer.

    loss = - sum over pairs of  w log sigmoid(r(chosen) - r(rejected))  /  sum of w        (paper, Eq. 4)

with r the scalar head's output at the last token of a solution so far, no tanh in it; serving turns r into a value with
tanh(r / value_scale), see `rstar.reward.ppm`. The pairs of a group weigh 1 / (pairs of the group) each, so the loss is
a mean over groups of mean over pairs.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from transformers import Trainer, TrainingArguments

from rstar.synthesis.pairs import Pair
from rstar.training.checkpoints import save
from rstar.training.order import training_order
from rstar.training.preferences import PreferenceExample, collate, make_preferences
from rstar.training.settings import PpmSettings
from rstar.training.trainer import last_checkpoint, trainer_arguments, use_threads
from tasks.types import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

VALUE_SCALE = 2.0
"""With it (value + 1) / 2 = sigmoid(r): where r is the log-odds of being right, a weighted vote adds probabilities."""


@dataclass(frozen=True, slots=True)
class PpmReport:
    """What one PPM training did."""

    num_problems: int
    num_pairs: int
    num_dropped: int
    """Pairs longer than `max_tokens`."""
    num_tokens: int
    """Through the model in one epoch."""
    num_pair_tokens: int
    """What the same pairs would have taken as two sequences each."""
    steps: int
    loss: float
    pair_accuracy: float
    """Of held-out pairs, the weighted share that is ranked right; NaN without any."""
    seconds: float


class PlaceScorer(torch.nn.Module):
    """A sequence classification model asked for its score at any places, not only at the ends."""

    def __init__(self, model: PreTrainedModel, dropout: float = 0.0) -> None:
        super().__init__()
        self.model, self.dropout = model, dropout

    def forward(self, places: torch.Tensor, **inputs: torch.Tensor) -> torch.Tensor:
        """[places] scores; `inputs` are the model's own, as `collate` makes them, `places` [places, 2]."""
        hidden = self.model.base_model(**inputs, use_cache=False).last_hidden_state
        chosen = functional.dropout(hidden[places[:, 0], places[:, 1]], self.dropout, self.training)
        scores: torch.Tensor = self.model.score(chosen).squeeze(-1)  # type: ignore[operator]
        return scores.float()


def preference_loss(chosen: torch.Tensor, rejected: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean of -log sigmoid(chosen - rejected), weighted; all [pairs]."""
    return -(weights * functional.logsigmoid(chosen - rejected)).sum() / weights.sum()


class PreferenceTrainer(Trainer):
    """transformers' Trainer with the loss of this file."""

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
        loss = preference_loss(chosen, rejected, inputs["weights"])
        if self.outcome_weight and num_outcomes:
            term = functional.binary_cross_entropy_with_logits(outcomes, inputs["labels"])
            loss = loss + self.outcome_weight * term
        return (loss, {"chosen": chosen, "rejected": rejected}) if return_outputs else loss


def train_ppm(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Iterable[Pair],
    settings: PpmSettings,
    out: Path,
    *,
    held_out: Iterable[Pair] = (),
) -> PpmReport:
    """Train `model`, which has a scalar head, in place and save it with its tokenizer in `out`.

    Pairs of one problem must stand together. An interrupted run goes on from its last checkpoint in `out`/training when
    it is called again with the same arguments. Raises InputError where no pair is short enough, and for a loss that is
    not finite.
    """
    use_threads(settings)
    examples, counts = _examples(pairs, tokenizer, settings.max_tokens)
    if not examples:
        raise InputError(
            f"no preference pair is within max_tokens = {settings.max_tokens}; raise it or give other data"
        )
    work = out / "training"
    output = _run(PlaceScorer(model, settings.dropout), tokenizer, examples, settings, work)
    if not math.isfinite(output.training_loss):
        raise InputError("the PPM loss is not finite; lower the learning rate")
    model.config.value_scale = VALUE_SCALE
    save(model, tokenizer, out)
    shutil.rmtree(work, ignore_errors=True)
    others, _ = _examples(held_out, tokenizer, settings.max_tokens)
    return PpmReport(
        len(examples),
        *counts,
        output.global_step,
        output.training_loss,
        pair_accuracy(model, others, tokenizer),
        output.metrics["train_runtime"],
    )


@torch.inference_mode()
def pair_accuracy(
    model: PreTrainedModel, examples: Sequence[PreferenceExample], tokenizer: PreTrainedTokenizerBase
) -> float:
    """Weighted share of the pairs whose chosen one scores higher; NaN for no pairs."""
    scorer, right, total = PlaceScorer(model).eval(), 0.0, 0.0
    for each in examples:
        batch = collate([each], _padding(tokenizer))
        scores = scorer(torch.cat((batch["chosen"], batch["rejected"])), **_model_inputs(batch))
        chosen, rejected = scores.chunk(2)
        right += float((batch["weights"] * (chosen > rejected)).sum())
        total += float(batch["weights"].sum())
    return right / total if total else math.nan


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


def _run(
    scorer: PlaceScorer,
    tokenizer: PreTrainedTokenizerBase,
    examples: list[PreferenceExample],
    settings: PpmSettings,
    work: Path,
) -> Any:
    sizes = [len(each.tree.tokens) for each in examples]
    ordered = [
        examples[index]
        for index in training_order(sizes, settings.batch, settings.epochs, settings.seed, settings.short_first)
    ]
    arguments = TrainingArguments(
        **trainer_arguments(settings, work, len(ordered)), remove_unused_columns=False, label_names=["labels"]
    )
    trainer = PreferenceTrainer(
        model=scorer,
        args=arguments,
        train_dataset=ordered,
        data_collator=partial(collate, padding=_padding(tokenizer)),
    )
    trainer.outcome_weight = settings.outcome_weight
    return trainer.train(resume_from_checkpoint=last_checkpoint(work))


def _model_inputs(batch: dict[str, Any]) -> dict[str, torch.Tensor]:
    return {name: batch[name] for name in ("input_ids", "position_ids", "attention_mask")}


def _padding(tokenizer: PreTrainedTokenizerBase) -> int:
    token = tokenizer.pad_token_id
    return token if isinstance(token, int) else 0
