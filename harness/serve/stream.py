"""Server-sent events: the steps of a solution as they are chosen.

Where a search follows one trajectory only (a budget of 1), each step is sent when it is final, while the next one is
being written. A search that compares trajectories knows its choice at the end: until then the stream says how far it
is, in comments that clients skip, and then sends the chosen steps one by one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harness.serve.completion import Head, chosen_reply, finish_reason, search_reply
from harness.serve.connection import end, patiently, unless_gone
from harness.serve.errors import ApiError, ClientGone
from harness.serve.limits import Ticket
from harness.serve.reply import usage_reply
from harness.serve.solver import Question, Solved, Solver, Watched
from harness.serve.text import SolutionText
from rstar.types import Trajectory

_Event = tuple[int, str | Solved | ApiError]
"""Which choice, and a piece of its text, its end, or why there is none."""


class ChatStream:
    """The events of one request."""

    def __init__(self, solver: Solver, question: Question, head: Head, *, include_usage: bool) -> None:
        """Nothing is searched until the events are asked for."""
        self._solver, self._question, self._head, self._include_usage = solver, question, head, include_usage
        self._queue: asyncio.Queue[_Event] = asyncio.Queue()
        self._watched: list[Watched] = []
        self.solved: list[Solved] = []
        """The searches that have ended well so far."""

    async def events(self) -> AsyncIterator[bytes]:
        """All events; the searches have ended when this has. Raises ApiError where a search fails or time is up."""
        searches = [asyncio.create_task(self._search(*each)) for each in enumerate(self._question.seeds)]
        try:
            for index in range(len(searches)):
                first = {"role": "assistant", "content": ""}
                yield self._chunk(index, first, top={"rstar": search_reply(self._question).model_dump()})
            async for event in self._outcomes(len(searches)):
                yield event
        finally:
            await end(list(searches))
        if self._include_usage:
            usage = usage_reply(
                [each.usage for each in self.solved], sum(each.num_trajectories for each in self.solved)
            )
            yield self._data({"choices": [], "usage": usage.model_dump()})
        yield b"data: [DONE]\n\n"

    def cost(self) -> dict[str, int]:
        """Tokens that the searches have cost so far, those of cancelled ones too."""
        return {
            "prompt_tokens": sum(each.prompt_tokens for each in self._watched),
            "completion_tokens": sum(each.completion_tokens for each in self._watched),
        }

    async def _outcomes(self, num_searches: int) -> AsyncIterator[bytes]:
        loop, limits = asyncio.get_running_loop(), self._solver.limits
        deadline = loop.time() + limits.request_seconds
        while len(self.solved) < num_searches:
            wait = min(limits.keep_alive_seconds, deadline - loop.time())
            if wait <= 0:
                raise timed_out(limits.request_seconds)
            try:
                index, event = await asyncio.wait_for(self._queue.get(), wait)
            except TimeoutError:
                yield self._sign_of_life()
                continue
            if isinstance(event, ApiError):
                raise event
            if isinstance(event, str):
                yield self._chunk(index, {"content": event})
            else:
                self.solved.append(event)
                yield self._chunk(index, {}, finish_reason(event), {"rstar": chosen_reply(event).model_dump()})

    async def _search(self, index: int, seed: int) -> None:
        writer, num_sent = SolutionText(), 0

        def send_new(solution: Trajectory) -> None:
            nonlocal num_sent
            for step in solution.steps[num_sent:]:
                self._say(index, writer.add(step))
            num_sent = len(solution.steps)

        watched = Watched(self._solver.engines, send_new if self._question.is_decided_by_step else None)
        self._watched.append(watched)
        try:
            solved = await self._solver.solve(self._question, seed, watched)
        except ApiError as error:
            self._queue.put_nowait((index, error))
            return
        send_new(solved.trajectory)
        self._say(index, writer.end())
        self._queue.put_nowait((index, solved))

    def _say(self, index: int, text: str) -> None:
        if text:
            self._queue.put_nowait((index, text))

    def _sign_of_life(self) -> bytes:
        candidates = sum(each.num_candidates for each in self._watched)
        programs = sum(each.num_executions for each in self._watched)
        return f": searching, {candidates} steps written, {programs} programs run\n\n".encode()

    def _chunk(
        self, index: int, delta: dict[str, str], reason: str | None = None, more: dict[str, Any] | None = None,
        top: dict[str, Any] | None = None,
    ) -> bytes:  # fmt: skip
        choice = {"index": index, "delta": delta, "finish_reason": reason, "logprobs": None} | (more or {})
        usage = {"usage": None} if self._include_usage else {}
        return self._data({"choices": [choice]} | usage | (top or {}))

    def _data(self, content: dict[str, Any]) -> bytes:
        return event_of(self._head.content("chat.completion.chunk") | content)


class EventStream(Response):
    """Sends a `ChatStream`, ends its searches when the client is gone, and gives its places back."""

    media_type = "text/event-stream"

    def __init__(self, stream: ChatStream, ticket: Ticket, stopping: asyncio.Event, write_seconds: float) -> None:
        """`ticket` is given back at the end, however that comes."""
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._stream, self._ticket, self._stopping, self._write_seconds = stream, ticket, stopping, write_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything."""
        state = scope.get("state", {})
        abort: Callable[[], None] = state.get("abort", lambda: None)
        facts: dict[str, Any] = state.get("facts", {})

        async def write(body: bytes, *, is_last: bool = False) -> None:
            message = {"type": "http.response.body", "body": body, "more_body": not is_last}
            await patiently(lambda: send(message), self._write_seconds, abort)

        async def write_all() -> None:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            events = self._stream.events()
            try:
                async for event in events:
                    await write(event)
            finally:
                # Closed here and now, so that its searches have ended before anything else happens.
                await events.aclose()  # type: ignore[attr-defined]

        try:
            await unless_gone(write_all(), receive, self._stopping)
            await write(b"", is_last=True)
        except ApiError as error:
            # The status is out; what is left is an event that says what happened.
            facts["error"] = error.code
            with contextlib.suppress(ClientGone):
                await write(event_of(error.content()), is_last=True)
        except ClientGone:
            facts["error"] = "client_gone"
            facts["status"] = 499
        finally:
            facts |= self._stream.cost()
            self._ticket.leave()


def timed_out(seconds: float) -> ApiError:
    """504: the search took longer than the server allows."""
    return ApiError(
        504,
        f"the search was ended after {seconds:g} s, the server's limit; ask for a smaller budget",
        code="timeout",
        # The official client would otherwise send the same search again, twice.
        headers={"x-should-retry": "false"},
    )


def event_of(content: dict[str, Any]) -> bytes:
    """One event with `content` as JSON."""
    return b"data: " + json.dumps(content, ensure_ascii=False, allow_nan=False).encode() + b"\n\n"
