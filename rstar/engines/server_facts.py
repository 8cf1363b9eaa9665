"""What a server says of itself: its version, and the model that it serves. Kept in a run's record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from rstar.engines.server_address import ServerAddress
from rstar.engines.server_link import ContextFull, Refused, ServerLink
from rstar.engines.worker import EngineError
from tasks.types import InputError

_PATHS = {
    "/version": ("version",),
    "/props": ("build_info", "model_path"),
    "/info": ("version", "model_id", "model_sha", "model_dtype"),
    "/get_server_info": ("version", "model_path"),
}
"""Where vLLM, llama.cpp, TGI and SGLang say who they are, and the fields worth keeping."""
_MODEL_FIELDS = ("root", "parent", "max_model_len", "owned_by", "meta")
_MAX_CHARS = 500
"""Of one stated value; a record is no place for a server's settings."""
_MAX_NAMES = 8
"""Of models in a message."""


async def stated_facts(link: ServerLink, address: ServerAddress) -> tuple[dict[str, Any], str]:
    """(what the server states, the model's name there).

    The name is the address's, or that of the only model. Raises InputError where the server does not serve it, and
    where it serves several and none is named.
    """
    models = await _models(link, address)
    name = address.model
    if not name:
        if len(models) != 1:
            served = f"serves {len(models)} models ({_listed(models)})" if models else "does not list its models"
            raise InputError(f"{link.name}: {served}; name one with --policy-model, or as {address.url}#MODEL")
        name = next(iter(models))
    elif models and name not in models:
        raise InputError(f"{link.name}: does not serve model {name!r}; it serves {_listed(models)}")
    stated = models.get(name, {})
    facts = {field: short(stated[field]) for field in _MODEL_FIELDS if stated.get(field) is not None}
    return {"url": address.url, "model": name, **facts, **await _version(link, address)}, name


async def _models(link: ServerLink, address: ServerAddress) -> dict[str, Mapping[str, Any]]:
    """The models that the server lists, by name; none where it has no list. Raises InputError where it is not there."""
    try:
        found = await link.get(f"{address.url}/models")
    except (Refused, ContextFull):
        return {}
    except EngineError as error:
        raise InputError(f"{error}; start the server, or check its address") from error
    listed = found.get("data") if isinstance(found, dict) else None
    return {each["id"]: each for each in listed or [] if isinstance(each, dict) and isinstance(each.get("id"), str)}


async def _version(link: ServerLink, address: ServerAddress) -> dict[str, Any]:
    async def look(path: str) -> Any:
        try:
            return await link.get(f"{address.root}{path}", attempts=1)
        except (Refused, ContextFull, EngineError, InputError):
            return None

    *answers, described = await asyncio.gather(*map(look, (*_PATHS, "/openapi.json")))
    found: dict[str, Any] = {}
    for fields, answer in zip(_PATHS.values(), answers, strict=True):
        if isinstance(answer, dict):
            found |= {field: short(answer[field]) for field in fields if isinstance(answer.get(field), str)}
    info = described.get("info") if isinstance(described, dict) else None
    if isinstance(info, dict):
        found["server"] = short(f"{info.get('title', '')} {info.get('version', '')}".strip())
    return found


def short(value: Any) -> Any:
    """A stated value, no longer than a record should hold."""
    return (
        value[:_MAX_CHARS]
        if isinstance(value, str)
        else value
        if len(str(value)) <= _MAX_CHARS
        else str(value)[:_MAX_CHARS]
    )


def _listed(models: Mapping[str, Any]) -> str:
    names = list(models)
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more
