"""From solved searches to OpenAI's shapes."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any

from harness.serve.reply import (
    ChatCompletion,
    Choice,
    ChosenReply,
    FinishReason,
    MessageReply,
    SearchReply,
    usage_reply,
)
from harness.serve.solver import Question, Solved
from harness.serve.text import solution_markdown


@dataclass(frozen=True, slots=True)
class Head:
    """What every part of a reply begins with."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def content(self, kind: str) -> dict[str, Any]:
        """As JSON; `kind` is OpenAI's name of the object."""
        return {
            "id": self.id, "object": kind, "created": self.created, "model": self.model,
            "system_fingerprint": fingerprint(),
        }  # fmt: skip


def completion(head: Head, question: Question, solved: list[Solved]) -> ChatCompletion:
    """The reply to a request that is not streamed."""
    choices = [
        Choice(
            index=index,
            message=MessageReply(content=solution_markdown(each.trajectory)),
            finish_reason=finish_reason(each),
            rstar=chosen_reply(each),
        )
        for index, each in enumerate(solved)
    ]
    return ChatCompletion(
        id=head.id,
        created=head.created,
        model=head.model,
        choices=choices,
        usage=usage_reply([each.usage for each in solved], sum(each.num_trajectories for each in solved)),
        system_fingerprint=fingerprint(),
        rstar=search_reply(question),
    )


def finish_reason(solved: Solved) -> FinishReason:
    """`length` where a cap on tokens or steps cut the solution off, else `stop`."""
    return "length" if solved.trajectory.ending in ("truncated", "max_depth") else "stop"


def chosen_reply(solved: Solved) -> ChosenReply:
    """How a choice came about."""
    return ChosenReply(
        answer=solved.answer,
        value=solved.value,
        ending=solved.trajectory.ending,
        seed=solved.seed,
        trajectories=solved.num_trajectories,
    )


def search_reply(question: Question) -> SearchReply:
    """What is done, defaults filled in."""
    return SearchReply(
        method=question.spec.method, budget=question.budget, rule=question.spec.rule, ignored=list(question.ignored)
    )


@cache
def fingerprint() -> str:
    """Which version of the program answered."""
    return f"rstar-{version('rstar-bench')}"
