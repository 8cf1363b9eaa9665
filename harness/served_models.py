"""Models that servers offer, as a run names them: `http://127.0.0.1:8000/v1#MODEL`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rstar.engines.server_address import KEY_VARIABLES, is_address, parse_address, server_key
from tasks.types import InputError


def with_model(policy: str, model: str) -> str:
    """The address `policy` with `model` as the one that is meant. Raises InputError for a policy that is no server."""
    if not is_address(policy):
        raise InputError(f"--policy-model {model}: needs a server, and --policy {policy} is none; leave it out")
    address = parse_address(policy, "policy")
    if address.model and address.model != model:
        raise InputError(
            f"--policy-model {model}: the address names another model, {address.model!r}; keep one of them"
        )
    return replace(address, model=model).text


def named(text: str, role: str) -> str:
    """The address `text` with its model's name, asked of the server where it is missing and there is only one.

    Raises InputError where the server is not there, or serves several.
    """
    address = parse_address(text, role)
    if address.model:
        return address.text
    from rstar.engines.server_facts import stated_facts
    from rstar.engines.server_link import ServerLink

    variable = KEY_VARIABLES[role]
    with ServerLink(f"--{role} {address.url}", key=server_key(role), key_variable=variable) as link:
        _, name = link.wait_for(stated_facts(link, address))
    return replace(address, model=name).text


def with_names(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a run with the name of every served model, so that they say what is run."""
    model = fields.get("policy_model")
    kept = {name: value for name, value in fields.items() if name != "policy_model"}
    for role in KEY_VARIABLES:
        text = kept.get(role)
        if isinstance(text, str) and is_address(text):
            kept[role] = named(with_model(text, str(model)) if role == "policy" and model else text, role)
    if model and not is_address(str(kept.get("policy", ""))):
        with_model(str(kept.get("policy", "builtin")), str(model))
    return kept
