"""Answers recognised by their whole text: times of day, degrees with minutes, all reals but some."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from tasks.answers.expression import Number
from tasks.answers.values import Quantity, Ratio, SetExpression, Value, Words

_CLOCK = re.compile(
    r"^(\d{1,2})\s*:\s*([0-5]\d)(?:\s*:\s*([0-5]\d))?\s*\\?(?:text|mathrm)?\{?\s*([ap])\.?\s*m?\.?\s*\}?$",
    re.IGNORECASE,
)
_DEGREES_AND_MINUTES = re.compile(
    r"^(\d+)\s*\^\s*\{?\s*\\circ\s*\}?\s*(\d+(?:\.\d+)?)\s*(?:'|\^\s*\{?\s*\\prime\s*\}?)"
    r"(?:\s*(\d+(?:\.\d+)?)\s*(?:''|\"|\^\s*\{?\s*\\prime\s*\\prime\s*\}?))?$"
)
_ALL_REALS_BUT = re.compile(
    r"^(?:\\text\s*\{\s*)?all real (?:numbers |values )?(?:except|but|other than)\s*\}?\s*([^{}]{1,60})\}?$",
    re.IGNORECASE,
)


def read_special_form(cleaned: str, read: Callable[[str], Value]) -> Value | None:
    """The value of an answer in one of these forms, else None; `read` reads a part."""
    clock = _CLOCK.match(cleaned)
    if clock:
        terms = tuple(Quantity(Number(int(t))) for t in clock.groups()[:3] if t)
        return Ratio(terms, is_clock=True, unit=clock.group(4).lower() + "m")
    all_but = _ALL_REALS_BUT.match(cleaned)
    if all_but:
        return SetExpression("\\", (Words("all reals"), read(all_but.group(1))))
    angle = _DEGREES_AND_MINUTES.match(cleaned)
    if angle:
        degrees, minutes, seconds = (Fraction(t or 0) for t in angle.groups())
        return Quantity(Number(degrees + minutes / 60 + seconds / 3600), "degree")
    return None
