"""The flag `--set NAME=VALUE` of every command that takes a search's settings."""

from __future__ import annotations

import json
from typing import Any

from tasks.types import InputError


def setting(text: str) -> tuple[str, Any]:
    """`NAME=VALUE`, the value a number, true, false, null or else a word. Raises InputError for anything else."""
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise InputError(f"--set {text}: is no setting; write NAME=VALUE, e.g. --set exploration=1.5")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value
