"""RLHFlow's PRMs (Llama3.1-8B-PRM-Mistral-Data, -Deepseek-Data): `+` or `-` as the reply to each step.

The model cards (https://huggingface.co/RLHFlow/Llama3.1-8B-PRM-Deepseek-Data) name the evaluation code
(https://github.com/RLHFlow/RLHF-Reward-Modeling/tree/main/math-rm, `prm_evaluate.py`): a conversation in which the user
writes a step, the first one behind the question and a space, and the assistant replies `+`. The score of a step is the
softmax over the logits of `+` and `-` alone, the probability of `+`, at the position before the reply, the third from
the end of the conversation up to there. Earlier replies are `+` whatever they were scored.
"""

from __future__ import annotations

from collections.abc import Sequence

from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from rstar.reward.chat_text import chat_text
from rstar.reward.public_prm import LogitDifference, single_token, token_difference
from tasks.types import InputError

RIGHT, WRONG = "+", "-"
FAMILY = "rlhflow"
REPLY_TOKENS = 2
"""What the template puts behind the position that is read: the reply, one token, and the end of the turn, one token."""


class RlhflowMarks:
    """`StepMarks` of RLHFlow's PRMs."""

    tag = ""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raises InputError where the tokenizer lacks the labels or a template that ends with `+` and one token."""
        self.tokenizer = tokenizer
        self.right = single_token(tokenizer, RIGHT, FAMILY, "label")
        self.wrong = single_token(tokenizer, WRONG, FAMILY, "label")
        if self._conversation("?", ["?"])[-REPLY_TOKENS] != self.right:
            raise InputError(
                f"reward model of the format {FAMILY}: its chat template does not close a reply with one token; use "
                "the tokenizer that the model was published with, or another --ppm-format"
            )

    def up_to(self, question: str, steps: Sequence[str]) -> tuple[int, ...]:
        """The conversation as far as the token before the last reply."""
        return tuple(self._conversation(question, steps)[:-REPLY_TOKENS])

    def _conversation(self, question: str, steps: Sequence[str]) -> list[int]:
        first, *others = steps
        turns = [turn for text in (f"{question} {first}", *others) for turn in (("user", text), ("assistant", RIGHT))]
        return list(self.tokenizer.encode(chat_text(self.tokenizer, turns, FAMILY), add_special_tokens=False))


MODEL = AutoModelForCausalLM


def head(model: PreTrainedModel, marks: RlhflowMarks) -> LogitDifference:
    """The token `+` against the token `-`."""
    return token_difference(model, marks.right, marks.wrong)
