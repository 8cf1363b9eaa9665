"""A client at the other end of a line: reads its request within bounds, and notices when it is gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from harness.serve.errors import ApiError, ClientGone

Result = TypeVar("Result")
MAX_DISCARDED_BYTES = 64 << 20
"""Of a body that is too large: read and thrown away, so that a client that is still sending hears why. Chosen."""


async def read_body(request: Request, max_bytes: int, seconds: float) -> bytes:
    """The body. Raises ApiError where it is too large, slow or no JSON by its type, ClientGone where it never ends."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(415, "send the body as content-type: application/json", code="unsupported_media_type")
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                size += len(piece)
                if size <= max_bytes:
                    body += piece
                elif size > MAX_DISCARDED_BYTES:
                    break
    except TimeoutError:
        raise ApiError(408, f"the request did not arrive within {seconds:g} s", code="request_timeout") from None
    except ClientDisconnect:
        raise ClientGone from None
    if size > max_bytes:
        raise ApiError(
            413,
            f"the body has more than {max_bytes} bytes, which is the limit",
            code="request_too_large",
            headers={"connection": "close"},
        )
    return bytes(body)


async def unless_gone(work: Coroutine[Any, Any, Result], receive: Receive, stopping: asyncio.Event) -> Result:
    """The result of `work`, which is cancelled, and has ended, when this raises or is cancelled.

    Raises ClientGone when the client closes the line, ApiError 503 when the server's time to drain is over.
    """
    task = asyncio.create_task(work)
    watchers = [asyncio.create_task(_closed(receive)), asyncio.create_task(stopping.wait())]
    try:
        await asyncio.wait([task, *watchers], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if not stopping.is_set():
            raise ClientGone
        raise ApiError(503, "the server is stopping; ask another one", code="stopping", headers={"retry-after": "30"})
    finally:
        await end([task, *watchers])


async def end(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until all have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def together(work: list[Coroutine[Any, Any, Result]]) -> list[Result]:
    """All results, in order. The first failure is raised when the rest has been cancelled and has ended."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await end(list(tasks))


async def patiently(send: Callable[[], Awaitable[None]], seconds: float, abort: Callable[[], None]) -> None:
    """Send; a client that does not read within `seconds` loses its connection. Raises ClientGone then."""
    try:
        async with asyncio.timeout(seconds):
            await send()
    except (TimeoutError, OSError):
        with contextlib.suppress(OSError):
            abort()
        raise ClientGone from None


async def _closed(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
