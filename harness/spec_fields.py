"""From fields, as a YAML file or flags give them, to a checked `RunSpec`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from harness.spec import BUILTIN, NO_REWARD, RunSpec
from rstar.engines.server_address import is_address
from rstar.search.config import SearchConfig
from rstar.search.presets import METHODS, PRESETS, method_config, preset
from tasks.types import InputError

DEFAULT_PRESET = "tiny"
"""For the models that come with the package; any other model asks for a choice."""
RUN_FIELDS = (*(each.name for each in fields(RunSpec) if each.name != "config"), "search")
"""The fields that a file may set. `search` holds the search's own settings by name."""


def make_spec(given: Mapping[str, Any]) -> RunSpec:
    """The spec of `given` fields, everything else at its default.

    `budgets` without a value are the powers of two up to the preset's budget. Raises InputError, naming the field and
    the fix, for an unknown field, a wrong type or a value that cannot be.
    """
    check_names(given, RUN_FIELDS, "field")
    values = {name: _READERS[name](name, value) for name, value in given.items() if name in _READERS}
    if not values.get("task"):
        raise InputError("field 'task' is missing; name a task with --task (see 'rstar tasks')")
    values |= {name: value for name, value in _models(values).items() if name not in values}
    if is_address(values["policy"]):
        values.setdefault("engine", "server")
    config, values = _search(values, _settings(given.get("search")), given.get("budgets"))
    return RunSpec(config=config, **values)


def check_names(given: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    """Raise InputError for the first name in `given` that is not in `known`."""
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"use {', '.join(known)}"
            raise InputError(f"{what} {name!r} is unknown; {hint}")


def whole_numbers(name: str, value: Any) -> tuple[int, ...]:
    """`1,2,4` or a list of whole numbers. Raises InputError for anything else."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    try:
        return tuple(_whole(name, int(part) if isinstance(part, str) else part) for part in parts)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"field '{name}': {value!r} is no list of whole numbers; write e.g. 1,2,4,8") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """The fields of a YAML file. Raises InputError where it is missing, no YAML, or no mapping of different names."""
    import yaml  # type: ignore[import-untyped]

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); name a YAML file with the fields of a run") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        loaded = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(loaded, dict):
        raise InputError(f"{path}: holds no fields; write one 'name: value' a line, e.g. 'task: aime2024'")
    names = [node.value for node, _ in root.value]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: field {name!r} stands there twice; keep one")
    return loaded


def _search(values: dict[str, Any], settings: dict[str, Any], budgets: Any) -> tuple[SearchConfig, dict[str, Any]]:
    """The search's settings, and `values` with method, rule and budgets filled in."""
    named, method = values.get("preset", ""), values.get("method", "")
    if not named and not method:
        if values["policy"] != BUILTIN:
            raise InputError(
                f"no search is named; add --preset ({', '.join(PRESETS)}) or --method ({', '.join(METHODS)})"
            )
        named = DEFAULT_PRESET
    if budgets is not None:
        settings = settings | {"budget": max(whole_numbers("budgets", budgets), default=1)}
    if named:
        chosen = preset(named, settings)
        if method and method != chosen.method:
            raise InputError(
                f"field 'method': preset {named} is a {chosen.method} search, not {method}; leave out one of the two"
            )
        config, rule = chosen.config, chosen.rule
        method = chosen.method
    else:
        config, rule = method_config(method, settings), "best"
    if values["ppm"] == values.get("orm", NO_REWARD) == NO_REWARD:
        rule = "majority"
    filled = {"rule": rule, "budgets": _powers_of_two(config.budget, method)} | values
    return config, filled | {"preset": named, "method": method}


def _settings(search: Any) -> dict[str, Any]:
    if search is None:
        return {}
    if not isinstance(search, dict):
        raise InputError(f"field 'search': {search!r} holds no settings; write one 'name: value' a line below it")
    if "budget" in search:
        raise InputError("field 'search': the budget is the largest of the field 'budgets'; set that instead")
    return dict(search)


def _models(values: Mapping[str, Any]) -> dict[str, str]:
    """Which models a run has that does not say so: those of the package, or for a scripted engine one file for both.

    A search that has its ends judged and nothing else needs no PPM beside an ORM.
    """
    policy, is_scripted = values.get("policy", BUILTIN), values.get("engine") == "scripted"
    if is_scripted and policy == BUILTIN:
        raise InputError("field 'policy': a scripted engine is a Python file; name it with --policy FILE")
    if values.get("orm", NO_REWARD) != NO_REWARD and _samples(values):
        return {"policy": policy, "ppm": NO_REWARD}
    if is_scripted:
        return {"policy": policy, "ppm": policy}
    if policy == BUILTIN or "ppm" in values:
        return {"policy": policy, "ppm": BUILTIN}
    if values.get("preset") in ("greedy", "self-consistency") or values.get("method") == "sample":
        return {"policy": policy, "ppm": NO_REWARD}
    raise InputError("field 'ppm' is missing: this search needs a reward model; name its folder with --ppm")


def _samples(values: Mapping[str, Any]) -> bool:
    named = values.get("preset", "")
    return named in PRESETS and PRESETS[named].method == "sample" if named else values.get("method") == "sample"


def _powers_of_two(budget: int, method: str) -> tuple[int, ...]:
    """1, 2, 4, ... and the budget itself; the budget alone where a smaller one would be another run."""
    if method == "particle":
        return (budget,)
    return (*(1 << power for power in range(budget.bit_length()) if 1 << power < budget), budget)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"field '{name}': {value!r} is no text; write it in quotes")
    return value


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"field '{name}': {value!r} is no whole number")
    return value


def _optional_whole(name: str, value: Any) -> int | None:
    return None if value is None else _whole(name, value)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"field '{name}': {value!r} is no number")
    return float(value)


_TEXTS = (
    "task preset method rule engine policy ppm ppm_format orm device dtype layout chat_template interpreter "
    "require_sandbox trees"
).split()
_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(("max_new_tokens", "max_context_tokens", "step_memory_mb", "top_k", "sampling_top_k"), _whole),
    **dict.fromkeys(("budgets", "seeds"), whole_numbers),
    "limit": _optional_whole,
    **dict.fromkeys(("step_seconds", "top_p"), _number),
}
