"""Math-Shepherd (Mistral-7B): the tokens `+` and `-` of a causal model, read at the step tag `ки`.

Model card (https://huggingface.co/peiyi9979/math-shepherd-mistral-7b-prm) and data card
(https://huggingface.co/datasets/peiyi9979/Math-Shepherd): question, a space, and the steps, one a line, each as
`Step i: ... ки`; tokenised as one text with the begin token. The score of a step is the softmax over the logits of `+`
and `-` alone, the probability of `+`, at the position of its `ки` (tokens 648 and 387 at token 12902 there).

Our steps are numbered the same way; a number that the policy has written itself ("# Step 3:") gives way to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from rstar.reward.public_prm import LogitDifference, single_token, token_difference
from tasks.types import InputError

STEP_TAG, RIGHT, WRONG = "ки", "+", "-"
FAMILY = "math-shepherd"
_OWN_NUMBER = re.compile(r"#?\s*Step \d+\s*[:.]\s*")


class ShepherdMarks:
    """`StepMarks` of Math-Shepherd."""

    tag = STEP_TAG

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raises InputError where the tokenizer lacks the step tag or one of the two labels."""
        self.tokenizer = tokenizer
        self.tag_id = single_token(tokenizer, STEP_TAG, FAMILY, "step token")
        # As one text, as the card has it: the pieces of a word's beginning, "▁+" and "▁-".
        labels = tokenizer.encode(f"{RIGHT} {WRONG}", add_special_tokens=False)
        if len(labels) != 2 or tokenizer.unk_token_id in labels:
            raise InputError(
                f"reward model of the format {FAMILY}: its tokenizer lacks the labels '+' and '-' as one token each; "
                "use the tokenizer that the model was published with, or another --ppm-format"
            )
        self.right, self.wrong = labels

    def up_to(self, question: str, steps: Sequence[str]) -> tuple[int, ...]:
        """Question and steps as far as the last `ки`."""
        numbered = (
            f"Step {number}: {_OWN_NUMBER.sub('', step, count=1) if _OWN_NUMBER.match(step) else step}"
            for number, step in enumerate(steps, 1)
        )
        tokens = self.tokenizer.encode(f"{question} " + "\n".join(f"{step} {STEP_TAG}" for step in numbered))
        last = len(tokens) - 1 - tokens[::-1].index(self.tag_id)
        return tuple(tokens[: last + 1])


MODEL = AutoModelForCausalLM


def head(model: PreTrainedModel, marks: ShepherdMarks) -> LogitDifference:
    """The token `+` against the token `-`."""
    return token_difference(model, marks.right, marks.wrong)
