"""What a server's completion says, checked: choices become candidates, and anything else is asked for again."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rstar.engines.server_retries import Retryable

EOS = "eos"
"""Name of the end-of-text token as a stop, as in `rstar.engines.stops`."""
_CUT_OFF = ("length", "max_tokens", "content_filter")
"""Reasons of a reply that is not at its end. A filtered one is none either: what came before it was no answer."""
_ENDED = ("stop", "eos", "eos_token", "end_turn", "stop_sequence")
"""Reasons of a reply that is: OpenAI's `stop`, and what TGI and some gateways say in its place."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One continuation as the server gave it."""

    text: str
    reason: str
    """`length` or `stop`, however the server calls it."""
    stop: str | None = None
    """The stop string that fired, where the server names it."""
    token_ids: tuple[int, ...] = ()
    logprob: float | None = None
    """Sum over its tokens, in nats."""
    num_tokens: int | None = None
    """Where the server lists its tokens."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One checked completion."""

    choices: tuple[Choice, ...]
    prompt_tokens: int | None
    """None where the server states no usage."""
    completion_tokens: int | None
    cached_tokens: int = 0


def read_reply(content: dict[str, Any]) -> Reply:
    """The choices of a completion or a chat completion. Raises Retryable for anything that is neither."""
    choices = content.get("choices")
    if not isinstance(choices, list) or not choices:
        raise Retryable(f"the reply holds no choices (it has {', '.join(list(content)[:5]) or 'nothing'})")
    return Reply(tuple(map(_choice, choices)), *_usage(content))


def _choice(found: Any) -> Choice:
    if not isinstance(found, dict):
        raise Retryable("a choice of the reply is no object")
    message = found.get("message")
    text = message.get("content") if isinstance(message, dict) else found.get("text")
    if text is None and isinstance(message, dict):
        text = ""
    if not isinstance(text, str):
        raise Retryable("a choice of the reply holds no text")
    reason = found.get("finish_reason")
    if reason not in _CUT_OFF and reason not in _ENDED:
        raise Retryable(f"a choice of the reply ended for the reason {reason!r}")
    stop = found.get("stop_reason", found.get("matched_stop"))
    tokens = _whole_numbers(found.get("token_ids"))
    logprob, num_tokens = _logprobs(found.get("logprobs"))
    return Choice(
        _storable(text),
        "length" if reason in _CUT_OFF else "stop",
        stop if isinstance(stop, str) else None,
        tokens,
        logprob,
        len(tokens) or num_tokens,
    )


def _storable(text: str) -> str:
    """`text` with every half of a character, which no later request could hold, replaced."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _whole_numbers(value: Any) -> tuple[int, ...]:
    is_list = isinstance(value, list) and all(isinstance(each, int) and each >= 0 for each in value)
    return tuple(value) if is_list else ()


def _logprobs(found: Any) -> tuple[float | None, int | None]:
    """Sum and number of the tokens' log-probabilities, as completions and as chat completions list them."""
    if not isinstance(found, dict):
        return None, None
    values = found.get("token_logprobs")
    if values is None and isinstance(found.get("content"), list):
        values = [each.get("logprob") if isinstance(each, dict) else None for each in found["content"]]
    if not isinstance(values, list) or not all(isinstance(value, int | float) for value in values):
        return None, None
    total = float(sum(values))
    return (min(total, 0.0), len(values)) if math.isfinite(total) else (None, len(values))


def _usage(content: dict[str, Any]) -> tuple[int | None, int | None, int]:
    usage = content.get("usage")
    if not isinstance(usage, dict):
        return None, None, 0
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")), cached or 0


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


@dataclass(frozen=True, slots=True)
class Ended:
    """A continuation's text as a step has it, and what ended it."""

    text: str
    """With the stop string where one fired."""
    stop: str | None
    is_whole: bool
    """Whether the text is all that was generated, so that its tokens are the step's; never where a token ended it."""


_END_TOKEN = re.compile(r"(?:<\|[\w-]+\|>|</s>|<eos>|<end_of_turn>|<｜[^｜<>]+｜>)\Z")
"""The end-of-text tokens of the common families, which a server shows where it is told to show markers."""


def ended(choice: Choice, stops: Sequence[str]) -> Ended:
    """The text of a choice up to its first stop string, that included, and what ended it.

    A server that has dropped the string and named it has it put back.
    """
    first = first_stop(choice.text, stops)
    if first is not None:
        end = choice.text.index(first) + len(first)
        return Ended(choice.text[:end], first, end == len(choice.text))
    if choice.reason == "length":
        return Ended(choice.text, None, True)
    if choice.stop in stops:
        return Ended(f"{choice.text}{choice.stop}", choice.stop, True)
    return Ended(_END_TOKEN.sub("", choice.text), EOS, False)


def first_stop(text: str, stops: Sequence[str]) -> str | None:
    """The stop string that comes first in `text`, None where there is none."""
    found = [(text.find(stop), stop) for stop in stops if stop in text]
    return min(found)[1] if found else None


def shares(total: int, texts: Sequence[str]) -> list[int]:
    """`total` tokens shared out by the lengths of `texts`, for a server that states only their sum."""
    lengths = [len(text) + 1 for text in texts]
    ends, so_far = [0], 0
    for length in lengths:
        so_far += length
        ends.append(total * so_far // sum(lengths))
    return [end - start for start, end in pairwise(ends)]


class StreamedText:
    """A continuation that arrives piece by piece, ended by the first stop string that it spells."""

    def __init__(self, stops: Sequence[str]) -> None:
        self.stops = stops
        self._begin()

    def _begin(self) -> None:
        self.text, self.num_pieces = "", 0
        self.stop: str | None = None
        self.usage: tuple[int | None, int | None, int] = (None, None, 0)
        self._reason: str | None = None

    def take(self, event: Any) -> bool:
        """Add an event; None begins anew, "end" is the stream's. True when nothing more is wanted.

        Raises Retryable for what is no event, and for a stream that ends before its text does.
        """
        if event is None:
            self._begin()
            return False
        if event == "end":
            if self._reason is None:
                raise Retryable("the stream broke off")
            return True
        if not isinstance(event, dict):
            raise Retryable("an event of the stream is no object")
        if isinstance(event.get("usage"), dict):
            self.usage = _usage(event)
        for choice in event.get("choices") or []:
            if self._add(choice):
                return True
        # What is stated after the last piece is the usage; a server that states none ends with `[DONE]`.
        return self._reason is not None and self.usage[0] is not None

    def ended(self) -> Ended:
        """The text and what ended it, once nothing more is wanted."""
        if self.stop is not None:
            end = self.text.index(self.stop) + len(self.stop)
            return Ended(self.text[:end], self.stop, end == len(self.text))
        if self._reason in _CUT_OFF:
            return Ended(self.text, None, True)
        return Ended(_END_TOKEN.sub("", self.text), EOS, False)

    def _add(self, choice: Any) -> bool:
        if not isinstance(choice, dict):
            raise Retryable("a choice of the stream is no object")
        delta = choice.get("delta")
        piece = delta.get("content") if isinstance(delta, dict) else choice.get("text")
        if isinstance(piece, str) and piece:
            piece = _storable(piece)
            before = len(self.text)
            self.text += piece
            self.num_pieces += 1
            longest = max(map(len, self.stops), default=0)
            if first_stop(self.text[max(before - longest, 0) :], self.stops) is not None:
                self.stop = first_stop(self.text, self.stops)
                return True
        reason = choice.get("finish_reason")
        if reason is not None:
            self._reason = str(reason)
        return False
