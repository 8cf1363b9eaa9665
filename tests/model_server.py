"""A loopback server that speaks completions, with the manners and the failures of different real ones.

What it writes comes from a function of question, solution so far and seed, cut at stop strings as a server does.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Write = Callable[[str, str, int], str]
"""(question, solution so far, seed) to what the model would write if nothing stopped it."""
_EOS = "<eos>"
_SFT = re.compile(r"<\|user\|>:\n(?P<question>.*)\n<\|assistant\|>: [^\n]*code\.(?P<partial>.*)", re.DOTALL)


@dataclass
class Manners:
    """What the server can do."""

    stops: str = "kept"
    """kept, named or dropped."""
    gives_many: bool = True
    honours_seeds: bool = True
    streams: bool = True
    counts: bool = True
    logprobs: bool = True
    completions: bool = True
    chat: bool = True
    continues: bool = True
    strict: bool = False
    """Whether it refuses fields that OpenAI does not have."""
    models: tuple[str, ...] = ("tiny",)
    key: str = ""
    context_chars: int = 100_000
    """Longest prompt and reply; a token is a character here."""
    classifies: str = ""
    """`logit`: `/classify` gives logits when asked; `sigmoid`: always probabilities; empty: no such route."""


@dataclass
class Failure:
    """What the next request gets in place of a reply."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    resets: bool = False
    """Whether the connection is torn down after `body`."""
    seconds: float = 0.0
    """Silence before it."""
    promised: int | None = None
    """Content-Length, where it is not that of `body`."""


class ModelServer(ThreadingHTTPServer):
    """Writes what `write` says."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, write: Write, manners: Manners, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.write, self.manners = write, manners
        self.failures: list[Failure] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.sockets: list[socket.socket] = []
        self.pause = 0.0
        self.largest_crowd = 0
        self._crowd = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def get_request(self) -> tuple[Any, Any]:
        accepted = super().get_request()
        self.sockets.append(accepted[0])
        return accepted

    def handle_error(self, *_: object) -> None:
        """A client that hung up, or a model that was told to fail: both are meant."""

    def die(self) -> None:
        """Hang up on everybody, as a process does that ends."""
        for each in self.sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def enter(self) -> Failure | None:
        """Count a request that begins; the failure that it is to get."""
        with self._lock:
            self._crowd += 1
            self.largest_crowd = max(self.largest_crowd, self._crowd)
            return self.failures.pop(0) if self.failures else None

    def leave(self) -> None:
        with self._lock:
            self._crowd -= 1


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    """One packet for head and body: two cost 40 ms, by Nagle's rule."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._send(200, {"data": [{"id": name, "max_model_len": 4096} for name in self.server.manners.models]})
        elif self.path == "/version":
            self._send(200, {"version": "0.0-scripted"})
        else:
            self._send(404, {"error": "no such path"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.headers.append(dict(self.headers))
        failure = self.server.enter()
        try:
            time.sleep(self.server.pause)
            if failure is not None:
                self._fail(failure)
            else:
                self._answer(body)
        finally:
            self.server.leave()

    def _answer(self, body: dict[str, Any]) -> None:
        manners = self.server.manners
        refusal = self._refusal(body)
        if refusal is not None:
            self._send(*refusal)
        elif self.path in ("/classify", "/v1/classify") and manners.classifies:
            self._classify(body)
        elif body.get("stream"):
            self._stream(body)
        else:
            self._send(200, self._completion(body))

    def _refusal(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        manners = self.server.manners
        if manners.key and self.headers.get("Authorization") != f"Bearer {manners.key}":
            return 401, {"error": {"message": "Incorrect API key provided"}}
        paths = {"/v1/completions": manners.completions, "/v1/chat/completions": manners.chat}
        if not paths.get(self.path, self.path == "/classify" and manners.classifies):
            return 404, {"detail": "Not Found"}
        if body.get("model") not in manners.models:
            return 404, {"error": {"message": f"The model {body.get('model')!r} does not exist."}}
        known = {"model", "prompt", "messages", "max_tokens", "temperature", "top_p", "n", "seed", "stop", "stream"}
        unknown = set(body) - known - {"logprobs"}
        if manners.strict and unknown:
            return 400, {"error": {"message": f"Unrecognized request arguments: {', '.join(sorted(unknown))}"}}
        if self.path == "/classify":
            longest = max(map(len, body["input"]))
        else:
            longest = len(self._prompt(body)) + int(body["max_tokens"])
        if longest > manners.context_chars:
            return 400, {
                "error": {"message": f"This model's maximum context length is {manners.context_chars} tokens."}
            }
        return None

    def _prompt(self, body: dict[str, Any]) -> str:
        if "messages" not in body:
            return str(body["prompt"])
        contents = [message["content"] for message in body["messages"]]
        opened = body.get("continue_final_message") and self.server.manners.continues
        return "\n".join(contents) + ("" if opened else "\n<assistant>")

    def _text(self, body: dict[str, Any], number: int) -> tuple[str, str, str | None]:
        """(text, reason, the stop that fired): what the model writes, cut by `max_tokens` and by stop strings."""
        prompt = self._prompt(body)
        seed = body.get("seed", 0) if self.server.manners.honours_seeds else time.monotonic_ns() % 10**9
        seed = 0 if body.get("temperature") == 0 else seed * 1000 + number
        found = _SFT.search(prompt)
        question, partial = (found["question"], found["partial"]) if found else (prompt, "")
        text = self.server.write(question, partial, seed)
        stops = body.get("stop") or []
        places = [(text.index(stop), stop) for stop in stops if stop in text]
        stop = min(places)[1] if places else None
        end = min(places)[0] + len(stop or "") if places else len(text)
        if end > body["max_tokens"]:
            return text[: body["max_tokens"]], "length", None
        return text[:end].replace(_EOS, ""), "stop", stop

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        manners = self.server.manners
        choices, written = [], 0
        for number in range(body.get("n", 1) if manners.gives_many else 1):
            text, reason, stop = self._text(body, number)
            written += len(text)
            keeps = manners.stops == "kept" and (manners.strict or body.get("include_stop_str_in_output"))
            shown = text if keeps or stop is None else text[: -len(stop)]
            part = {"message": {"content": shown}} if "messages" in body else {"text": shown}
            choice: dict[str, Any] = {"index": number, "finish_reason": reason, **part}
            if manners.stops == "named":
                choice["stop_reason"] = stop
            if manners.logprobs and body.get("logprobs"):
                choice["logprobs"] = {"token_logprobs": [-0.5] * len(text)}
            choices.append(choice)
        found: dict[str, Any] = {"choices": choices}
        if manners.counts:
            found["usage"] = {"prompt_tokens": len(self._prompt(body)), "completion_tokens": written}
        return found

    def _stream(self, body: dict[str, Any]) -> None:
        if not self.server.manners.streams:
            self._send(400, {"error": "no streams here"})
            return
        text, reason, _ = self._text({key: value for key, value in body.items() if key != "stop"}, 0)
        pieces = re.findall(r".{1,3}", text, re.DOTALL)
        events = [{"choices": [{"text": piece, "finish_reason": None}]} for piece in pieces]
        events.append({"choices": [{"text": "", "finish_reason": reason}]})
        if "messages" in body:
            events = [{"choices": [{"delta": {"content": e["choices"][0]["text"]}, **e["choices"][0]}]} for e in events]
        content = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        self._send_bytes(200, content.encode(), "text/event-stream")

    def _classify(self, body: dict[str, Any]) -> None:
        squashes = self.server.manners.classifies == "sigmoid" or body.get("use_activation", True)
        logits = [len(text) / 100 - 1 for text in body["input"]]
        shown = [1 / (1 + 2.718281828459045**-value) if squashes else value for value in logits]
        data = [{"index": number, "probs": [value]} for number, value in enumerate(shown)]
        self._send(200, {"data": data[::-1], "usage": {"prompt_tokens": sum(map(len, body["input"]))}})

    def _fail(self, failure: Failure) -> None:
        time.sleep(failure.seconds)
        if failure.resets and not failure.body:
            self._reset()
            return
        self._send_bytes(failure.status, failure.body, "application/json", failure.headers, failure.promised)
        if failure.resets:
            self._reset()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _send(self, status: int, content: dict[str, Any]) -> None:
        self._send_bytes(status, json.dumps(content).encode(), "application/json")

    def _send_bytes(
        self,
        status: int,
        content: bytes,
        kind: str,
        headers: dict[str, str] | None = None,
        promised: int | None = None,
    ) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content) if promised is None else promised))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()
        except OSError:
            # The client has hung up, as it may.
            self.close_connection = True
        if promised is not None:
            self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        pass


def always(*texts: str) -> Write:
    """A model that writes one of `texts`, by the seed."""
    return lambda question, partial, seed: texts[hash((question, partial, seed)) % len(texts)]


@contextmanager
def model_server(
    write: Write, port: int = 0, failures: Sequence[Failure] = (), **manners: Any
) -> Iterator[ModelServer]:
    """A running server."""
    server = ModelServer(write, Manners(**manners), port)
    server.failures.extend(failures)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.die()
        server.server_close()
        thread.join()
