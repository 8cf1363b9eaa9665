"""What the endpoint refuses: OpenAI's error object, the field's name, one sentence; never more than that."""

from __future__ import annotations

import io
import json
import logging
import string
import sys
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serve_world import CHAT, KEY, QUESTION, body, call, running, world

from harness.serve import logs
from harness.serve.keys import Keys, check_reach, read_keys
from tasks.types import InputError

TWO = [{"role": "user", "content": "1?"}, {"role": "assistant", "content": "1"}, {"role": "user", "content": "2?"}]


def error_of(served: Any, content: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    """The status and the error object for a body."""
    reply = call(served, "POST", CHAT, content=content, headers={"content-type": "application/json", **headers})
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert "\n" not in error["message"]
    return reply.status_code, error


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"budgt": 4}, 400, "budgt", "unknown_parameter"),
        ({"messages": [{"role": "user", "colour": 1}]}, 400, "messages[0].colour", "unknown_parameter"),
        ({"budget": 65}, 400, "budget", "budget_above_limit"),
        ({"budget": 0}, 400, "budget", "invalid_value"),
        ({"budget": "4"}, 400, "budget", "invalid_value"),
        ({"budget": 10**40}, 400, "budget", "invalid_value"),
        ({"n": 17}, 400, "n", "budget_above_limit"),
        ({"n": 9, "budget": 8}, 400, "budget", "budget_above_limit"),
        ({"method": "magic"}, 400, "method", "invalid_value"),
        ({"rule": "loudest"}, 400, "rule", "invalid_value"),
        ({"model": "gpt-4"}, 404, "model", "model_not_found"),
        ({"messages": []}, 400, "messages", "invalid_value"),
        ({"messages": TWO}, 400, "messages", "invalid_value"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, "messages", "invalid_value"),
        ({"messages": [{"role": "king", "content": "x"}]}, 400, "messages[0].role", "invalid_value"),
        ({"messages": [{"role": "user", "content": "word " * 3000}]}, 400, "messages", "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": "x" * 100_000}]}, 400, "messages", "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, None, None),
        ({"tools": [{"type": "function"}]}, 400, "tools", "unsupported_value"),
        ({"logprobs": True}, 400, "logprobs", "unsupported_value"),
        ({"response_format": {"type": "json_object"}}, 400, "response_format", "unsupported_value"),
        ({"temperature": -1}, 400, "temperature", "invalid_value"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_is_named(fields: dict[str, Any], status: int, param: str | None, code: str) -> None:
    found, error = error_of(world(), json.dumps(body() | fields).encode())
    assert found == status
    if param is not None:
        assert (error["param"], error["code"]) == (param, code)
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"{} {}", b'{"model": NaN}', b"[" * 100_000, b'{"a":' * 100_000,
        b'{"model": "rstar", "messages": [{"role": "user", "content": "\\ud800"}]}', b'{"seed": 1' + b"0" * 5000 + b"}",
    ],
)  # fmt: skip
def test_a_body_that_is_no_request_is_refused(content: bytes) -> None:
    assert error_of(world(), content)[0] == 400


def test_a_field_that_is_missing_is_named() -> None:
    assert error_of(world(), b'{"model": "rstar"}')[1]["param"] == "messages"


def test_a_body_above_the_limit_is_refused() -> None:
    status, error = error_of(world(), b" " * (10 << 20))
    assert (status, error["code"]) == (413, "request_too_large")


def test_a_body_of_another_type_is_refused() -> None:
    # A page in a browser may send plain text anywhere without asking.
    assert error_of(world(), json.dumps(body()).encode(), **{"content-type": "text/plain"})[0] == 415


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v2", 404), ("GET", CHAT, 405), ("GET", "/v1/models/x", 404)]
)
def test_a_path_that_is_not_there_gets_an_error_object(method: str, path: str, status: int) -> None:
    reply = call(world(), method, path)
    assert reply.status_code == status
    assert reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong-key-of-enough-chars", f"Basic {KEY}", "Bearer", f"Bearer {KEY}x"]
)
@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/nowhere"])
def test_a_wrong_key_opens_nothing(header: str | None, path: str) -> None:
    reply = call(world(keys=(KEY,)), "GET", path, headers={"authorization": header} if header else {})
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "invalid_api_key"


def test_every_key_opens_the_server() -> None:
    served = world(keys=(KEY, KEY + "2"))
    statuses = [
        call(served, "GET", "/v1/models", headers={"authorization": f"Bearer {key}"}).status_code
        for key in (KEY, KEY + "2")
    ]
    assert statuses == [200, 200]
    assert call(served, "GET", "/health").status_code == 200


def test_without_a_key_another_name_for_this_machine_is_refused() -> None:
    assert call(world(), "GET", "/v1/models", headers={"host": "evil.example:8000"}).status_code == 421
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert call(world(), "GET", "/v1/models", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_without_a_key_no_other_machine_is_served(host: str) -> None:
    with pytest.raises(InputError, match="RSTAR_API_KEY"):
        check_reach(host, Keys())
    check_reach(host, Keys.of([KEY]))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_without_a_key_this_machine_is_served(host: str) -> None:
    check_reach(host, Keys())


def test_keys_come_from_a_file_and_the_environment(tmp_path: Any) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# ours\n{KEY}\n\n")
    keys = read_keys(file, {"RSTAR_API_KEY": KEY + "2"})
    assert [keys.holder(f"Bearer {KEY}2"), keys.holder(f"bearer {KEY}"), keys.holder(KEY)] == [1, 2, None]
    file.write_text("# none\n")
    with pytest.raises(InputError, match="holds no key"):
        read_keys(file, {})
    with pytest.raises(InputError, match="shorter than 16"):
        read_keys(None, {"RSTAR_API_KEY": "short"})


def test_a_log_holds_neither_prompt_nor_answer_nor_key(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    for name in ("rstar.serve", "uvicorn.error"):
        for attribute in ("handlers", "level", "propagate", "disabled"):
            monkeypatch.setattr(logging.getLogger(name), attribute, getattr(logging.getLogger(name), attribute))
    logging.getLogger("rstar.serve").disabled = True  # as another package's logging configuration leaves it
    logs.set_up(written)
    served, secret = world(keys=(KEY,)), "What is 41 + 42 + 43 + 44?"
    headers = {"authorization": f"Bearer {KEY}"}
    call(served, "POST", CHAT, json=body(secret), headers=headers)
    call(served, "POST", CHAT, json=body(secret) | {secret: secret}, headers=headers)
    call(served, "POST", CHAT, content=b'"' + secret.encode(), headers=headers | {"content-type": "application/json"})
    call(served, "GET", f"/{secret}", headers={"authorization": "Bearer another-secret-word"})
    served.gate.propose = lambda *_: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    served.solver._count_tokens = lambda problem: int(problem.question)
    call(served, "POST", CHAT, json=body(secret), headers=headers)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["status"] for line in lines] == [200, 400, 400, 401, 500]
    assert lines[0]["key"] == 1
    for word in ("41 +", "41%20", KEY, "another-secret-word", "boxed"):
        assert word not in written.getvalue()


def test_a_log_says_where_an_error_was_and_not_what_it_said() -> None:
    try:
        int("What is 41 + 42?")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", None, sys.exc_info())
    line = logs.JsonLines().format(record)
    assert json.loads(line)["error"] == "ValueError"
    assert "test_serve_refusals.py" in json.loads(line)["at"][-1]
    assert "What is" not in line


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable, max_size=20)
_anything = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "system", "assistant", "king"]), "content": st.just(QUESTION) | _anything}
    ),
    max_size=3,
)
_FIELDS = (
    "n",
    "budget",
    "method",
    "rule",
    "seed",
    "stream",
    "stream_options",
    "temperature",
    "stop",
    "tools",
    "logprobs",
)
_requests = st.fixed_dictionaries(
    {"model": st.just("rstar") | _anything, "messages": _messages | _anything},
    optional={name: st.integers(-1, 4) | st.sampled_from(["mcts", "best", True]) | _anything for name in _FIELDS},
)


def test_random_requests_never_bring_the_server_down() -> None:
    served = world()
    seen: set[int] = set()

    @settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(_requests, st.text(max_size=3))
    def send(request: dict[str, Any], key: str) -> None:
        content = json.dumps(request | ({key: 1} if key else {}))
        reply = asking.post(CHAT, content=content, headers={"content-type": "application/json"})
        seen.add(reply.status_code)
        assert reply.status_code < 500
        assert reply.status_code == 200 or reply.json()["error"]["message"]

    with running(served) as up, httpx2.Client(base_url=f"http://127.0.0.1:{up.port}", timeout=30) as asking:
        send()
        assert {200, 400} <= seen
        assert served.solver.admission.num_admitted == 0
        assert asking.post(CHAT, json=body()).status_code == 200
