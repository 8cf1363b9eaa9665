"""The connection to a model server: one thread with its own event loop, bounded, patient, and closed with the engine.

A search runs in an event loop that ends with each session; the connections live in a loop of their own. Every request
is tried again where that can help (see `server_retries`). While a server says that it is asked too often, no request is
sent at all.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, Self, TypeVar

import httpx2

from rstar.engines.server_retries import (
    ATTEMPTS,
    FIRST_PAUSE_SECONDS,
    PATIENCE_SECONDS,
    RETRIED_STATUSES,
    Retries,
    Retryable,
    retry_after,
)
from rstar.engines.worker import EngineError
from tasks.types import InputError

MAX_IN_FLIGHT = 128
"""Requests at a time; vLLM's default for sequences at a time is 256 on a GPU, and a request has several. Chosen."""
REQUEST_SECONDS = 600.0
"""Of one attempt, from sending to the last byte: dozens of steps of 2,048 tokens on a full server take minutes."""
CONNECT_SECONDS = 10.0
MAX_REPLY_BYTES = 64 << 20
"""A larger reply is refused; 64 candidates of 2,048 tokens with log-probabilities have some 10 MB."""
_MESSAGE_CHARS = 300
"""Of a server's own words in a message of ours."""

Answer = TypeVar("Answer")


class ContextFull(Exception):
    """The server refused a prompt, or prompt and reply together, as longer than its model's context."""


class Refused(Exception):
    """The server refused a request as such (400, 404, 405, 422, 501); the text is its own."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"answers {status}: {text}" if text else f"answers {status}")
        self.status = status


@dataclass(slots=True)
class LinkCounts:
    """What a link has done so far."""

    requests: int = 0
    """Attempts sent."""
    retries: int = 0
    limited: int = 0
    """Attempts that the server turned down as too many."""


class ServerLink:
    """JSON over HTTP to one server. Use it as a context manager, or call `close`."""

    def __init__(
        self,
        name: str,
        *,
        key: str = "",
        key_variable: str = "",
        max_in_flight: int = MAX_IN_FLIGHT,
        request_seconds: float = REQUEST_SECONDS,
        first_pause: float = FIRST_PAUSE_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """`name` is what messages call the server, e.g. `--policy http://127.0.0.1:8000/v1`."""
        self.name, self.key_variable, self.counts = name, key_variable, LinkCounts()
        self.request_seconds, self._first_pause, self._patience = request_seconds, first_pause, patience
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._max_in_flight = max_in_flight
        self._not_before = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        self._client: httpx2.AsyncClient | None = None
        self._free: asyncio.Semaphore | None = None

    async def ask(
        self,
        url: str,
        body: Mapping[str, Any],
        read: Callable[[dict[str, Any]], Answer],
        seed: int = 0,
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """What `read` makes of the reply to `body`, a JSON object; it raises Retryable for one that is garbage.

        To be awaited in any event loop; `seed` is that of the jitter. Raises InputError for a wrong key, ContextFull,
        Refused, and EngineError where the server does not answer.
        """
        return await self._elsewhere(self._patiently(lambda: self._ask(url, body, read), seed, attempts))

    async def get(self, url: str, attempts: int = ATTEMPTS) -> Any:
        """The JSON at `url`. Raises as `ask`."""
        return await self._elsewhere(self._patiently(lambda: self._get(url), 0, attempts))

    async def stream(
        self,
        url: str,
        body: Mapping[str, Any],
        take: Callable[[Any], bool],
        seed: int = 0,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Hand the events of a streamed reply to `take` (in the link's thread) until it returns True, then hang up.

        `take(None)` marks a new beginning, where an attempt broke off. `take` raises Retryable for what is no event;
        whether a stream that just ended was whole is for the caller to say, with `take("end")`.
        """
        await self._elsewhere(self._patiently(lambda: self._stream(url, body, take), seed, attempts))

    def counters(self) -> dict[str, Any]:
        """What it has done so far, for a record."""
        return asdict(self.counts)

    def one_at_a_time(self) -> None:
        """From now on send a request only when the one before is answered."""
        self._max_in_flight, self._free = 1, None

    def wait_for(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run `work`, which awaits requests, to its end; for a caller without an event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._started()).result()

    def close(self) -> None:
        """Hang up and end the thread; who still waits gets an EngineError. May be called more than once."""
        with self._lock:
            is_first, self._is_closed = not self._is_closed, True
        if not is_first:
            return
        if self._thread is not None:
            asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _elsewhere(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run `work` in the link's own loop; a cancellation reaches it there."""
        try:
            loop = self._started()
        except EngineError:
            work.close()
            raise
        if asyncio.get_running_loop() is loop:
            return await work
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))
        except asyncio.CancelledError:
            if self._is_closed:
                raise EngineError(f"{self.name}: the engine was closed before the server answered") from None
            raise

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._is_closed:
                raise EngineError(f"{self.name}: the engine is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop.run_forever, name="model server link", daemon=True)
                self._thread.start()
        return self._loop

    async def _hang_up(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _patiently(self, attempt: Callable[[], Coroutine[Any, Any, Answer]], seed: int, attempts: int) -> Answer:
        retries = Retries(seed, self._first_pause, self._patience, attempts)
        while True:
            try:
                return await self._bounded(attempt)
            except Retryable as error:
                self.counts.retries += 1
                self.counts.limited += error.is_limit
                pause = retries.pause(Retryable(f"{self.name}: {error}", **_kind(error)))
                if error.is_limit:
                    self._not_before = max(self._not_before, time.monotonic() + error.wait)
                await asyncio.sleep(pause)

    async def _bounded(self, attempt: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """One attempt, when it is its turn, within its time."""
        if self._free is None:
            self._free = asyncio.Semaphore(self._max_in_flight)
        async with self._free:
            while (wait := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            self.counts.requests += 1
            try:
                async with asyncio.timeout(self.request_seconds):
                    return await attempt()
            except TimeoutError:
                raise Retryable(f"no answer within {self.request_seconds:g} s", is_timeout=True) from None
            except httpx2.InvalidURL as error:
                raise InputError(f"{self.name}: is no URL of a server ({error})") from None
            except httpx2.RequestError as error:
                raise Retryable(_reason(error)) from error

    async def _ask(self, url: str, body: Mapping[str, Any], read: Callable[[dict[str, Any]], Answer]) -> Answer:
        async with self._sent("POST", url, body) as response:
            content = _json(await _content(response))
        if not isinstance(content, dict):
            raise Retryable("the reply is no JSON object")
        return read(content)

    async def _get(self, url: str) -> Any:
        async with self._sent("GET", url, None) as response:
            return _json(await _content(response))

    async def _stream(self, url: str, body: Mapping[str, Any], take: Callable[[Any], bool]) -> None:
        take(None)
        async with self._sent("POST", url, body) as response:
            size = 0
            async for line in response.aiter_lines():
                size += len(line)
                if size > MAX_REPLY_BYTES:
                    raise Retryable(f"the reply is longer than {MAX_REPLY_BYTES:,} bytes")
                data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
                if data and data != "[DONE]" and take(_json(data.encode())):
                    return
            take("end")

    @asynccontextmanager
    async def _sent(self, method: str, url: str, body: Mapping[str, Any] | None) -> AsyncIterator[httpx2.Response]:
        """A response that is no refusal. Raises for every other status."""
        if self._client is None:
            self._client = httpx2.AsyncClient(
                headers=self._headers,
                # Certificates are read only where there are some to check: it takes longer than a request.
                verify=url.startswith("https:"),
                timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=self._max_in_flight),
            )
        # In ASCII: a question may hold what has no place in UTF-8.
        content = None if body is None else json.dumps(body).encode("ascii")
        async with self._client.stream(method, url, content=content) as response:
            if response.status_code != 200:
                self._refuse(response, _message(await _content(response)))
            yield response

    def _refuse(self, response: httpx2.Response, text: str) -> None:
        status = response.status_code
        if status in RETRIED_STATUSES:
            wait = retry_after(response.headers.get("Retry-After"))
            is_limit = status == 429 or (status == 503 and wait > 0)
            raise Retryable(f"answers {status}{f': {text}' if text else ''}", is_limit=is_limit, wait=wait)
        if status in (401, 403):
            fix = f"put a key of this server into the environment variable {self.key_variable}"
            raise InputError(f"{self.name}: answers {status} ({text or 'no access'}); {fix}")
        if response.is_redirect:
            raise InputError(f"{self.name}: redirects to {response.headers.get('Location')}; write that address")
        if status in (400, 413, 422) and _is_about_length(text):
            raise ContextFull(text)
        raise Refused(status, text)


def _kind(error: Retryable) -> dict[str, Any]:
    return {"is_limit": error.is_limit, "is_timeout": error.is_timeout, "wait": error.wait}


async def _content(response: httpx2.Response) -> bytes:
    """The body, refused where it is larger than any reply."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_REPLY_BYTES:
            raise Retryable(f"the reply is longer than {MAX_REPLY_BYTES:,} bytes")
        parts.append(part)
    return b"".join(parts)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        start = content[:40].decode("utf-8", "replace")
        raise Retryable(f"the reply is no JSON (it begins with {start!r})") from None


def _message(content: bytes) -> str:
    """The server's own words about a refusal, in one line."""
    text = content[: 10 * _MESSAGE_CHARS].decode("utf-8", "replace")
    try:
        found = json.loads(content)
        for name in ("error", "detail", "message"):
            found = found.get(name, found) if isinstance(found, dict) else found
        text = found if isinstance(found, str) else json.dumps(found)
    except (ValueError, RecursionError):
        pass
    return " ".join(text.split())[:_MESSAGE_CHARS]


def _is_about_length(text: str) -> bool:
    """Whether a refusal is about the context: vLLM, SGLang, llama.cpp, TGI and OpenAI all name it so, no two alike."""
    words = text.lower()
    return any(each in words for each in ("context length", "context window", "context size", "maximum context")) or (
        "tokens" in words and any(each in words for each in ("exceed", "too long", "longer than", "max_model_len"))
    )


def _reason(error: httpx2.RequestError) -> str:
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return f"cannot be reached ({' '.join(str(error).split()) or type(error).__name__})"
    return f"the connection broke ({type(error).__name__}: {' '.join(str(error).split())})"
