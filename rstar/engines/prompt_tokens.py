"""Trajectories as token ids, step by step: what a policy has generated stays as it was generated.

The prompt, each step and each program output are tokenised apart, so that the tokens of a trajectory always begin with
those of its parent. With markers that are tokens of their own, which end every step, this is the same as tokenising the
whole text. The tokens of a generated step travel with it (`Step.token_ids`), through the journal too, so a policy's own
step is never tokenised again, also not by the process that goes on after a kill.
"""

from __future__ import annotations

from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from rstar.prompts import Layout, prompt_text, step_text
from rstar.types import Step, Trajectory


class PromptTokens:
    """Token ids of trajectories for one tokenizer and layout. Used from one thread."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, layout: Layout, *, is_writer: bool = False) -> None:
        """`is_writer` says that the steps' own tokens are of this tokenizer: they are kept as they are.

        A reward model reads text: its tokenizer may be another one, and its training has seen no other tokens than
        those of the text. Raises InputError for an unknown layout.
        """
        self.tokenizer, self.layout, self.is_writer = tokenizer, layout, is_writer
        prompt_text("", layout)
        self._prompt = lru_cache(maxsize=4096)(self._encode_prompt)
        self._text = lru_cache(maxsize=1 << 16)(self._encode_text)

    def of(self, trajectory: Trajectory) -> tuple[int, ...]:
        """Prompt and solution so far."""
        tokens = list(self._prompt(trajectory.problem.question))
        for step in trajectory.steps:
            tokens += self._step(step)
        return tuple(tokens)

    def _step(self, step: Step) -> tuple[int, ...]:
        tokens = step.token_ids if self.is_writer and step.token_ids else self._text(step.text)
        output = step_text(step)[len(step.text) :]
        return tokens + self._text(output) if output else tokens

    def _encode_prompt(self, question: str) -> tuple[int, ...]:
        """As in training for a policy trained here; any other gets the tokens that its tokenizer sets before a text.

        What a tokenizer sets after a text, such as an end-of-text token, has no place in a prompt.
        """
        text = prompt_text(question, self.layout)
        bare = self._text(text)
        if self.layout == "rstar-sft":
            return bare
        tokens = list(self.tokenizer.encode(text))
        end = len(tokens) - len(bare)
        while end > 0 and tuple(tokens[end : end + len(bare)]) != bare:
            end -= 1
        return tuple(tokens[: end + len(bare)])

    def _encode_text(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))
