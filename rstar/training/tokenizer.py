"""A small byte-level BPE tokenizer for a policy that is trained from scratch.

Digits stand alone, so a number is read and written place by place and never glued to a word. The markers of
`rstar.prompts` are one token each. All 256 bytes are in the vocabulary, so any text can be encoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rstar.prompts import MARKERS
from tasks.types import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END_OF_TEXT, PADDING = "<|endoftext|>", "<|pad|>"
SPECIAL = (PADDING, END_OF_TEXT, *MARKERS)
"""Tokens 0 to 10, in this order."""
SMALLEST = 256 + len(SPECIAL)
MAX_LENGTH = 2048
"""Positions of the tiny models; what the tokenizer states as the longest input."""

# A comment sign with its line break; one digit; an operator with the spaces around it; a word with the space before it;
# spaces; any other sign, with the space before it.
_PIECES = r"\n# ?|[0-9]| ?[-=+*/%<>^&@~]+ ?| ?[^\W\d]+|\s+| ?[^\s\w]|[^\s]"


def train_tokenizer(texts: Iterable[str], num_tokens: int) -> PreTrainedTokenizerFast:
    """A tokenizer of `num_tokens` tokens (or fewer, if `texts` repeat too little); same texts, same tokenizer.

    Raises InputError for fewer than 267 tokens: the bytes and the markers.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    if num_tokens < SMALLEST:
        raise InputError(
            f"a tokenizer of {num_tokens} tokens has no room for bytes and markers; use {SMALLEST} or more"
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=num_tokens,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=PADDING,
        eos_token=END_OF_TEXT,
        additional_special_tokens=list(MARKERS),
        clean_up_tokenization_spaces=False,
        model_max_length=MAX_LENGTH,
    )
