"""Who may ask: API keys, compared in constant time, and who may ask without one: this machine, and nobody else."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.types import InputError

KEY_VARIABLE = "RSTAR_API_KEY"
MIN_KEY_CHARS = 16
"""Shorter keys can be guessed. Chosen."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The digests of the keys that open the server; none of them is kept itself."""

    digests: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, texts: Sequence[str]) -> Keys:
        """The keys in `texts`. Raises InputError for one that is too short."""
        for number, text in enumerate(texts, 1):
            if len(text) < MIN_KEY_CHARS:
                raise InputError(
                    f"API key {number} of {len(texts)} is shorter than {MIN_KEY_CHARS} characters; make one with "
                    "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
                )
        return cls(tuple(_digest(text) for text in texts))

    @property
    def is_open(self) -> bool:
        """Whether anybody who reaches the server may use it."""
        return not self.digests

    def holder(self, authorization: str) -> int | None:
        """The number of the key in an Authorization header, from 1; None where it is none of ours.

        Every key is compared, and each in constant time, so the time taken tells nothing.
        """
        scheme, _, token = authorization.partition(" ")
        given, found = _digest(token.strip()), None
        for number, digest in enumerate(self.digests, 1):
            if hmac.compare_digest(given, digest):
                found = number
        return found if scheme.lower() == "bearer" else None


def read_keys(file: Path | None, environment: Mapping[str, str] = os.environ) -> Keys:
    """The keys of a file, one a line (lines with # are comments), and of the variable RSTAR_API_KEY.

    Raises InputError for a file that cannot be read or holds none.
    """
    texts = [environment[KEY_VARIABLE]] if environment.get(KEY_VARIABLE) else []
    if file is not None:
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--api-keys {file}: cannot be read ({error}); write one key a line into it") from error
        found = [line for line in lines if line and not line.startswith("#")]
        if not found:
            raise InputError(f"--api-keys {file}: holds no key; write one a line into it")
        texts += found
    return Keys.of(texts)


def check_reach(host: str, keys: Keys) -> None:
    """Raise InputError where the server would be open to other machines without a key."""
    if keys.is_open and not is_loopback(host):
        raise InputError(
            f"--host {host}: without an API key the server listens on this machine only; set {KEY_VARIABLE} or name a "
            "file with --api-keys, or use --host 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether `host` is a name or address of this machine that no other machine reaches."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str:
    """The host of a Host header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.rpartition(":")[0] if ":" in header else header


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
