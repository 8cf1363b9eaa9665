"""A reward model on a server that classifies: vLLM's `/classify`, or its `/pooling`. The value is that of a local PPM.

Chat and completion servers of other makes have no such route, and are refused in words.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from rstar.engines.server_address import KEY_VARIABLES, ServerAddress, parse_address, server_key
from rstar.engines.server_facts import stated_facts
from rstar.engines.server_link import MAX_IN_FLIGHT, REQUEST_SECONDS, ContextFull, Refused, ServerLink
from rstar.engines.server_retries import FIRST_PAUSE_SECONDS, Retryable
from rstar.engines.worker import EngineError
from rstar.prompts import Layout, prompt_text, solution_text
from rstar.types import Scores, Trajectory
from tasks.types import InputError

VALUE_SCALE = 5.0
"""As in `rstar.reward.ppm`: tanh(logit / 5), the released serving code."""
_PROBE = ("The sum is 4.", "The sum is 5, and so is the difference.")
_AGREE = 1e-3
"""Largest difference between a stated probability and the sigmoid of a stated logit, in half precision."""
Activation = Literal["none", "sigmoid"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A server's numbers for some texts."""

    numbers: tuple[float, ...]
    tokens: int
    cached_tokens: int


class ServerReward:
    """A `RewardModel`. Use it as a context manager, or call `close`."""

    def __init__(
        self,
        link: ServerLink,
        address: ServerAddress,
        path: str,
        activation: Activation,
        *,
        layout: Layout = "rstar-sft",
        facts: dict[str, Any] | None = None,
    ) -> None:
        """`path` is `/classify` or `/pooling`; `activation` is what its numbers have gone through already."""
        self.link, self.address, self.path, self.activation, self.layout = link, address, path, activation, layout
        self.scale = address.scale or VALUE_SCALE
        self.num_truncated = 0
        """Trajectories longer than the model's context, of which only the end was read."""
        self._facts = facts or {}

    @classmethod
    def open(
        cls,
        address: str,
        role: str,
        *,
        layout: Layout = "rstar-sft",
        max_in_flight: int = MAX_IN_FLIGHT,
        request_seconds: float = REQUEST_SECONDS,
        first_pause: float = FIRST_PAUSE_SECONDS,
    ) -> Self:
        """The reward model at `address` for `role` (ppm or orm). Raises InputError where the server has none."""
        place = parse_address(address, role)
        link = ServerLink(
            f"--{role} {place.url}",
            key=server_key(role),
            key_variable=KEY_VARIABLES[role],
            max_in_flight=max_in_flight,
            request_seconds=request_seconds,
            first_pause=first_pause,
        )
        try:
            facts, name = link.wait_for(stated_facts(link, place))
            place = ServerAddress(place.url, name, place.scale)
            path, activation = link.wait_for(_route(link, place))
            return cls(link, place, path, activation, layout=layout, facts=facts)
        except BaseException:
            link.close()
            raise

    def settings(self) -> dict[str, Any]:
        """What it runs with, for a record; no key is part of it."""
        return {**self._facts, "path": self.path, "activation": self.activation, "scale": self.scale}

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """The value of each trajectory after its last step. Raises EngineError where the server does not answer."""
        if not trajectories:
            return Scores((), 0, 0, 0.0)
        start = time.monotonic()
        texts = [prompt_text(each.problem.question, self.layout) + solution_text(each) for each in trajectories]
        try:
            judged = await self._judged(texts)
        except ContextFull:
            parts = await asyncio.gather(*map(self._judged_end, texts))
            judged = Judged(
                tuple(part.numbers[0] for part in parts),
                sum(part.tokens for part in parts),
                sum(part.cached_tokens for part in parts),
            )
        values = tuple(self._value(number) for number in judged.numbers)
        return Scores(values, judged.tokens, judged.cached_tokens, time.monotonic() - start)

    def close(self) -> None:
        """Hang up; requests that still wait get an EngineError."""
        self.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _value(self, number: float) -> float:
        if self.activation == "sigmoid":
            # A probability of 0 or 1 is a logit beyond what the server can show; the value is at its end there.
            number = min(max(number, 1e-9), 1 - 1e-9)
            number = math.log(number / (1 - number))
        return math.tanh(number / self.scale)

    async def _judged(self, texts: Sequence[str]) -> Judged:
        try:
            return await _ask(self.link, self.address, self.path, texts, use_activation=False)
        except Refused as error:
            raise EngineError(f"{self.link.name}: {error}") from error

    async def _judged_end(self, text: str) -> Judged:
        """The number for a text, or for as much of its end as the context holds: the end is what is judged."""
        kept = text
        while True:
            try:
                judged = await self._judged([kept])
            except ContextFull as error:
                if len(kept) < 2:
                    raise EngineError(f"{self.link.name}: no text is short enough: {error}") from error
                kept = kept[len(kept) // 4 :]
                continue
            self.num_truncated += kept != text
            return judged


async def _route(link: ServerLink, address: ServerAddress) -> tuple[str, Activation]:
    """The path that judges, and what its numbers have gone through. Raises InputError where there is none."""
    refusals = []
    for path in ("/classify", "/pooling"):
        try:
            raw = await _ask(link, address, path, _PROBE, use_activation=False, attempts=1)
            squashed = await _ask(link, address, path, _PROBE, use_activation=True, attempts=1)
        except (Refused, ContextFull, EngineError) as error:
            refusals.append(f"{path} {error}" if isinstance(error, Refused) else str(error))
            continue
        return path, _activation(link, raw.numbers, squashed.numbers)
    raise InputError(
        f"{link.name}: serves no reward model ({'; '.join(refusals)}); start vLLM with "
        "'vllm serve MODEL --runner pooling', or judge here with a model folder"
    )


def _activation(link: ServerLink, raw: Sequence[float], squashed: Sequence[float]) -> Activation:
    """Whether the numbers asked for as logits are some. A server that knows no such wish sends probabilities anyway."""
    if all(abs(1 / (1 + math.exp(-min(max(x, -500), 500))) - y) < _AGREE for x, y in zip(raw, squashed, strict=True)):
        return "none"
    if raw == squashed and all(0 <= value <= 1 for value in raw):
        return "sigmoid"
    raise InputError(f"{link.name}: its numbers are neither logits nor their sigmoid ({raw[0]:g}, {squashed[0]:g})")


async def _ask(
    link: ServerLink,
    address: ServerAddress,
    path: str,
    texts: Sequence[str],
    *,
    use_activation: bool,
    attempts: int | None = None,
) -> Judged:
    body = {
        "model": address.model,
        "input": list(texts),
        # As in training: the texts of a PPM trained here begin with no token of their own.
        "add_special_tokens": False,
        "use_activation": use_activation,
        **({"task": "classify"} if path == "/pooling" else {}),
    }

    def read(content: dict[str, Any]) -> Judged:
        return _read(link, content, len(texts))

    limit = {} if attempts is None else {"attempts": attempts}
    return await link.ask(f"{address.root}{path}", body, read, **limit)


def _read(link: ServerLink, content: dict[str, Any], count: int) -> Judged:
    """One finite number for each text. Raises Retryable for garbage, InputError for a model with several labels."""
    rows = content.get("data")
    if not isinstance(rows, list) or len(rows) != count or not all(isinstance(row, dict) for row in rows):
        raise Retryable(f"the reply does not hold {count} judgements")
    numbers: list[float] = []
    for row in sorted(rows, key=lambda row: row.get("index", 0)):
        found = row.get("probs", row.get("data"))
        if not isinstance(found, list) or not found or not all(isinstance(value, int | float) for value in found):
            raise Retryable("a judgement of the reply holds no numbers")
        if len(found) != 1:
            raise InputError(f"{link.name}: its model has {len(found)} labels; a reward model has one")
        if not math.isfinite(found[0]):
            raise Retryable("a judgement of the reply is no finite number")
        numbers.append(float(found[0]))
    usage = content.get("usage")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Judged(tuple(numbers), tokens if isinstance(tokens, int) else 0, cached if isinstance(cached, int) else 0)
