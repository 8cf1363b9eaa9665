"""Trajectories as token ids, step by step: what a policy has generated stays as it was generated.

The prompt, each step and each program output are tokenised apart, so that the tokens of a trajectory always begin with
those of its parent. With markers that are tokens of their own, which end every step, this is the same as tokenising the
whole text. Training on step values must tokenise in the same way, with this class.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from rstar.prompts import Layout, prompt_text, step_text
from rstar.types import Step, Trajectory

MAX_REMEMBERED = 1 << 17
"""Generated steps whose token ids are kept, about 0.5 KB each. Chosen, not tuned."""


class PromptTokens:
    """Token ids of trajectories for one tokenizer and layout. Used from one thread."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, layout: Layout) -> None:
        """Raises InputError for an unknown layout."""
        self.tokenizer, self.layout = tokenizer, layout
        prompt_text("", layout)
        self._prompt = lru_cache(maxsize=4096)(self._encode_prompt)
        self._text = lru_cache(maxsize=1 << 16)(self._encode_text)
        self._generated: OrderedDict[tuple[str, ...], tuple[int, ...]] = OrderedDict()

    def of(self, trajectory: Trajectory) -> tuple[int, ...]:
        """Prompt and solution so far; a step that was generated here in the tokens that it was generated in."""
        question = trajectory.problem.question
        tokens = list(self._prompt(question))
        address: tuple[str, ...] = (question,)
        for step in trajectory.steps:
            address = (*address, step.text)
            tokens += self._step(address, step)
        return tuple(tokens)

    def remember(self, prefix: Trajectory, text: str, tokens: tuple[int, ...]) -> None:
        """Keep the tokens of a step that followed `prefix`; the first ones where the same text came in several."""
        address = (prefix.problem.question, *(step.text for step in prefix.steps), text)
        if address not in self._generated:
            self._generated[address] = tokens
            if len(self._generated) > MAX_REMEMBERED:
                self._generated.popitem(last=False)

    def _step(self, address: tuple[str, ...], step: Step) -> tuple[int, ...]:
        tokens = self._generated.get(address)
        if tokens is None:
            tokens = self._text(step.text)
        else:
            self._generated.move_to_end(address)
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
