"""A server over sums with a scripted engine, in the process of the test: by plain calls or on a port of its own."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import noisy_source

from harness.retrying import Engines, Meter
from harness.serve.app import Service, make_app
from harness.serve.keys import Keys
from harness.serve.limits import Limits
from harness.serve.server import Server, listen
from harness.serve.solver import Solver
from harness.spec_fields import make_spec
from rstar.engines.arithmetic import Arithmetic
from rstar.engines.scripted import ScriptedInterpreter, ScriptedPolicy, ScriptedReward
from rstar.types import Proposal, Trajectory

QUESTION = "What is 12 + 30 + 7 + 5?"
CHAT = "/v1/chat/completions"
KEY = "a-key-of-more-than-16-characters"


@dataclass
class Gate:
    """A policy that counts its requests, and may be closed: requests beyond `num_free` wait until it is opened."""

    policy: ScriptedPolicy
    num_free: int = 10**9
    num_requests: int = 0
    error: Exception | None = None
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        self.num_requests += 1
        if self.error is not None:
            raise self.error
        if self.num_requests > self.num_free:
            await self.opened.wait()
        return await self.policy.propose(prefix, num_candidates, seed, temperature)


@dataclass
class World:
    """A service and what it stands on."""

    service: Service
    gate: Gate

    @property
    def solver(self) -> Solver:
        return self.service.solver


def world(
    *, num_free: int = 10**9, keys: tuple[str, ...] = (), fields: dict[str, Any] | None = None, **limits: Any
) -> World:
    """A service over sums; `num_free` requests to the policy are answered before its gate is opened."""
    gate = Gate(ScriptedPolicy(noisy_source), num_free)
    interpreter = ScriptedInterpreter(Arithmetic())
    engines = Engines(gate, ScriptedReward(noisy_source), interpreter, Meter(), pause_seconds=0.0)
    spec = make_spec(
        {"task": "chat", "engine": "scripted", "policy": noisy_source.__file__, "interpreter": "arithmetic"}
        | {"preset": "tiny", "budgets": 4}
        | (fields or {})
    )
    return World(Service(Solver(spec, engines, Limits(**limits)), Keys.of(keys)), gate)


def body(question: str = QUESTION, **fields: Any) -> dict[str, Any]:
    """A request's body."""
    return {"model": "rstar", "messages": [{"role": "user", "content": question}], **fields}


async def client(served: World) -> httpx2.AsyncClient:
    """A client that calls the application without a port."""
    transport = httpx2.ASGITransport(make_app(served.service), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1")


def ask(served: World, *bodies: dict[str, Any]) -> list[httpx2.Response]:
    """The replies to requests that are sent at once."""

    async def ask_all() -> list[httpx2.Response]:
        async with await client(served) as asking:
            return list(await asyncio.gather(*(asking.post(CHAT, json=each) for each in bodies)))

    return asyncio.run(ask_all())


def call(served: World, method: str, path: str, **how: Any) -> httpx2.Response:
    """The reply to one request of any kind."""

    async def call_it() -> httpx2.Response:
        async with await client(served) as asking:
            return await asking.request(method, path, **how)

    return asyncio.run(call_it())


def content(reply: httpx2.Response) -> str:
    """The text of the first choice."""
    text = reply.json()["choices"][0]["message"]["content"]
    assert isinstance(text, str)
    return text


def events(reply: str) -> list[dict[str, Any]]:
    """The events of a stream, without the last mark."""
    lines = [line.removeprefix("data: ") for line in reply.split("\n\n") if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def streamed(reply: str, index: int = 0) -> str:
    """The text of a choice, put together from its stream."""
    choices = [choice for event in events(reply) for choice in event.get("choices", [])]
    return "".join(choice["delta"].get("content", "") for choice in choices if choice["index"] == index)


@dataclass
class Running:
    """A server on a port of this machine."""

    server: Server
    loop: asyncio.AbstractEventLoop
    port: int

    def do(self, function: Any, *arguments: Any) -> None:
        """Call `function` in the server's loop."""
        self.loop.call_soon_threadsafe(function, *arguments)


@contextmanager
def running(served: World) -> Iterator[Running]:
    """The service on a free port, in a thread of its own; stopped, and its thread joined, at the end."""
    listener = listen("127.0.0.1", 0)
    loop, ready = asyncio.new_event_loop(), threading.Event()
    server = Server(served.service)

    def live() -> None:
        asyncio.set_event_loop(loop)
        loop.call_soon(ready.set)
        loop.run_until_complete(server.serve([listener]))
        loop.close()

    port = listener.getsockname()[1]
    thread = threading.Thread(target=live, name="server")
    thread.start()
    ready.wait()
    try:
        yield Running(server, loop, port)
    finally:
        server.should_exit = True
        thread.join(30)
        served.solver.close()
        assert not thread.is_alive()


def until(condition: Any, seconds: float = 20.0) -> None:
    """Wait for what another thread does; fails where it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
