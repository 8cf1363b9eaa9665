"""The replies of the endpoint, in OpenAI's shapes; what only a search has to say stands under `rstar`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from rstar.types import Usage

FinishReason = Literal["stop", "length"]


class PromptDetails(BaseModel):
    """Of the tokens that the policy read."""

    cached_tokens: int


class Ledger(BaseModel):
    """The rest of what a request cost, over all of its searches."""

    trajectories: int
    """Solutions that were finished, those of all choices together."""
    reward_tokens: int
    """Tokens read by the reward model, cached ones included."""
    cached_reward_tokens: int
    requests: int
    """Requests to the policy."""
    candidates: int
    """Continuations that the policy wrote, dropped ones included."""
    scored: int
    """Partial and whole solutions that the reward model judged."""
    executions: int
    """Programs that were run."""
    engine_seconds: float
    """Time spent waiting for policy and reward, summed over requests."""
    wall_seconds: float
    """Of the longest search."""


class UsageReply(BaseModel):
    """The cost of ALL trajectories, not only of the text that is sent back."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    rstar: Ledger


class ChosenReply(BaseModel):
    """How a choice came about."""

    answer: str | None
    """The answer that the rule chose; null where no trajectory has one."""
    value: float | None
    """Of the trajectory that is shown, in [-1, 1]; null without a reward model."""
    ending: str
    """How that trajectory ended: `answered`, or why it has no answer."""
    seed: int
    trajectories: int
    """Finished by this search; fewer than the budget where an adaptive rule ended it."""


class SearchReply(BaseModel):
    """What was done, defaults filled in."""

    method: str
    budget: int
    rule: str
    ignored: list[str]
    """Fields of the request that had no effect."""


class MessageReply(BaseModel):
    """The solution that was chosen."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """One search's outcome."""

    index: int
    message: MessageReply
    finish_reason: FinishReason
    logprobs: None = None
    rstar: ChosenReply


class ChatCompletion(BaseModel):
    """Reply of POST /v1/chat/completions."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: UsageReply
    system_fingerprint: str
    rstar: SearchReply


class ModelCard(BaseModel):
    """A model, of which there is one."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["rstar"] = "rstar"
    rstar: dict[str, Any]
    """Methods, rules, defaults and limits."""


class ModelList(BaseModel):
    """Reply of GET /v1/models."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class ErrorDetail(BaseModel):
    """What was wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorReply(BaseModel):
    """Reply of every request that failed."""

    error: ErrorDetail


def usage_reply(costs: list[Usage], trajectories: int) -> UsageReply:
    """The cost of searches that ran side by side."""
    total = {name: sum(getattr(cost, name) for cost in costs) for name in Usage.__slots__}
    return UsageReply(
        prompt_tokens=total["prompt_tokens"],
        completion_tokens=total["completion_tokens"],
        total_tokens=total["prompt_tokens"] + total["completion_tokens"],
        prompt_tokens_details=PromptDetails(cached_tokens=total["cached_tokens"]),
        rstar=Ledger(
            trajectories=trajectories,
            engine_seconds=round(total["engine_seconds"], 6),
            wall_seconds=round(max((cost.wall_seconds for cost in costs), default=0.0), 6),
            **{name: total[name] for name in _COUNTS},
        ),
    )


_COUNTS = ("reward_tokens", "cached_reward_tokens", "requests", "candidates", "scored", "executions")
