"""The engines of a spec that answer over HTTP: a policy, a reward model, and what they cannot do, said at the start."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.spec import RunSpec
from rstar.prompts import TEMPLATED, Layout

if TYPE_CHECKING:
    from rstar.engines.openai_server import ServerPolicy
    from rstar.engines.server_reward import ServerReward


def served_policy(
    spec: RunSpec, stack: ExitStack, max_in_flight: int | None, request_seconds: int | None
) -> ServerPolicy:
    """The policy at the spec's address. Raises InputError where it is not there or cannot serve the spec."""
    from rstar.engines.openai_server import Sampling, ServerPolicy

    sampling = Sampling(
        max_new_tokens=spec.max_new_tokens,
        max_context_tokens=spec.max_context_tokens,
        top_p=spec.top_p,
        top_k=spec.sampling_top_k,
        wants_logprobs=getattr(spec.config, "variant", "") == "puct",
    )
    policy = stack.enter_context(
        ServerPolicy.open(
            spec.policy,
            layout=spec.layout,
            chat_template=spec.chat_template,
            sampling=sampling,
            **_limits(max_in_flight, request_seconds),
        )
    )
    for line in policy.lines():
        _say(f"{policy.link.name}: {line}")
    return policy


@lru_cache(maxsize=256)
def _say(line: str) -> None:
    """Write a line, the same one once in a process."""
    sys.stderr.write(f"{line}\n")


def served_reward(spec: RunSpec, name: str, role: str, stack: ExitStack, request_seconds: int | None) -> ServerReward:
    """The reward model at the address `name`. Raises InputError where there is none."""
    from rstar.engines.server_reward import ServerReward

    layout = reward_layout(spec)
    return stack.enter_context(ServerReward.open(name, role, layout=layout, **_limits(None, request_seconds)))


def reward_layout(spec: RunSpec) -> Layout:
    """How a PPM of ours is asked: in a layout that it was trained on, whatever the policy's is."""
    return "rstar-sft" if spec.layout in TEMPLATED else spec.layout


def _limits(max_in_flight: int | None, request_seconds: int | None) -> dict[str, Any]:
    given = {"max_in_flight": max_in_flight, "request_seconds": request_seconds}
    return {name: value for name, value in given.items() if value is not None}
