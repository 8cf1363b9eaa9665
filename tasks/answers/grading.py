"""The public calls: is this the same answer, and what is the verdict on it."""

from __future__ import annotations

from typing import Literal

from tasks.answers.decide import Decision, decide
from tasks.answers.official import decide_officially
from tasks.types import Grade, Reference

GRADER_VERSION = "1"
"""Raised whenever a verdict may change; it stands in every record."""

GradingPolicy = Literal["strict", "official"]
"""`strict`: the conventions of `docs/answers.md`. `official`: the permissive rule of the official code."""

_RULES = {"strict": decide, "official": decide_officially}


def same_answer(reference: str, predicted: str, *, policy: GradingPolicy = "strict") -> bool:
    """Whether `predicted` states the same answer as `reference`.

    Bounded in time and memory, never raises, may be called from any thread. False where nothing could decide; `grade`
    tells that case apart.
    """
    return _RULES[policy](reference, predicted).is_same


def grade(predicted: str | None, reference: Reference, *, policy: GradingPolicy = "strict") -> Grade:
    """The verdict on an extracted answer; `None` or an empty one is `no_answer`.

    With several acceptable references, one that agrees is enough. `grader_error` means that both answers were readable
    and could not be compared within the bounds; it is never a guess.
    """
    if predicted is None or not predicted.strip():
        return Grade("no_answer", None, reference, "no final answer was found")
    accepted = (reference,) if isinstance(reference, str) else reference
    decisions: list[Decision] = []
    for text in accepted:
        decision = _RULES[policy](text, predicted)
        if decision.is_same:
            return Grade("correct", predicted, reference, decision.detail)
        decisions.append(decision)
    undecided = next((d for d in decisions if not d.is_decided), None)
    if undecided is not None:
        return Grade("grader_error", predicted, reference, undecided.detail)
    return Grade("incorrect", predicted, reference, decisions[0].detail if decisions else "no reference")
