"""What a client is told when a request cannot be served: a status and OpenAI's error object, one sentence each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_KINDS = {429: "rate_limit_error", 499: "client_closed_request", 503: "server_error", 504: "timeout_error"}
"""`type` of the error object; every other status below 500 is an `invalid_request_error`."""


class ApiError(Exception):
    """A request that ends with an error object."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`param` is the field of the request that is wrong, `code` a word that programs can tell errors apart by."""
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = dict(headers or {})

    def content(self) -> dict[str, Any]:
        """The error object, as https://platform.openai.com/docs/guides/error-codes has it."""
        kind = _KINDS.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def body(self) -> bytes:
        """The error object as JSON."""
        return json.dumps(self.content(), ensure_ascii=False).encode()


def wrong_value(param: str, message: str, code: str = "invalid_value") -> ApiError:
    """400: the field `param` has a value that cannot be."""
    return ApiError(400, message, param=param, code=code)


def engine_failed(message: str) -> ApiError:
    """503: an engine failed on a request of the search, after its retries."""
    return ApiError(503, f"an engine failed: {message}", code="engine_failed")


class ClientGone(Exception):
    """Nobody waits for the reply any more."""
