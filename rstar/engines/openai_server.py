"""A policy on any server that speaks OpenAI's completions or chat completions: vLLM, SGLang, llama.cpp, TGI, hosted.

What the server can do is found out at the start (`server_probe`). Where it returns a step with its stop string, or
names that, a proposal is one request for all candidates; where it drops the string, each candidate is streamed, and the
stream is hung up at the step's end. Chat templates are applied by the server's chat route, or here where one is named.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from rstar.chat import check_template, messages_of, named_prompt
from rstar.engines.server_address import KEY_VARIABLES, ServerAddress, parse_address, server_key
from rstar.engines.server_link import MAX_IN_FLIGHT, REQUEST_SECONDS, ContextFull, Refused, ServerLink
from rstar.engines.server_probe import CONTINUE, Abilities, Route, probe
from rstar.engines.server_replies import Choice, Reply, StreamedText, ended, read_reply, shares
from rstar.engines.server_retries import FIRST_PAUSE_SECONDS
from rstar.engines.server_tokens import ServedTokens, served_tokens
from rstar.engines.worker import EngineError
from rstar.prompts import TEMPLATED, Layout, prompt_text, settled_stop, solution_text, stops_of
from rstar.seeds import derive
from rstar.types import Candidate, Proposal, Trajectory
from tasks.types import InputError

MAX_SEED = 2**31
"""Below this every server's seed field can hold it; llama.cpp has 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a policy's steps are drawn; the fields of a run's spec."""

    max_new_tokens: int = 2048
    max_context_tokens: int = 4096
    """Of prompt and solution together, as far as their lengths are known before a request: they are estimated."""
    top_p: float = 1.0
    top_k: int = 0
    wants_logprobs: bool = False


class ServerPolicy:
    """A `Policy`. Use it as a context manager, or call `close`: its connections live in a thread of their own."""

    def __init__(
        self,
        link: ServerLink,
        url: str,
        can: Abilities,
        *,
        layout: Layout,
        chat_template: str = "",
        sampling: Sampling | None = None,
        tokens: ServedTokens | None = None,
    ) -> None:
        """`can` is what the probe of `url`, the base of the OpenAI paths, has found; `tokens` None sends text.

        Raises InputError where the server cannot serve the layout.
        """
        check_template(chat_template)
        self.link, self.can, self.layout, self.template, self.tokens = link, can, layout, chat_template, tokens
        self.sampling = sampling or Sampling()
        self.stops = stops_of(layout)
        self._url = f"{url}{'/completions' if can.route == 'completions' else '/chat/completions'}"
        self._check()
        if self._streams and not can.streams_many:
            link.one_at_a_time()

    @classmethod
    def open(
        cls,
        address: str,
        *,
        layout: Layout = "rstar-sft",
        chat_template: str = "",
        sampling: Sampling | None = None,
        max_in_flight: int = MAX_IN_FLIGHT,
        request_seconds: float = REQUEST_SECONDS,
        first_pause: float = FIRST_PAUSE_SECONDS,
    ) -> Self:
        """A policy on the server at `address`, see `server_address`; the key is taken from the environment.

        `first_pause` is that before the second attempt of a request, in seconds. Raises InputError where there is no
        such server or model, or where it cannot serve the layout.
        """
        place = parse_address(address, "policy")
        link = ServerLink(
            f"--policy {place.url}",
            key=server_key("policy"),
            key_variable=KEY_VARIABLES["policy"],
            max_in_flight=max_in_flight,
            request_seconds=request_seconds,
            first_pause=first_pause,
        )
        try:
            can = link.wait_for(probe(link, place, route_of(layout, chat_template)))
            tokens = link.wait_for(_tokens(link, place, can, layout)) if can.takes_token_ids else None
            return cls(
                link, place.url, can, layout=layout, chat_template=chat_template, sampling=sampling, tokens=tokens
            )
        except BaseException:
            link.close()
            raise

    def lines(self) -> list[str]:
        """What the server cannot do and what that means, a line each."""
        return self.can.lines(self.layout, keeps_tokens=self.tokens is not None)

    def settings(self) -> dict[str, Any]:
        """What it runs with, for a record; no key is part of it."""
        can = self.can
        return {
            "policy_server": {
                **can.facts,
                "route": can.route,
                "seeds": can.seeds,
                "stops": can.stops,
                "streamed": self._streams,
                "n": can.gives_many,
                "keeps_tokens": self.tokens is not None,
                "cannot": self.lines(),
            }
        }

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        """`num_candidates` next steps. A prefix that fills the context gets empty ones, as cut off by the length cap.

        Raises EngineError where the server does not answer, InputError where it asks for another key.
        """
        if num_candidates < 1 or temperature < 0:
            raise ValueError(f"num_candidates = {num_candidates}, temperature = {temperature}")
        start = time.monotonic()
        # The likeliest continuation is the same each time, and several servers refuse to draw it twice.
        count = 1 if temperature == 0 else num_candidates
        body = self._body(temperature)
        if self.tokens is None:
            body |= self._prompt(prefix)
            length = self._estimated(prefix)
        else:
            body["prompt"] = await self.tokens.of(self._start(prefix), prefix)
            length = len(body["prompt"])
        cap = min(self.sampling.max_new_tokens, self._max_context - length)
        candidates, prompt_tokens, cached = await self._candidates(body, cap, count, seed)
        candidates = candidates if count == num_candidates else candidates * num_candidates
        prompt_tokens = length if prompt_tokens is None else prompt_tokens
        return Proposal(candidates, prompt_tokens, min(cached, prompt_tokens), time.monotonic() - start)

    def close(self) -> None:
        """Hang up; requests that still wait get an EngineError."""
        self.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _max_context(self) -> int:
        """Tokens of prompt and solution: what is allowed, or what the model has where the server states that."""
        stated = self.can.facts.get("max_model_len")
        allowed = self.sampling.max_context_tokens
        return min(allowed, stated) if isinstance(stated, int) and stated > 0 else allowed

    @property
    def _streams(self) -> bool:
        return self.can.stops == "dropped" and self.layout != "cot"

    def _check(self) -> None:
        """Raise InputError for what the probe has shown to be impossible."""
        if self._streams and not self.can.streams:
            raise InputError(
                f"{self.link.name}: drops stop strings and streams nothing, so the end of a step cannot be seen; use "
                "--layout cot, which has no steps"
            )
        if self.layout != "cot" and not self.can.continues:
            raise InputError(
                f"{self.link.name}: does not go on from the beginning of a reply, which layout {self.layout} needs; "
                "use --layout cot, or name its template with --chat-template if the server has plain completions"
            )
        if self.sampling.wants_logprobs and (self._streams or not self.can.gives_logprobs):
            raise InputError(
                f"{self.link.name}: gives no log-probabilities, which search variant puct needs; use variant paper"
            )

    def _body(self, temperature: float) -> dict[str, Any]:
        """A request without its prompt, length, number and seed."""
        sampling = self.sampling
        body: dict[str, Any] = {"model": self.can.model, "temperature": temperature}
        if sampling.top_p < 1:
            body["top_p"] = sampling.top_p
        if sampling.top_k:
            body["top_k"] = sampling.top_k
        if sampling.wants_logprobs:
            body["logprobs"] = 1 if self.can.route == "completions" else True
        extras = dict(self.can.extras)
        if self.layout in TEMPLATED:
            # A chat model's special tokens are its own business; only a model trained here has markers among them.
            extras.pop("skip_special_tokens", None)
        if not self._streams:
            body |= {"stop": list(self.stops), **extras}
        elif "skip_special_tokens" in extras:
            body["skip_special_tokens"] = False
        if "add_special_tokens" in extras:
            # As in training: the prompts of a policy trained here begin with no token of their own.
            body["add_special_tokens"] = self.can.route == "completions" and self.layout != "rstar-sft"
        return body

    def _prompt(self, prefix: Trajectory) -> dict[str, Any]:
        if self.can.route == "completions":
            return {"prompt": self._text(prefix)}
        messages = messages_of(prefix.problem.question, self.layout)
        if not prefix.steps:
            return {"messages": messages}
        return {"messages": [*messages, {"role": "assistant", "content": solution_text(prefix)}], **CONTINUE}

    def _text(self, prefix: Trajectory) -> str:
        """Prompt and solution so far."""
        return self._start(prefix) + solution_text(prefix)

    def _start(self, prefix: Trajectory) -> str:
        """What stands before the solution."""
        question = prefix.problem.question
        if self.layout in TEMPLATED:
            return named_prompt(question, self.layout, self.template)
        return prompt_text(question, self.layout)

    def _estimated(self, prefix: Trajectory) -> int:
        """Tokens of the prompt, by the ratio that the probe has seen."""
        return round(len(self._text(prefix)) / self.can.chars_per_token)

    async def _candidates(
        self, body: dict[str, Any], cap: int, count: int, seed: int
    ) -> tuple[tuple[Candidate, ...], int | None, int]:
        """The candidates, the prompt's tokens where they are stated, and the cached ones among them.

        A request that the server calls too long is made again with a quarter of the new tokens, until none are left.
        """
        ask = self._streamed if self._streams else self._whole
        while cap >= 1:
            try:
                return await ask(body | {"max_tokens": cap}, count, seed)
            except ContextFull:
                cap //= 4
            except Refused as error:
                raise EngineError(f"{self.link.name}: {error}") from error
        return (Candidate("", (), 0, None, None),) * count, None, 0

    async def _whole(
        self, body: dict[str, Any], count: int, seed: int
    ) -> tuple[tuple[Candidate, ...], int | None, int]:
        """Candidates by requests that are answered whole: one for all, or one for each where the server ignores `n`."""
        per_request = count if self.can.gives_many else 1
        asked = [self._reply(body, per_request, derive(seed, number)) for number in range(count // per_request)]
        replies = await asyncio.gather(*asked)
        more = 0
        while sum(len(reply.choices) for reply in replies) < count:
            replies.append(await self._reply(body, 1, derive(seed, "more", more)))
            more += 1
        candidates = [each for reply in replies for each in self._read(reply)]
        return tuple(candidates[:count]), replies[0].prompt_tokens, replies[0].cached_tokens

    async def _reply(self, body: dict[str, Any], count: int, seed: int) -> Reply:
        asked = body | {"seed": seed % MAX_SEED} | ({"n": count} if count > 1 else {})
        return await self.link.ask(self._url, asked, read_reply, seed)

    def _read(self, reply: Reply) -> list[Candidate]:
        texts = [choice.text for choice in reply.choices]
        total = reply.completion_tokens
        counts = shares(self._num_tokens("".join(texts)) if total is None else total, texts)
        return [self._candidate(choice, count) for choice, count in zip(reply.choices, counts, strict=True)]

    def _candidate(self, choice: Choice, num_tokens: int) -> Candidate:
        end = ended(choice, self.stops)
        num_tokens = num_tokens if choice.num_tokens is None else choice.num_tokens
        tokens = choice.token_ids if self.tokens is not None and end.is_whole else ()
        return Candidate(end.text, tokens, num_tokens, choice.logprob, settled_stop(end.text, end.stop, self.layout))

    async def _streamed(
        self, body: dict[str, Any], count: int, seed: int
    ) -> tuple[tuple[Candidate, ...], int | None, int]:
        """Candidates by streams that are hung up at the end of the step."""
        heard: Sequence[StreamedText] = [StreamedText(self.stops) for _ in range(count)]
        body = body | {"stream": True}
        asked = [
            self.link.stream(
                self._url, body | {"seed": derive(seed, number) % MAX_SEED}, each.take, derive(seed, number)
            )
            for number, each in enumerate(heard)
        ]
        await asyncio.gather(*asked)
        candidates = tuple(map(self._heard, heard))
        return candidates, heard[0].usage[0], heard[0].usage[2]

    def _heard(self, heard: StreamedText) -> Candidate:
        """A streamed candidate; servers send a piece for each token, so a stream that was hung up counts its pieces."""
        end = heard.ended()
        count = heard.num_pieces if heard.usage[1] is None else heard.usage[1]
        return Candidate(end.text, (), count, None, settled_stop(end.text, end.stop, self.layout))

    def _num_tokens(self, text: str) -> int:
        return round(len(text) / self.can.chars_per_token)


async def _tokens(link: ServerLink, place: ServerAddress, can: Abilities, layout: Layout) -> ServedTokens | None:
    """The server's tokens, where the steps' own can be sent back. As in training nothing stands before our prompts."""
    return await served_tokens(link, place, can.model, stops_of(layout), adds_start=layout != "rstar-sft")


def route_of(layout: Layout, chat_template: str) -> Route:
    """Chat completions for a layout whose template the server is to apply, else completions."""
    return "chat" if layout in TEMPLATED and not chat_template else "completions"


def with_logprobs(sampling: Sampling, variant: str) -> Sampling:
    """`sampling`, with log-probabilities where the search's `variant` reads them: they cost a server a third."""
    return replace(sampling, wants_logprobs=variant == "puct")
