r"""Skywork-o1-Open-PRM (Qwen-2.5-1.5B and 7B): a value head on a causal model, read at newlines.

Model card (https://huggingface.co/Skywork/Skywork-o1-Open-PRM-Qwen-2.5-7B) and the inference code that it names
(https://github.com/SkyworkAI/skywork-o1-prm-inference, `prepare_input`): the begin token, the question and a newline,
tokenised together; then the solution, split at the step token, a newline: each part is tokenised by itself and the
newline's token follows it. The score at a newline is the sigmoid of the value head there.

Architecture `Qwen2ForPrmModel`: a causal Qwen2 with `v_head.summary`, a linear layer to one number with a bias (that of
TRL's value-head models); dropout in training only. The output layer is not read.

A step of ours may have several lines. They stay lines, each with its newline, as the model was trained; the step's
score is the one at its last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutputWithPast
from transformers.models.qwen2.configuration_qwen2 import Qwen2Config
from transformers.models.qwen2.modeling_qwen2 import Qwen2Model, Qwen2PreTrainedModel

from tasks.types import InputError

NEWLINE = "\n"
FAMILY = "skywork"


class ValueHead(torch.nn.Module):
    """[rows, hidden size] to [rows, 1], in the precision of its own weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.summary = torch.nn.Linear(width, 1)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """The logit of the probability that the step is right."""
        logits: torch.Tensor = self.summary(hidden.to(self.summary.weight.dtype))
        return logits


class Qwen2ForPrmModel(Qwen2PreTrainedModel):  # type: ignore[no-untyped-call]
    """Weights named as in the checkpoints: `model.*`, `v_head.summary.*`; `lm_head.*` is left where it is."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__(config)
        self.model = Qwen2Model(config)
        self.v_head = ValueHead(config.hidden_size)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self, input_ids: torch.Tensor, position_ids: torch.Tensor | None = None, **options: Any
    ) -> BaseModelOutputWithPast:
        """The body's output; the head is applied where it is read."""
        output: BaseModelOutputWithPast = self.model(input_ids=input_ids, position_ids=position_ids, **options)
        return output


class SkyworkMarks:
    """`StepMarks` of Skywork-o1-Open-PRM."""

    tag = ""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raises InputError where the tokenizer has no begin token, or makes nothing of a newline."""
        newline = tokenizer.encode(NEWLINE)
        if tokenizer.bos_token is None or not newline or newline[-1] == tokenizer.unk_token_id:
            lacking = "begin token (bos_token)" if tokenizer.bos_token is None else r"step token '\n'"
            raise InputError(
                f"reward model of the format {FAMILY}: its tokenizer lacks the {lacking}; use the tokenizer that the "
                "model was published with, or another --ppm-format"
            )
        self.tokenizer, self.newline = tokenizer, int(newline[-1])

    def up_to(self, question: str, steps: Sequence[str]) -> tuple[int, ...]:
        """Question and lines, as far as the newline behind the last."""
        tokens = list(self.tokenizer.encode(f"{self.tokenizer.bos_token}{question}\n"))
        for step in steps:
            for line in step.split(NEWLINE):
                tokens += [*self.tokenizer.encode(line), self.newline] if line else [self.newline]
        return tuple(tokens)


MODEL = Qwen2ForPrmModel


def head(model: Qwen2ForPrmModel, marks: SkyworkMarks) -> ValueHead:  # noqa: ARG001 - as in all families
    """The value head."""
    return model.v_head
