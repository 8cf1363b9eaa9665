"""The permissive rule of the official rStar-Math evaluation, so that both figures can be reported side by side.

Source: the evaluation code of microsoft/rStar, branch rStar-math, commit b3c1846: right if any of three checkers says
so, in either argument order; numbers within a relative 1e-4 of x, x/100 or 100x are equal; a choice letter is taken out
of the reply. This is the rule, not the code: ours never evaluates a prediction.
"""

from __future__ import annotations

import re

from tasks.answers.decide import Decision, cached_value, decide
from tasks.answers.labels import labelled
from tasks.answers.limits import Budget, Undecided, Unreadable
from tasks.answers.numeric import real_value
from tasks.answers.values import Collection, Matrix, Ordered, Quantity, Value

RELATIVE_TOLERANCE = 1e-4
_FACTORS = (1.0, 0.01, 100.0)
_LETTER = re.compile(r"\b([A-E])\b")


def decide_officially(reference: str, predicted: str) -> Decision:
    """The decision of the official rule: strict equality in either order, else closeness of numbers, else a letter."""
    first = decide(reference, predicted)
    if first.is_same or not first.is_decided:
        return first  # what took all the time there is would take it again
    if decide(predicted, reference).is_same:
        return Decision(True, True, "official: other order")
    try:
        if _close(cached_value(reference), cached_value(predicted)):
            return Decision(True, True, "official: within 1e-4 of x, x/100 or 100x")
    except (Unreadable, Undecided, OverflowError, RecursionError):
        pass
    letters = _LETTER.findall(predicted)
    if reference.strip() in ("A", "B", "C", "D", "E") and letters and letters[-1] == reference.strip():
        return Decision(True, True, "official: choice letter in the reply")
    return first


def _close(reference: Value, predicted: Value) -> bool:
    (_, left), (_, right) = labelled(reference), labelled(predicted)
    match left, right:
        case Quantity(), Quantity():
            a, b = real_value(left.expr, Budget()), real_value(right.expr, Budget())
            return any(abs(a * f - b) <= RELATIVE_TOLERANCE * abs(b) for f in _FACTORS)
        case ((Ordered() | Collection()), (Ordered() | Collection())) if len(left.items) == len(right.items):
            return all(_close(a, b) for a, b in zip(left.items, right.items, strict=True))
        case Matrix(), Matrix() if [len(r) for r in left.rows] == [len(r) for r in right.rows]:
            rows = zip(left.rows, right.rows, strict=True)
            return all(_close(a, b) for x, y in rows for a, b in zip(x, y, strict=True))
    return False
