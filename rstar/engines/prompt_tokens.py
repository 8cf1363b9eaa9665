"""Trajectories as token ids, step by step: what a policy has generated stays as it was generated.

The prompt, each step and each program output are tokenised apart, so that the tokens of a trajectory always begin with
those of its parent. With markers that are tokens of their own, which end every step, this is the same as tokenising the
whole text. The tokens of a generated step travel with it (`Step.token_ids`), through the journal too, so a policy's own
step is never tokenised again, also not by the process that goes on after a kill.
"""

from __future__ import annotations

from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from rstar.chat import PLAIN, check_template, messages_of, named_prompt
from rstar.prompts import TEMPLATED, Layout, prompt_text, step_text
from rstar.types import Step, Trajectory
from tasks.types import InputError


class PromptTokens:
    """Token ids of trajectories for one tokenizer and layout. Used from one thread."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, layout: Layout, *, is_writer: bool = False, template: str = ""
    ) -> None:
        """`is_writer` says that the steps' own tokens are of this tokenizer: they are kept as they are.

        A reward model reads text: its tokenizer may be another one, and its training has seen no other tokens than
        those of the text. `template` names a chat template (see `rstar.chat`) to take the place of the tokenizer's own.
        Raises InputError for an unknown layout or template, and where layout `chat` finds no template.
        """
        self.tokenizer, self.layout, self.is_writer, self.template = tokenizer, layout, is_writer, template
        prompt_text("", layout)
        check_template(template)
        if layout == "chat" and is_writer and not (template or self._has_template):
            raise InputError(
                "layout chat: the model's tokenizer has no chat template; name one with --chat-template, or use "
                "layout bootstrap"
            )
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
        if self.layout in TEMPLATED and self._has_template:
            return self._text(self._start + self._templated(question))
        text = prompt_text(question, self.layout)
        bare = self._text(text)
        if self.layout == "rstar-sft":
            return bare
        tokens = list(self.tokenizer.encode(text))
        end = len(tokens) - len(bare)
        while end > 0 and tuple(tokens[end : end + len(bare)]) != bare:
            end -= 1
        return tuple(tokens[: end + len(bare)])

    @property
    def _has_template(self) -> bool:
        return self.template != PLAIN and bool(self.template or self.tokenizer.chat_template)

    @property
    def _start(self) -> str:
        """The start-of-text token, which a tokenizer's own template writes itself."""
        adds = self.template and self.tokenizer.encode("")[:1] == [self.tokenizer.bos_token_id]
        return str(self.tokenizer.bos_token) if adds else ""

    def _templated(self, question: str) -> str:
        """The prompt with the chat template around it."""
        if self.template:
            return named_prompt(question, self.layout, self.template)
        messages = messages_of(question, self.layout)
        return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def _encode_text(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))
