"""A run as a YAML file: every field with its meaning, and commented out where it was not chosen."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from harness.spec_fields import RUN_FIELDS, make_spec

_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "What is asked, and how often": ("task", "limit", "seeds", "budgets"),
    "The search": ("preset", "method", "rule", "top_k", "search"),
    "The models": ("engine", "policy", "ppm", "orm", "layout", "device", "dtype"),
}
"""What most people change, first; every other field follows under a heading of its own."""
_OTHERS = "Rarely changed"
_HOW = "How it is done: no part of the result, may change with every resume"
_MEANINGS = {
    "search": "Settings of the search by name, see docs/method.md.",
    "step_seconds": "Wall time of one program, in seconds.",
    "step_memory_mb": "Memory that the programs of one solution may add, in MiB.",
}
"""Of fields without a flag."""
_UNSAID = ("preset", "method")
"""One of the two is chosen; the other has no default to show."""


def run_template(given: Mapping[str, Any], command: Callable[..., Any], options: tuple[str, ...], path: Path) -> str:
    """The text of the file at `path` for a run with the fields `given`.

    `command` is the function behind `rstar run`, whose flags say what a field means; `options` are the fields that say
    how a run is done. Raises InputError for fields that make no run.
    """
    spec = make_spec({name: value for name, value in given.items() if name in RUN_FIELDS})
    meanings = _meanings(command) | _MEANINGS
    values = {each.name: getattr(spec, each.name) for each in fields(spec) if each.name != "config"}
    values["search"] = {each.name: getattr(spec.config, each.name) for each in fields(spec.config)}
    del values["search"]["budget"]
    sections = dict(_SECTIONS)
    known = {name for names in sections.values() for name in names}
    sections[_OTHERS] = tuple(name for name in values if name not in known)
    lines = [
        f"# A run of rstar-bench. Start it, and go on with it, by: rstar run {path}",
        "# A flag of that command goes before what stands here. What is commented out has the value that is shown.",
    ]
    for title, names in sections.items():
        lines += ["", f"# --- {title}"]
        for name in names:
            lines += _field(name, given.get(name), values.get(name), meanings.get(name, ""))
    lines += ["", f"# --- {_HOW}"]
    for name in options:
        lines += _field(name, given.get(name), None, meanings.get(name, ""))
    return "\n".join(lines) + "\n"


def _field(name: str, chosen: Any, value: Any, meaning: str) -> Iterator[str]:
    """A comment with the meaning, and the field: as it was chosen, or commented out with what it is without."""
    yield f"# {meaning}" if meaning else f"# {name.replace('_', ' ').capitalize()}."
    text = _yaml({name: value if chosen is None else chosen}).splitlines()
    if chosen is None and (name in _UNSAID or value is None):
        text = [f"{name}:"]
    yield from text if chosen is not None else (f"# {line}" for line in text)


def _yaml(content: Mapping[str, Any]) -> str:
    import yaml  # type: ignore[import-untyped]

    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in content.items()}
    flow = not any(isinstance(value, dict) for value in plain.values())
    text: str = yaml.safe_dump(plain, default_flow_style=flow, sort_keys=False, width=10_000, allow_unicode=True)
    # A single field in flow style stands in braces, which its own line does not need.
    return text.strip().removeprefix("{").removesuffix("}") if flow else text


def _meanings(command: Callable[..., Any]) -> dict[str, str]:
    """Flag's help by name of its parameter."""
    found = {}
    for name, parameter in inspect.signature(command, eval_str=True).parameters.items():
        for note in getattr(parameter.annotation, "__metadata__", ()):
            found[name] = getattr(note, "help", None) or ""
    return found
