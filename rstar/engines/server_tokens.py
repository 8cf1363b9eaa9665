"""Prompts as tokens for a server that takes and returns them: what a policy has written stays as it was written.

The server tokenises the prompt, and each program's output, once; the tokens of a step are those that it generated.
Other servers get text, which they tokenise again and may tokenise otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from rstar.engines.server_address import ServerAddress
from rstar.engines.server_link import ContextFull, Refused, ServerLink
from rstar.engines.server_retries import Retryable
from rstar.engines.worker import EngineError
from rstar.prompts import step_text
from rstar.types import Trajectory
from tasks.types import InputError

MAX_REMEMBERED = 1 << 16
"""Texts whose tokens are kept. Chosen, not tuned."""


class ServedTokens:
    """Tokens of trajectories, in the server's own tokenizer."""

    def __init__(self, link: ServerLink, url: str, model: str, *, adds_start: bool) -> None:
        """`adds_start`: whether a prompt begins with the tokens that the tokenizer sets before a text."""
        self._link, self._url, self._model, self._adds_start = link, url, model, adds_start
        self._known: dict[tuple[str, bool], tuple[int, ...]] = {}

    async def of(self, prompt: str, trajectory: Trajectory) -> list[int]:
        """The tokens of `prompt` and of the solution so far. Raises EngineError where the server does not answer."""
        texts: list[tuple[str, bool]] = [(prompt, self._adds_start)]
        parts: list[tuple[int, ...] | None] = [None]
        for step in trajectory.steps:
            output = step_text(step)[len(step.text) :]
            for text, tokens in ((step.text, step.token_ids), (output, ())):
                if text:
                    texts.append((text, False))
                    parts.append(tokens or None)
        found = await asyncio.gather(
            *(self.encode(*text) for text, part in zip(texts, parts, strict=True) if part is None)
        )
        encoded = iter(found)
        return [token for part in parts for token in (next(encoded) if part is None else part)]

    async def encode(self, text: str, adds_start: bool = False) -> tuple[int, ...]:
        """The tokens of one text."""
        key = (text, adds_start)
        if key not in self._known:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            body = {"model": self._model, "prompt": text, "add_special_tokens": adds_start}
            try:
                self._known[key] = await self._link.ask(self._url, body, _tokens)
            except Refused as error:
                raise EngineError(f"{self._link.name}: {error}") from error
        return self._known[key]


async def served_tokens(
    link: ServerLink, address: ServerAddress, model: str, stops: Sequence[str], *, adds_start: bool
) -> ServedTokens | None:
    """The server's tokens; None where it has no tokenizer to ask, or a stop string is several tokens.

    The last token of such a stop may hold more, and the tokens of a step would then say more than the step does.
    """
    tokens = ServedTokens(link, f"{address.root}/tokenize", model, adds_start=adds_start)
    try:
        lengths = [len(await tokens.encode(stop)) for stop in stops]
    except (EngineError, ContextFull, InputError):
        return None
    return tokens if lengths and set(lengths) == {1} else None


def _tokens(content: dict[str, Any]) -> tuple[int, ...]:
    found = content.get("tokens")
    if not isinstance(found, list) or not all(isinstance(each, int) and each >= 0 for each in found):
        raise Retryable("the reply holds no tokens")
    return tuple(found)
