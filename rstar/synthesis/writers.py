"""Models that write text for problem synthesis: an OpenAI-compatible endpoint, or any policy of a search."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from rstar.protocols import Policy
from rstar.seeds import derive
from rstar.types import Trajectory
from tasks.types import InputError, Problem

ATTEMPTS = 3
PAUSE_SECONDS = 1.0
"""Before the second attempt; twice that before the third. As in `harness.retrying`."""
TIMEOUT_SECONDS = 600.0
"""Of one request: ten solutions by a large model take minutes. Chosen, not tuned."""
MAX_REPLY_BYTES = 32 * 2**20
"""A larger reply is refused; ten solutions have some 100 kB. Chosen, not tuned."""
MAX_TOKENS = 2048
"""Of one text; the paper's limit for a step, here for a problem or a whole solution in words."""


class WriterFailure(Exception):
    """A writer failed on one request, on every attempt; the text says with what."""


class Writer(Protocol):
    """Continues a prompt."""

    async def write(self, prompt: str, count: int, seed: int, temperature: float = 1.0) -> list[str]:
        """`count` texts for `prompt`. Raises WriterFailure where there is no such thing to be had."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyWriter:
    """A policy as a writer: the prompt stands where a search has the question."""

    policy: Policy

    async def write(self, prompt: str, count: int, seed: int, temperature: float = 1.0) -> list[str]:
        """The policy's candidates, stop strings included."""
        proposal = await self.policy.propose(Trajectory(Problem("writer", prompt)), count, seed, temperature)
        return [candidate.text for candidate in proposal.candidates]


@dataclass(frozen=True, slots=True)
class EndpointWriter:
    """An OpenAI-compatible server's chat completions. Servers that give one text per request are asked again."""

    url: str
    """Base URL, e.g. `http://127.0.0.1:8000/v1`."""
    model: str
    key: str = ""
    """Sent as a bearer token; empty sends none."""
    max_tokens: int = MAX_TOKENS
    timeout_seconds: float = TIMEOUT_SECONDS
    pause_seconds: float = PAUSE_SECONDS

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise InputError(f"--endpoint {self.url}: is no URL; write e.g. http://127.0.0.1:8000/v1")

    async def write(self, prompt: str, count: int, seed: int, temperature: float = 1.0) -> list[str]:
        """`count` completions of the prompt as a user's message."""
        texts: list[str] = []
        number = 0
        while len(texts) < count:
            body = {
                "model": self.model,
                "messages": [{"role": "user", "content": prompt}],
                "n": count - len(texts),
                "seed": derive(seed, number) % 2**31,
                "temperature": temperature,
                "max_tokens": self.max_tokens,
            }
            texts += (await self._completions(body))[: count - len(texts)]
            number += 1
        return texts

    async def _completions(self, body: dict[str, Any]) -> list[str]:
        failure = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(self.pause_seconds * 2 ** (attempt - 1))
            try:
                return await asyncio.to_thread(self._post, body)
            except WriterFailure as error:
                failure = str(error)
        raise WriterFailure(failure)

    def _post(self, body: dict[str, Any]) -> list[str]:
        import requests

        address = f"{self.url.rstrip('/')}/chat/completions"
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            with requests.post(
                address, json=body, headers=headers, timeout=self.timeout_seconds, stream=True
            ) as response:
                content = response.raw.read(MAX_REPLY_BYTES + 1, decode_content=True)
                status = response.status_code
        except (requests.RequestException, OSError) as error:
            raise WriterFailure(f"{address}: {type(error).__name__}") from error
        if status in (400, 401, 403, 404, 422):
            raise InputError(
                f"--endpoint {self.url}: answers {status} for model {self.model!r}; check URL, model and key"
            )
        if status != 200 or len(content) > MAX_REPLY_BYTES:
            raise WriterFailure(f"{address}: answers {status} with {len(content):,} bytes")
        return _texts(address, content)


def _texts(address: str, content: bytes) -> list[str]:
    """The texts of a reply; another server's mistakes become a WriterFailure."""
    import json

    try:
        choices = json.loads(content)["choices"]
        texts = [choice["message"]["content"] for choice in choices]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WriterFailure(f"{address}: sends no chat completion ({type(error).__name__})") from error
    if not texts or not all(isinstance(text, str) for text in texts):
        raise WriterFailure(f"{address}: sends a chat completion without text")
    return texts
