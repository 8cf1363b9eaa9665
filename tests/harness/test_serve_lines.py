"""The endpoint on a real port: clients that vanish, dawdle or crowd in, and a stop that drains."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from serve_world import CHAT, Running, World, body, events, running, until, world


def raw(request: dict[str, Any]) -> bytes:
    """A whole HTTP request."""
    content = json.dumps(request).encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    )
    return head.encode() + b"\r\n\r\n" + content


def connect(up: Running, sent: bytes) -> socket.socket:
    """A connection over which `sent` was sent."""
    line = socket.create_connection(("127.0.0.1", up.port), timeout=30)
    line.sendall(sent)
    return line


@contextmanager
def asking(up: Running, request: dict[str, Any]) -> Iterator[list[httpx2.Response]]:
    """A request that is on its way inside the block; its reply is in the list after it."""
    replies: list[httpx2.Response] = []

    def ask() -> None:
        replies.append(httpx2.post(f"http://127.0.0.1:{up.port}{CHAT}", json=request, timeout=60))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield replies
    finally:
        thread.join(60)


def outcomes(served: World) -> dict[str, float]:
    """How searches ended."""
    return {dict(labels)["outcome"]: count for labels, count in served.solver.metrics.searches.values.items()}


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("method", ["mcts", "sample"])
def test_a_client_that_vanishes_stops_its_search(is_stream: bool, method: str) -> None:
    served = world(num_free=3, keep_alive_seconds=0.05)
    with running(served) as up:
        line = connect(up, raw(body(budget=8, method=method, stream=is_stream)))
        until(lambda: served.gate.num_requests > 3)
        line.close()
        until(lambda: outcomes(served) == {"cancelled": 1})
        until(lambda: served.solver.admission.num_admitted == 0)
        asked = served.gate.num_requests
        up.do(served.gate.opened.set)
        # The server goes on, and what it does is this search alone.
        reply = httpx2.post(f"http://127.0.0.1:{up.port}{CHAT}", json=body(method="sample", budget=1))
        steps = reply.json()["usage"]["rstar"]["requests"]
    assert served.gate.num_requests == asked + steps


def test_a_client_that_vanishes_in_the_queue_never_searches() -> None:
    served = world(num_free=0, concurrency=1, queue=1)
    with running(served) as up, asking(up, body(budget=1)):
        until(lambda: served.gate.num_requests == 1)
        line = connect(up, raw(body("What is 1 + 2 + 3 + 4?", budget=1)))
        until(lambda: served.solver.admission.num_waiting == 1)
        line.close()
        until(lambda: served.solver.admission.num_admitted == 1)
        up.do(served.gate.opened.set)
    assert outcomes(served) == {"cancelled": 1, "done": 1}


def test_a_full_queue_says_when_to_come_back() -> None:
    served = world(num_free=0, concurrency=1, queue=1)
    with running(served) as up, asking(up, body(budget=1)) as first, asking(up, body(budget=1)) as second:
        until(lambda: served.solver.admission.num_admitted == 2)
        for stream in (False, True):
            reply = httpx2.post(f"http://127.0.0.1:{up.port}{CHAT}", json=body(stream=stream))
            assert reply.status_code == 429
            assert reply.json()["error"]["code"] == "queue_full"
            assert 1 <= int(reply.headers["retry-after"]) <= 60
        up.do(served.gate.opened.set)
    assert [reply.status_code for reply in (*first, *second)] == [200, 200]


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_search_that_takes_too_long_is_ended(is_stream: bool) -> None:
    served = world(num_free=0, request_seconds=0.05)
    with running(served) as up:
        reply = httpx2.post(f"http://127.0.0.1:{up.port}{CHAT}", json=body(stream=is_stream))
        error = events(reply.text)[-1]["error"] if is_stream else reply.json()["error"]
        assert error["code"] == "timeout"
        assert reply.status_code == (200 if is_stream else 504)
        until(lambda: outcomes(served) == {"cancelled": 1})
        until(lambda: served.solver.admission.num_admitted == 0)


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST /v1/chat", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ", raw(body())[:-5]],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
def test_a_request_that_does_not_arrive_ends_its_connection(sent: bytes) -> None:
    with running(world(read_seconds=0.1)) as up:
        line = connect(up, sent)
        reply = line.recv(4096)
        assert reply == b"" or b"408" in reply.split(b"\r\n")[0]
        line.close()


def test_a_client_that_does_not_read_loses_its_connection_and_its_place() -> None:
    served = world(num_free=10**9, write_seconds=0.1, max_budget=128)
    question = "What is 1 + 2 + 3 + 4? " + "please " * 1500
    served.solver.engines.policy.policy.source = served.gate.policy.source  # type: ignore[attr-defined]
    with running(served) as up:
        lines = []
        for _ in range(3):
            line = socket.socket()
            # Small, so that little fits into the buffers of the system.
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            line.connect(("127.0.0.1", up.port))
            line.sendall(raw(body(question, n=128, budget=1, stream=True, stream_options={"include_usage": True})))
            lines.append(line)
        until(lambda: len(served.solver.metrics.requests.values) > 0)
        until(lambda: served.solver.admission.num_admitted == 0)
        assert httpx2.get(f"http://127.0.0.1:{up.port}/health").json()["status"] == "ok"
        for line in lines:
            line.close()


def test_a_body_of_ten_megabytes_hears_why_it_is_refused() -> None:
    with running(world()) as up:
        content = json.dumps(body("x" * (10 << 20))).encode()
        headers = {"content-type": "application/json"}
        reply = httpx2.post(f"http://127.0.0.1:{up.port}{CHAT}", content=content, headers=headers)
        assert reply.status_code == 413
        assert reply.json()["error"]["code"] == "request_too_large"


def test_what_is_no_http_is_refused() -> None:
    with running(world()) as up:
        line = connect(up, b"\x16\x03\x01\x02\x00 nonsense\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 400")
        line.close()


def test_a_stop_takes_nothing_new_and_lets_searches_end() -> None:
    served = world(num_free=0)
    with running(served) as up, asking(up, body(budget=1)) as replies:
        until(lambda: served.gate.num_requests == 1)
        up.server.should_exit = True

        def is_closed() -> bool:
            try:
                socket.create_connection(("127.0.0.1", up.port), timeout=5).close()
            except OSError:
                return True
            return False

        until(is_closed)
        up.do(served.gate.opened.set)
    assert replies[0].status_code == 200


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_stop_ends_searches_when_its_time_is_over(is_stream: bool) -> None:
    served = world(num_free=0, drain_seconds=0.05)
    with running(served) as up, asking(up, body(stream=is_stream)) as replies:
        until(lambda: served.gate.num_requests == 1)
        up.server.should_exit = True
    reply = replies[0]
    error = events(reply.text)[-1]["error"] if is_stream else reply.json()["error"]
    assert error["code"] == "stopping"
    assert outcomes(served) == {"cancelled": 1}
