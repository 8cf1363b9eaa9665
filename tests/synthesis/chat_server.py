"""A loopback server that speaks chat completions, with the manners of different real ones."""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ChatServer(ThreadingHTTPServer):
    """Writes a new sum for a sum, and solves sums, right in about two of three cases."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.gives_one = False
        """Whether it ignores `n`, as some servers do."""
        self.failures: list[int] = []
        """Statuses that the next requests get."""
        self.raw: bytes | None = None
        """Sent in place of a completion."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def reply(self, prompt: str, rng: random.Random) -> str:
        numbers = [int(text) for text in re.findall(r"\d+", prompt.partition("\n\nSolve")[0])]
        if "Solve this" in prompt:
            return f"They add up to \\boxed{{{sum(numbers) + (rng.random() < 0.3)}}}."
        first, second = rng.randrange(100, 999), rng.randrange(100, 999)
        return f"Problem: A farm has {first} hens and {second} ducks. How many birds are that?"


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.keys.append(self.headers.get("Authorization"))
        status = self.server.failures.pop(0) if self.server.failures else 200
        count = 1 if self.server.gives_one else body["n"]
        prompt = body["messages"][0]["content"]
        texts = [self.server.reply(prompt, random.Random(f"{prompt}|{body['seed']}|{i}")) for i in range(count)]
        content = json.dumps(
            {"choices": [{"message": {"role": "assistant", "content": text}} for text in texts]}
        ).encode()
        content = self.server.raw or content
        self.send_response(status if self.path == "/v1/chat/completions" else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A running server."""
    server = ChatServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
