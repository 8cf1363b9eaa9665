"""Where a generated step ends: at a token, or at a text that tokens spell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

EOS = "eos"
"""Name of the end-of-text token as a stop."""


@dataclass(frozen=True, slots=True)
class Stops:
    """The stops of an engine, ready to be looked up."""

    by_token: dict[int, str]
    """Token ids that are a stop by themselves, to the stop's name."""
    texts: tuple[str, ...]
    """Stop strings that several tokens spell."""
    is_stop: NDArray[np.bool_]
    """[vocabulary] whether a token is in `by_token`."""
    may_complete: NDArray[np.bool_]
    """[vocabulary] whether a token may bring one of `texts` to its end."""
    tokenizer: PreTrainedTokenizerBase

    def spelled(self, tokens: Sequence[int]) -> str | None:
        """The stop string that the last of the generated `tokens` completes, the earliest where there are several."""
        longest = max(map(len, self.texts))
        # Every token but a byte of a longer character writes at least one character.
        text = decoded(self.tokenizer, tokens[-4 * longest :])
        found = [(text.find(stop), stop) for stop in self.texts if stop in text]
        return min(found)[1] if found else None

    def cut(self, text: str, stop: str | None) -> str:
        """`text` up to the end of `stop`, where that is a spelled one: its last token may have written more."""
        if stop in self.texts and stop in text:
            return text[: text.index(stop) + len(stop)]
        return text


def make_stops(
    tokenizer: PreTrainedTokenizerBase, strings: Sequence[str], eos: Sequence[int], vocabulary: int
) -> Stops:
    """Stops for `strings`, one token each where the tokenizer has one for it, and for the end-of-text tokens `eos`."""
    by_token = dict.fromkeys(eos, EOS)
    texts: list[str] = []
    for string in strings:
        token = single_token(tokenizer, string)
        if token is None:
            texts.append(string)
        else:
            by_token[token] = string
    is_stop = np.zeros(vocabulary, dtype=np.bool_)
    is_stop[[token for token in by_token if token < vocabulary]] = True
    return Stops(by_token, tuple(texts), is_stop, _completers(tokenizer, texts, vocabulary), tokenizer)


def single_token(tokenizer: PreTrainedTokenizerBase, text: str) -> int | None:
    """The one token that always stands for `text`; None where there is none."""
    tokens = tokenizer.encode(text, add_special_tokens=False)
    is_whole = len(tokens) == 1 and text in tokenizer.get_added_vocab()
    return int(tokens[0]) if is_whole else None


def written(stops: Stops, last_token: int, tokens: tuple[int, ...], stop: str | None) -> tuple[str, tuple[int, ...]]:
    """The text of generated `tokens` that follow `last_token` and end with `stop`, and the tokens that spell it.

    Of the token that ended the text itself there is neither. Without tokens where the text ends inside of one.
    """
    tokens = tokens[:-1] if stop == EOS else tokens
    # A tokenizer that marks words by a space before them drops it at the start of a text.
    before = decoded(stops.tokenizer, (last_token,))
    both = decoded(stops.tokenizer, (last_token, *tokens))
    whole = both[len(before) :] if both.startswith(before) else decoded(stops.tokenizer, tokens)
    text = stops.cut(whole, stop)
    return text, tokens if text == whole else ()


def decoded(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> str:
    """The text of `tokens`, markers included, as it is."""
    text = tokenizer.decode(list(tokens), skip_special_tokens=False, clean_up_tokenization_spaces=False)
    assert isinstance(text, str)
    return text


def _completers(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], vocabulary: int) -> NDArray[np.bool_]:
    """Which tokens hold a whole stop string, or begin with one's end."""
    flags = np.zeros(vocabulary, dtype=np.bool_)
    if not texts:
        return flags
    ends = tuple({stop[start:] for stop in texts for start in range(len(stop))})
    for token in range(min(vocabulary, len(tokenizer))):
        text = decoded(tokenizer, [token])
        # A tokenizer that marks words may swallow the space before one when it decodes that word alone.
        flags[token] = text.startswith(ends) or f" {text}".startswith(ends) or any(stop in text for stop in texts)
    return flags
