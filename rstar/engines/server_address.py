"""Where a model server is, which of its models is meant, and the key for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from tasks.types import InputError

KEY_VARIABLES = {"policy": "RSTAR_API_KEY", "ppm": "RSTAR_REWARD_API_KEY", "orm": "RSTAR_REWARD_API_KEY"}
"""Environment variables that hold the keys, by the model's role. A key is read from nowhere else and never stored."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """One model of one server, written `http://127.0.0.1:8000/v1#MODEL`, for a reward model also `#MODEL&scale=2`."""

    url: str
    """Base of the OpenAI-style paths, without a slash at its end: `http://127.0.0.1:8000/v1`."""
    model: str
    """Its name there; empty where the server's only model is meant."""
    scale: float | None = None
    """Of a reward model's value, tanh(logit / scale); None: the usual one."""

    @property
    def root(self) -> str:
        """The server's own root, where what is not OpenAI's has its paths."""
        return self.url.removesuffix("/v1")

    @property
    def text(self) -> str:
        """The address as it is written."""
        scale = "" if self.scale is None else f"&scale={self.scale:g}"
        return f"{self.url}#{self.model}{scale}"


def is_address(name: str) -> bool:
    """Whether a model's name is a server's address, and no folder."""
    return name.startswith(("http://", "https://"))


def parse_address(text: str, role: str) -> ServerAddress:
    """The address `text` of the model for `role` (policy, ppm or orm).

    Raises InputError where it is none, and where it holds a password: it would be written into every record.
    """
    example = f"write e.g. --{role} http://127.0.0.1:8000/v1"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InputError(f"--{role}: the server's address is no URL ({error}); {example}") from None
    if parts.username is not None or parts.password is not None:
        raise InputError(
            f"--{role}: the server's address holds a user or a password; leave them out, and put a key into the "
            f"environment variable {KEY_VARIABLES[role]}"
        )
    if not is_address(text) or not host:
        raise InputError(f"--{role} {text}: is no URL of a server; {example}")
    if parts.query:
        raise InputError(f"--{role} {parts.scheme}://{parts.netloc}{parts.path}: takes nothing after '?'; {example}")
    path = parts.path.rstrip("/") or "/v1"
    name, _, option = parts.fragment.partition("&")
    return ServerAddress(f"{parts.scheme}://{parts.netloc}{path}", unquote(name), _scale(option, role))


def server_key(role: str) -> str:
    """The key for the server of `role`; empty where the environment has none.

    Raises InputError, without showing it, for a key that no HTTP header can hold.
    """
    key = os.environ.get(KEY_VARIABLES[role], "").strip()
    if not (key.isascii() and key.isprintable()):
        raise InputError(f"environment variable {KEY_VARIABLES[role]}: holds characters that no key has; set it again")
    return key


def _scale(option: str, role: str) -> float | None:
    if not option:
        return None
    name, _, value = option.partition("=")
    try:
        scale = float(value)
    except ValueError:
        scale = 0.0
    if name != "scale" or not 0 < scale < float("inf"):
        raise InputError(f"--{role}: {option!r} is no option of a served model; write &scale=NUMBER above 0")
    return scale
