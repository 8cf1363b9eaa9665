"""Equivalence classes of answers, for voting: linear in the number of distinct answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tasks.answers.decide import cached_value, decide
from tasks.answers.signature import signature

NO_CLASS = -1
"""Class of a missing answer; it takes no part in a vote."""
_DIGITS = 9
"""Answers whose signatures agree to this many digits are compared; closer ones are never missed."""


def classes(answers: Sequence[str | None]) -> list[int]:
    """The class of each answer: 0, 1, 2, ... in order of first appearance, `NO_CLASS` for None or an empty text.

    An answer joins the first class whose first member is the same answer. Answers are only compared within buckets of
    equal signature, so the work grows with the number of distinct texts and not with its square.
    """
    by_text: dict[str, int] = {}
    buckets: dict[object, list[tuple[int, str]]] = {}
    num_classes = 0
    result: list[int] = []
    for answer in answers:
        if answer is None or not answer.strip():
            result.append(NO_CLASS)
            continue
        if answer not in by_text:
            near, home = _buckets(answer)
            members = sorted(m for b in near for m in buckets.get(b, ()))
            found = next((number for number, text in members if decide(text, answer).is_same), None)
            if found is None:
                found = num_classes
                num_classes += 1
                buckets.setdefault(home, []).append((found, answer))
            by_text[answer] = found
        result.append(by_text[answer])
    return result


def _buckets(answer: str) -> tuple[list[object], object]:
    """(buckets in which an equal answer may be, the one where this answer is kept)."""
    key = _signature(answer)
    if isinstance(key, str):
        return [key], key
    if key == 0 or not math.isfinite(key):
        return [repr(key)], repr(key)
    exponent = math.floor(math.log10(abs(key)))
    scaled = key / 10.0**exponent * 10**_DIGITS if abs(exponent) < 300 else float(exponent)
    home = round(scaled)
    return list(_neighbours(exponent, home)), (exponent, home)


def _neighbours(exponent: int, home: int) -> Iterator[object]:
    for step in (-1, 0, 1):
        yield exponent, home + step
    # A mantissa at the end of its range has its neighbour in the next decade.
    if home >= 10 ** (_DIGITS + 1) - 1:
        yield exponent + 1, 10**_DIGITS
    if home <= 10**_DIGITS:
        yield exponent - 1, 10 ** (_DIGITS + 1)


def _signature(answer: str) -> float | str:
    try:
        return signature(cached_value(answer))
    except (ValueError, ArithmeticError, RecursionError):
        return answer.strip()
