"""A server that fails is asked again, patiently and within bounds; what it says in the end is one clear line."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from model_server import Failure, ModelServer, model_server
from test_server_policy import START, asked, opened, steps, texts

from rstar.engines.openai_server import ServerPolicy
from rstar.engines.server_retries import ATTEMPTS, LONGEST_PAUSE_SECONDS, Retries, Retryable, retry_after
from rstar.engines.worker import EngineError
from rstar.types import Trajectory
from tasks.types import InputError, Problem

GOOD = json.dumps({"choices": [{"text": "x", "finish_reason": "stop"}]}).encode()
FAILURES = {
    "too many requests": Failure(429, {"Retry-After": "0"}, b'{"error": {"message": "Rate limit reached"}}'),
    "overloaded": Failure(503, {}, b"upstream connect error"),
    "internal error": Failure(500, {}, b"{}"),
    "a torn connection": Failure(resets=True),
    "a torn reply": Failure(body=GOOD[:20], resets=True, promised=len(GOOD)),
    "half a reply": Failure(body=GOOD[:20], promised=len(GOOD)),
    "half of JSON": Failure(body=GOOD[:20]),
    "a page": Failure(body=b"<html>Bad gateway</html>"),
    "no object": Failure(body=b"[1, 2]"),
    "no choices": Failure(body=b'{"object": "error"}'),
    "an empty list": Failure(body=b'{"choices": []}'),
    "no text": Failure(body=b'{"choices": [{"finish_reason": "stop"}]}'),
    "no reason": Failure(body=b'{"choices": [{"text": "x", "finish_reason": null}]}'),
    "no bytes": Failure(),
    "broken compression": Failure(headers={"Content-Encoding": "gzip"}, body=b"not gzip"),
    "deep nesting": Failure(body=b"[" * 100_000),
}


@pytest.fixture(scope="module")
def whole() -> Any:
    """A server that answers whole, and a policy on it."""
    with model_server(steps) as server, opened(server) as policy:
        yield server, policy


@pytest.mark.parametrize("failure", FAILURES)
def test_a_request_that_fails_is_made_again(failure: str, whole: tuple[ModelServer, ServerPolicy]) -> None:
    server, policy = whole
    good = texts(asked(policy).candidates)
    server.failures = [FAILURES[failure]] * 2
    retries = policy.link.counts.retries
    assert texts(asked(policy).candidates) == good
    assert policy.link.counts.retries == retries + 2


def test_half_a_character_in_a_reply_does_not_break_the_next_request() -> None:
    with model_server(lambda *_: "x\ud83d = 1\n<end_of_step>") as server, opened(server) as policy:
        [found] = asked(policy, count=1).candidates
        assert found.text == "x\ufffd = 1\n<end_of_step>"
        server.write = steps
        assert asked(policy, count=1, prefix=Trajectory(Problem("p", "What is \ud83d?"))).candidates


def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSTAR_API_KEY", "schl\u00fcssel")
    with pytest.raises(InputError, match="RSTAR_API_KEY: holds characters that no key has") as caught:
        ServerPolicy.open("http://127.0.0.1:9/v1")
    assert "schl" not in str(caught.value)


EVENT = b'data: {"choices": [{"text": "# Step 1", "finish_reason": null}]}\n\n'
STREAMS = {
    "half a stream": Failure(body=EVENT, promised=1000),
    "a stream without an end": Failure(body=EVENT + b"data: [DONE]\n\n"),
    "half an event": Failure(body=EVENT + b'data: {"choices": [{"te'),
    "garbage": Failure(body=b"data: 7\n\n"),
    "an error": Failure(429, {"Retry-After": "0"}, b"{}"),
}


@pytest.mark.parametrize("failure", STREAMS)
def test_a_stream_that_breaks_off_begins_anew(failure: str) -> None:
    with model_server(steps, stops="dropped") as server, opened(server) as policy:
        good = texts(asked(policy).candidates)
        server.failures = [STREAMS[failure]] * 2
        assert texts(asked(policy).candidates) == good


def test_a_server_that_keeps_failing_is_given_up_with_one_line(whole: tuple[ModelServer, ServerPolicy]) -> None:
    server, policy = whole
    server.failures = [Failure(500, {}, b'{"error": {"message": "CUDA out of memory\\nat 0x7"}}')] * ATTEMPTS
    with pytest.raises(EngineError, match=r"answers 500: CUDA out of memory at 0x7 \(asked 5 times\)$") as caught:
        asked(policy)
    assert server.failures == []
    assert server.url in str(caught.value)


def test_a_server_that_is_not_there_is_one_line_at_the_start() -> None:
    with model_server(steps) as server:
        url = server.url
    with pytest.raises(InputError, match=r"cannot be reached .*; start the server, or check its address"):
        ServerPolicy.open(url, first_pause=0.001)


def test_a_server_that_goes_away_fails_the_request_in_one_line() -> None:
    with model_server(steps) as server:
        policy = opened(server)
    with policy, pytest.raises(EngineError, match=f"^--policy {server.url}: .* .asked 5 times.$"):
        asked(policy)


def test_a_server_that_does_not_answer_in_time_is_asked_twice() -> None:
    with model_server(steps) as server, opened(server) as policy:
        policy.link.request_seconds = 0.05
        server.failures = [Failure(seconds=0.3)] * 2
        with pytest.raises(EngineError, match=r"no answer within 0.05 s \(asked 2 times\)"):
            asked(policy)


def test_a_key_that_is_no_longer_good_ends_the_run_in_one_line(whole: tuple[ModelServer, ServerPolicy]) -> None:
    server, policy = whole
    server.failures = [Failure(401, {}, b'{"error": {"message": "expired"}}')]
    with pytest.raises(InputError, match=r"answers 401 .expired.; put a key of this server into .* RSTAR_API_KEY"):
        asked(policy)


def test_a_redirect_is_not_followed_with_the_key() -> None:
    with model_server(steps) as server, opened(server) as policy:
        server.failures = [Failure(307, {"Location": "http://elsewhere/v1"})]
        with pytest.raises(InputError, match="redirects to http://elsewhere/v1; write that address"):
            asked(policy)


def test_while_a_server_is_asked_too_often_nothing_is_sent() -> None:
    async def ask(policy: ServerPolicy, server: ModelServer) -> None:
        server.failures = [Failure(429, {"Retry-After": "0.3"}, b"{}")]
        first = asyncio.create_task(policy.propose(START, 1, 0))
        while not policy.link.counts.limited:
            await asyncio.sleep(0.005)
        sent = len(server.requests)
        second = asyncio.create_task(policy.propose(START, 1, 1))
        await asyncio.sleep(0.05)
        assert len(server.requests) == sent
        await asyncio.gather(first, second)
        assert len(server.requests) == sent + 2

    with model_server(steps) as server, opened(server) as policy:
        asyncio.run(ask(policy, server))


def test_pauses_double_are_drawn_by_the_seed_and_have_a_largest() -> None:
    def pauses(seed: int) -> list[float]:
        retries = Retries(seed, first_pause=1.0, patience=1e9, attempts=20)
        return [retries.pause(Retryable("down")) for _ in range(10)]

    assert pauses(1) == pauses(1) != pauses(2)
    for number, pause in enumerate(pauses(1)):
        longest = min(2.0**number, LONGEST_PAUSE_SECONDS)
        assert longest / 2 <= pause <= longest


def test_a_server_may_ask_for_a_wait_any_number_of_times_within_the_patience() -> None:
    retries = Retries(0, first_pause=0.0, patience=100.0)
    for _ in range(10):
        assert retries.pause(Retryable("answers 429", is_limit=True, wait=9.0)) == 9.0
    retries.pause(Retryable("answers 429", is_limit=True, wait=9.0))
    with pytest.raises(EngineError, match="answers 429; waited for 99 s, the next wait would be 9 s"):
        retries.pause(Retryable("answers 429", is_limit=True, wait=9.0))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", 0.0), ("", 0.0), (None, 0.0), ("inf", 0.0), ("nan", 0.0)],
)
def test_the_wait_that_is_asked_for_is_read_as_seconds(value: str | None, seconds: float) -> None:
    assert retry_after(value) == seconds


def test_the_wait_that_is_asked_for_is_read_as_a_date() -> None:
    now = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
    assert retry_after(format_datetime(now + timedelta(seconds=30), usegmt=True), now) == 30.0
    assert retry_after(format_datetime(now - timedelta(seconds=30), usegmt=True), now) == 0.0
