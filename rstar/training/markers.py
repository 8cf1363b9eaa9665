"""The markers of the solution format in a base model that does not know them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rstar.prompts import MARKERS

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def missing_markers(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Markers that `tokenizer` does not have as single tokens, in the order of `rstar.prompts.MARKERS`."""
    known = tokenizer.get_added_vocab()
    return [marker for marker in MARKERS if marker not in known]


def add_markers(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Make every marker a token of its own, with an embedding; returns those that were new, none for a second call.

    A new embedding starts near the mean of the others (transformers' `mean_resizing`), where it disturbs least. Rows
    that the model's table has to spare, as Qwen's do, are used before it grows. A tokenizer without a padding token
    pads with its end-of-text token; padded places are outside every loss.
    """
    new = missing_markers(tokenizer)
    if tokenizer.pad_token_id is None and tokenizer.eos_token is not None:
        tokenizer.pad_token = tokenizer.eos_token
    if new:
        tokenizer.add_special_tokens({"additional_special_tokens": new}, replace_extra_special_tokens=False)
        table: Any = model.get_input_embeddings()
        if len(tokenizer) > table.weight.shape[0]:
            model.resize_token_embeddings(len(tokenizer))
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id
    return new


def note(new: list[str], rows: int) -> str:
    """What was done, for the user."""
    return f"note: the base model's tokenizer lacked {', '.join(new)}; added as special tokens, {rows} embeddings now"
