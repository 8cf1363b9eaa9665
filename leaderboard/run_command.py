"""The command that makes a run again, from its spec alone."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from harness.spec import RunSpec
from harness.spec_fields import make_spec
from tasks.types import InputError

_PLACES = ("task", "policy", "ppm", "orm")
_FIRST = ("task", "preset", "method", "policy", "ppm", "orm", "budgets", "seeds", "limit", "rule")
"""Flags that a reader looks for, in this order; the others follow."""


def run_command(spec: RunSpec) -> str:
    """`rstar run --task …` with every field that differs from what the command would choose by itself.

    Of a model or task file named by its whole path, which says where it lies on one machine, the name alone stands.
    """
    content = {name: _placeless(value) if name in _PLACES else value for name, value in spec.content().items()}
    named = {"task": content["task"], **({"preset": spec.preset} if spec.preset else {"method": spec.method})}
    flags = {name: content[name] for name in named}
    for _ in content:
        plain = _spec(flags)
        missing = next((name for name in _order(content) if plain.get(name) != content[name]), None)
        if missing is None:
            return " ".join(["rstar run", *_words(flags)])
        flags[missing] = _changed(plain.get(missing), content[missing]) if missing == "search" else content[missing]
    # A field that no flag reaches: the reader gets everything.
    return " ".join(["rstar run", *_words(content)])


def _placeless(name: Any) -> Any:
    kind, colon, path = str(name).rpartition("user:")
    return f"{kind}{colon}{Path(path).name}" if path.startswith("/") else name


def _spec(flags: dict[str, Any]) -> dict[str, Any]:
    try:
        return make_spec(flags).content()
    except InputError:
        # Fields that only hold together: the next ones are still missing.
        return dict(flags)


def _order(content: dict[str, Any]) -> list[str]:
    known = [name for name in _FIRST if name in content and name not in ("preset", "method")]
    return known + [name for name in content if name not in (*_FIRST, "search")] + ["search"]


def _changed(plain: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    known = plain if isinstance(plain, dict) else {}
    return {name: value for name, value in wanted.items() if known.get(name) != value}


def _words(flags: dict[str, Any]) -> list[str]:
    words = []
    for name, value in flags.items():
        if name == "search":
            words += [f"--set {shlex.quote(f'{key}={_text(setting)}')}" for key, setting in value.items()]
        elif value not in ("", None):
            words.append(f"--{name.replace('_', '-')} {shlex.quote(_text(value))}")
    return words


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
