"""Chat templates: how a user's message becomes the text that a chat model was trained on.

A model brings its own template with its tokenizer, or a server applies it. For a model without one, and for a server
whose plain completions are used, a template can be named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rstar.prompts import Layout, prompt_text, request_text
from tasks.types import InputError

Message = dict[str, str]
"""`role` (system, user, assistant) and `content`, as chat servers and tokenizers take them."""


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """One user's message and the beginning of a reply, as text."""

    before: str
    """The start-of-text token is left out: servers and tokenizers set it themselves."""
    after: str

    def render(self, message: str) -> str:
        """The prompt of a reply to `message`."""
        return f"{self.before}{message}{self.after}"


TEMPLATES: Mapping[str, ChatTemplate] = {
    "chatml": ChatTemplate("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"),
    "llama-3": ChatTemplate(
        "<|start_header_id|>user<|end_header_id|>\n\n",
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    "gemma": ChatTemplate("<start_of_turn>user\n", "<end_of_turn>\n<start_of_turn>model\n"),
    "mistral": ChatTemplate("[INST] ", " [/INST]"),
}
"""By the families' published formats: ChatML (Qwen, Yi and others), Llama 3, Gemma 1 to 3, Mistral 7B Instruct."""


PLAIN = "plain"
"""Names the prompt without any template, for a base model whose tokenizer or server has one all the same."""


def check_template(name: str) -> None:
    """Raise InputError where `name` is neither empty nor `plain` nor a template's."""
    if name and name != PLAIN and name not in TEMPLATES:
        raise InputError(f"chat template {name!r} is unknown; use one of {', '.join((PLAIN, *TEMPLATES))}")


def named_prompt(question: str, layout: Layout, name: str) -> str:
    """The prompt of a layout that goes through a chat template, with the one called `name`.

    Raises InputError where there is no such template.
    """
    check_template(name)
    if name in TEMPLATES:
        return TEMPLATES[name].render(request_text(question, layout))
    return prompt_text(question, layout)


def messages_of(question: str, layout: Layout) -> list[Message]:
    """The messages before a solution: one of a user. Several models know no system message."""
    return [{"role": "user", "content": request_text(question, layout)}]
