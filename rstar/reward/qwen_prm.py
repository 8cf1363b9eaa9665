r"""Qwen2.5-Math-PRM (7B, 72B, and 7B-PRM800K): a head of two labels, read at the token `<extra_0>`.

Model card (https://huggingface.co/Qwen/Qwen2.5-Math-PRM-7B): a ChatML conversation of a system message, the question
and the solution, in which `<extra_0>` follows every step and nothing else stands between the steps; the text is made by
the chat template and then tokenised. The reward of a step is the softmax probability of label 1 at its `<extra_0>`, in
[0, 1]. The system message is the one of the card's example.

Architecture `Qwen2ForProcessRewardModel` (the card's remote code; also vLLM's `qwen2_rm.py`): the body of Qwen2 and a
head `score` of two linear layers with a ReLU between them, as wide as the model, with biases. The remote code was
written for transformers 4 and is not run: the class below loads the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutputWithPast
from transformers.models.qwen2.configuration_qwen2 import Qwen2Config
from transformers.models.qwen2.modeling_qwen2 import Qwen2Model, Qwen2PreTrainedModel

from rstar.reward.chat_text import chat_text
from rstar.reward.public_prm import LogitDifference, single_token

STEP_TAG = "<extra_0>"
SYSTEM = r"Please reason step by step, and put your final answer within \boxed{}."
NUM_LABELS, RIGHT, WRONG = 2, 1, 0
FAMILY = "qwen"


class Qwen2ForProcessRewardModel(Qwen2PreTrainedModel):  # type: ignore[no-untyped-call]
    """Weights named as in the checkpoints: `model.*`, `score.0.*`, `score.2.*`."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__(config)
        self.model = Qwen2Model(config)
        width = config.hidden_size
        self.score = torch.nn.Sequential(
            torch.nn.Linear(width, width), torch.nn.ReLU(), torch.nn.Linear(width, NUM_LABELS)
        )
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self, input_ids: torch.Tensor, position_ids: torch.Tensor | None = None, **options: Any
    ) -> BaseModelOutputWithPast:
        """The body's output; the head is applied where it is read."""
        output: BaseModelOutputWithPast = self.model(input_ids=input_ids, position_ids=position_ids, **options)
        return output


class QwenMarks:
    """`StepMarks` of Qwen2.5-Math-PRM."""

    tag = STEP_TAG

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raises InputError where the tokenizer lacks the step tag or a chat template."""
        self.tokenizer = tokenizer
        self.tag_id = single_token(tokenizer, STEP_TAG, FAMILY, "step token")
        chat_text(tokenizer, [("user", "?")], FAMILY)

    def up_to(self, question: str, steps: Sequence[str]) -> tuple[int, ...]:
        """The conversation as far as the last `<extra_0>`."""
        solution = "".join(step + STEP_TAG for step in steps)
        turns = [("system", SYSTEM), ("user", question), ("assistant", solution)]
        tokens = self.tokenizer.encode(chat_text(self.tokenizer, turns, FAMILY))
        last = len(tokens) - 1 - tokens[::-1].index(self.tag_id)
        return tuple(tokens[: last + 1])


MODEL = Qwen2ForProcessRewardModel


def head(model: Qwen2ForProcessRewardModel, marks: QwenMarks) -> LogitDifference:  # noqa: ARG001 - as in all families
    """Label 1, right, against label 0."""
    return LogitDifference(model.score, RIGHT, WRONG)
