"""A conversation as the text that a tokenizer's own chat template makes of it."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from tasks.types import InputError

TEMPLATE_DATE = "26 Jul 2024"
"""What the template of Llama 3.1 writes where nobody names a date; later ones write today's, and scores would drift."""


def chat_text(tokenizer: PreTrainedTokenizerBase, turns: Sequence[tuple[str, str]], family: str) -> str:
    """The text of `turns`, pairs of role and content. Raises InputError where the tokenizer has no chat template."""
    if not tokenizer.chat_template:
        raise InputError(
            f"reward model of the format {family}: its tokenizer has no chat template; use the tokenizer that the "
            "model was published with, or another --ppm-format"
        )
    messages = [{"role": role, "content": content} for role, content in turns]
    return str(tokenizer.apply_chat_template(messages, tokenize=False, date_string=TEMPLATE_DATE))
