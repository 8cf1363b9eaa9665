"""One stored answer before grading and after: what a row of the file becomes, and what is written about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tasks.types import Reference, Verdict

GraderName = Literal["strict", "official", "math-verify"]
"""Our checker under one of its two policies, or the second opinion."""
VERDICTS: tuple[Verdict, ...] = ("correct", "incorrect", "no_answer", "grader_error")


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """One row of the file, with its reference."""

    id: str
    reference: Reference
    reply: str | None
    """The model's whole text; None where the row brings the extracted answer, or the model gave nothing."""
    predicted: str | None
    """The extracted answer, where there is no reply."""
    end_byte: int
    """Position in the file just after the row, for progress."""

    def size(self) -> int:
        """Characters held for this row, about."""
        return len(self.reply or "") + len(self.predicted or "") + 500


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one grader says about one answer."""

    verdict: Verdict
    detail: str
    """Why: the tier that decided, or the error's text for `grader_error`."""

    @property
    def is_correct(self) -> bool:
        """True only for `correct`."""
        return self.verdict == "correct"


@dataclass(frozen=True, slots=True)
class Override:
    """A person's decision about one answer."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class GradedAnswer:
    """One row with every grader's opinion; the first grader's is the row's verdict unless an override settles it."""

    id: str
    reference: Reference
    predicted: str | None
    opinions: dict[GraderName, Opinion]
    end_byte: int
    override: Override | None = None

    @property
    def policy(self) -> GraderName:
        """The grader whose opinion counts."""
        return next(iter(self.opinions))

    @property
    def verdict(self) -> Verdict:
        """The final verdict."""
        return self.override.verdict if self.override else self.opinions[self.policy].verdict

    def verdict_of(self, grader: GraderName) -> Verdict:
        """The verdict that counts for `grader`: the final one for ours, the plain opinion for any other."""
        return self.verdict if grader == self.policy else self.opinions[grader].verdict

    def disagreeing(self) -> list[GraderName]:
        """The graders whose opinion asks for a review of ours: none where a person has decided already.

        That is one that says correct where ours does not or the reverse. One that could not decide asks for nothing;
        where ours could not, every decided one does.
        """
        if self.override:
            return []
        ours = self.opinions[self.policy]
        return [
            grader
            for grader, theirs in self.opinions.items()
            if theirs.verdict != "grader_error"
            and (ours.is_correct != theirs.is_correct or ours.verdict == "grader_error")
        ]

    def fields(self, grader_version: str) -> dict[str, Any]:
        """The row of the graded output file."""
        ours = self.opinions[self.policy]
        fields: dict[str, Any] = {
            "id": self.id,
            "reference": _json_reference(self.reference),
            "predicted": self.predicted,
            "verdict": self.verdict,
            "detail": ours.detail,
            "policy": self.policy,
            "grader_version": grader_version,
        }
        if self.override:
            fields["override"] = {"instead_of": ours.verdict, "reason": self.override.reason}
        others = {
            grader: {"verdict": opinion.verdict, "detail": opinion.detail}
            for grader, opinion in self.opinions.items()
            if grader != self.policy
        }
        return fields | ({"other_verdicts": others} if others else {})

    def review_fields(self, against: GraderName) -> dict[str, Any]:
        """The row of the review queue: it becomes an override when `verdict` and `reason` are filled in."""
        ours, theirs = self.opinions[self.policy], self.opinions[against]
        return {
            "id": self.id,
            "reference": _json_reference(self.reference),
            "predicted": self.predicted,
            "ours": ours.verdict,
            "theirs": theirs.verdict,
            "against": against,
            "detail": ours.detail,
            "their_detail": theirs.detail,
            "verdict": None,
            "reason": "",
        }


def _json_reference(reference: Reference) -> str | list[str]:
    return reference if isinstance(reference, str) else list(reference)
