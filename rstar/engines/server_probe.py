"""What a server can do, found out by a dozen tiny requests before any work, and what it cannot do in words."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rstar.engines.server_address import ServerAddress
from rstar.engines.server_facts import stated_facts
from rstar.engines.server_link import ContextFull, Refused, ServerLink
from rstar.engines.server_replies import Reply, StreamedText, read_reply
from rstar.engines.server_retries import Retryable
from rstar.engines.worker import EngineError
from rstar.prompts import Layout
from tasks.types import InputError

PROMPTS = (
    "1, 2, 3, 4, 5, 6, 7, 8,",
    "The quick brown fox jumps over the lazy dog. The quick brown fox",
    "a b c a b c a b",
)
"""What any model goes on from with more than a word. Chosen, not tuned."""
MAX_TOKENS = 16
"""Of a probe's reply."""
_CHARS_PER_TOKEN = 3.0
"""Of mathematics in English, where nothing is known. Chosen, not tuned."""
EXTRAS: Mapping[str, Any] = {
    "include_stop_str_in_output": True,
    "skip_special_tokens": False,
    "spaces_between_special_tokens": False,
    "no_stop_trim": True,
    "return_token_ids": True,
    "add_special_tokens": True,
}
"""Fields beyond OpenAI's that keep a step as it was written: vLLM's, and SGLang's `no_stop_trim`.

`add_special_tokens` is for a policy trained here, whose prompts begin with no start-of-text token.
"""
Route = Literal["completions", "chat"]
Stops = Literal["kept", "named", "dropped"]
"""What comes of a stop string that fired: it ends the text, is named beside it, or is gone."""
Seeds = Literal["honoured", "ignored", "unclear"]
_NO = (Refused, ContextFull, EngineError, Retryable)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a server was seen to do on one of its routes."""

    route: Route
    gives_many: bool
    """Whether `n` asks for several continuations at once."""
    seeds: Seeds
    stops: Stops
    streams: bool
    streams_many: bool
    """Whether it goes on with a stream when another request comes; llama-cpp-python hangs up, unless told not to."""
    gives_logprobs: bool
    counts: bool
    """Whether it states tokens used."""
    continues: bool
    """Whether it goes on from a beginning of the reply: always, but for some chat routes."""
    takes_token_ids: bool
    extras: Mapping[str, Any]
    """Those of `EXTRAS` that it takes."""
    chars_per_token: float
    """Of the probe, for lengths that have to be estimated."""
    model: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the server says of itself and of the model."""

    def lines(self, layout: Layout, *, keeps_tokens: bool = False) -> list[str]:
        """What it cannot do and what that means for `layout`, a line each; `keeps_tokens`: prompts are tokens."""
        has_steps, is_dropped = layout != "cot", self.stops == "dropped"
        said = {
            "seeds are ignored: the same run again writes other steps (a resumed one replays its own)": (
                self.seeds == "ignored"
            ),
            "whether seeds are honoured could not be seen: the probe's replies were all the same": (
                self.seeds == "unclear"
            ),
            "n is ignored: every candidate is a request of its own": not self.gives_many,
            "a stop string is dropped from the text and not named: steps are streamed and cut here, and the tokens of "
            "their prompts are estimated": has_steps and is_dropped,
            "a stream is hung up on when another request comes, so requests are sent one at a time (start "
            "llama-cpp-python with --interrupt_requests false)": has_steps and is_dropped and not self.streams_many,
            "no log-probabilities: search variant puct cannot be used": not self.gives_logprobs
            or (has_steps and is_dropped),
            "no token counts: tokens are estimated from the length of the text": not self.counts,
            "prompts are text: the server tokenises generated steps again": has_steps and not keeps_tokens,
        }
        return [f"{_NAMES[self.route]}: {line}" for line, holds in said.items() if holds]


_NAMES: Mapping[Route, str] = {"completions": "completions", "chat": "chat completions"}


async def probe(link: ServerLink, address: ServerAddress, route: Route) -> Abilities:
    """What `address` can do on `route`. Raises InputError where it does not serve the model or the route at all."""
    facts, model = await stated_facts(link, address)
    asked = _Asked(
        link, f"{address.url}{'/completions' if route == 'completions' else '/chat/completions'}", route, model
    )
    extras = await asked.accepted()
    prompt, text, reply = await asked.greedy(extras)
    used = reply.completion_tokens
    ratio = len(text) / used if used and text else _CHARS_PER_TOKEN
    # One after the other: some servers hang up on a stream when another request comes.
    return Abilities(
        route=route,
        gives_many=await asked.many(prompt),
        seeds=await asked.seeds(prompt),
        stops=await asked.stops(prompt, text, extras),
        streams=(streams := await asked.streams(prompt)),
        streams_many=streams and await asked.streams_many(prompt),
        gives_logprobs=await asked.logprobs(prompt),
        counts=reply.prompt_tokens is not None,
        continues=await asked.continues(prompt),
        takes_token_ids=await asked.token_ids(reply),
        extras=extras,
        chars_per_token=min(max(ratio, 1.0), 2 * _CHARS_PER_TOKEN),
        model=model,
        facts=facts,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """Tiny requests to one route."""

    link: ServerLink
    url: str
    route: Route
    model: str

    async def accepted(self) -> dict[str, Any]:
        """The extras that the server takes: all, or those that it takes one by one. The first request of all."""
        try:
            await self.reply(PROMPTS[0], max_tokens=1, attempts=5)
        except (Refused, ContextFull) as error:
            raise InputError(self.refusal(error)) from error
        if await self.works(PROMPTS[0], max_tokens=1, **EXTRAS):
            return dict(EXTRAS)
        names = list(EXTRAS)
        taken = await asyncio.gather(*(self.works(PROMPTS[0], max_tokens=1, **{name: EXTRAS[name]}) for name in names))
        return {name: EXTRAS[name] for name, is_taken in zip(names, taken, strict=True) if is_taken}

    def refusal(self, error: Exception) -> str:
        """Why the very first request failed, and what to do."""
        if isinstance(error, Refused) and error.status in (404, 405, 501):
            other = "a layout that needs none, with completions" if self.route == "chat" else "layout cot or chat"
            return (
                f"{self.link.name}: {self.url} {error}; either model {self.model!r} is not there, or the server has no "
                f"such route: check the name, or use {other}"
            )
        hint = "; name one with --chat-template" if "chat template" in str(error) else ""
        return f"{self.link.name}: refuses a plain request for model {self.model!r}: {error}{hint}"

    async def greedy(self, extras: Mapping[str, Any]) -> tuple[str, str, Reply]:
        """A prompt that the model goes on from, its likeliest continuation, and the whole reply."""
        best: tuple[str, str, Reply] | None = None
        for prompt in PROMPTS:
            found = await self.reply(prompt, temperature=0, **extras, attempts=5)
            text = found.choices[0].text
            if best is None or len(text) > len(best[1]):
                best = (prompt, text, found)
            if len(text) >= MAX_TOKENS:
                break
        assert best is not None, "there are prompts"
        return best

    async def many(self, prompt: str) -> bool:
        found = await self.maybe(prompt, temperature=1, n=2)
        return found is not None and len(found.choices) == 2

    async def seeds(self, prompt: str) -> Seeds:
        """Two replies with one seed and two with others, at a temperature that makes them differ."""
        asked = [self.maybe(prompt, temperature=1.5, seed=seed) for seed in (11, 11, 12, 13)]
        texts = [found.choices[0].text if found else None for found in await asyncio.gather(*asked)]
        if None in texts:
            return "ignored"
        if len(set(texts)) == 1:
            return "unclear"
        return "honoured" if texts[0] == texts[1] else "ignored"

    async def stops(self, prompt: str, text: str, extras: Mapping[str, Any]) -> Stops:
        """Stop at two characters from the middle of a known text, and see what becomes of them."""
        stop = text[len(text) // 2 :][:2]
        if len(stop) < 2:
            return "dropped"
        found = await self.maybe(prompt, temperature=0, stop=[stop], **extras)
        if found is None:
            return "dropped"
        choice = found.choices[0]
        if choice.text.endswith(stop) and choice.reason == "stop":
            return "kept"
        return "named" if choice.stop == stop else "dropped"

    async def streams(self, prompt: str) -> bool:
        heard = StreamedText(())
        try:
            await self.link.stream(self.url, self.body(prompt, stream=True), heard.take, attempts=1)
        except _NO:
            return False
        return bool(heard.text)

    async def streams_many(self, prompt: str) -> bool:
        """Whether several streams at a time are left alone; longer ones, so that they overlap."""
        heard = [StreamedText(()) for _ in range(4)]
        body = self.body(prompt, stream=True, temperature=1) | {"max_tokens": 4 * MAX_TOKENS}
        try:
            await asyncio.gather(*(self.link.stream(self.url, body, each.take, attempts=1) for each in heard))
        except _NO:
            return False
        return True

    async def logprobs(self, prompt: str) -> bool:
        wanted: dict[str, Any] = {"logprobs": 1} if self.route == "completions" else {"logprobs": True}
        found = await self.maybe(prompt, **wanted)
        return found is not None and found.choices[0].logprob is not None

    async def continues(self, prompt: str) -> bool:
        """Whether a chat route goes on from an assistant's message: the template then ends with it, and is shorter."""
        if self.route == "completions":
            return True
        begun = [{"role": "user", "content": prompt}, {"role": "assistant", "content": "9, 10,"}]
        asked = (self.maybe(begun), self.maybe(begun, **CONTINUE))
        closed, opened = await asyncio.gather(*asked)
        if closed is None or opened is None or closed.prompt_tokens is None or opened.prompt_tokens is None:
            return False
        return opened.prompt_tokens < closed.prompt_tokens

    async def token_ids(self, reply: Reply) -> bool:
        """Whether a prompt may be tokens, so that generated ones can be sent back as they are."""
        ids = reply.choices[0].token_ids
        return bool(ids) and self.route == "completions" and await self.works(list(ids))

    async def works(self, prompt: Any, **fields: Any) -> bool:
        return await self.maybe(prompt, **fields) is not None

    async def maybe(self, prompt: Any, **fields: Any) -> Reply | None:
        """A reply, None where the server does not give one."""
        try:
            return await self.reply(prompt, **fields)
        except _NO:
            return None

    async def reply(self, prompt: Any, attempts: int = 1, **fields: Any) -> Reply:
        return await self.link.ask(self.url, self.body(prompt, **fields), read_reply, attempts=attempts)

    def body(self, prompt: Any, **fields: Any) -> dict[str, Any]:
        if self.route == "completions":
            start: dict[str, Any] = {"prompt": prompt}
        else:
            start = {"messages": [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt}
        return {"model": self.model, **start, "max_tokens": MAX_TOKENS, **fields}


CONTINUE: Mapping[str, Any] = {"continue_final_message": True, "add_generation_prompt": False}
"""How vLLM and SGLang are told to go on from the last message."""
