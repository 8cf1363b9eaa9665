"""Functions of exact rationals with an exact result; None where there is none or it would be too large."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, comb, factorial, floor, gcd, lcm

MAX_FACTORIAL = 5_000
"""Largest argument of a factorial or binomial that is computed (5000! has 54,000 bits)."""


def _whole(*values: Fraction) -> tuple[int, ...] | None:
    if any(v.denominator != 1 for v in values):
        return None
    return tuple(int(v) for v in values)


def _factorial(value: Fraction) -> int | None:
    whole = _whole(value)
    return factorial(whole[0]) if whole and 0 <= whole[0] <= MAX_FACTORIAL else None


def _binomial(top: Fraction, bottom: Fraction) -> int | None:
    whole = _whole(top, bottom)
    return comb(*whole) if whole and min(whole) >= 0 and max(whole) <= MAX_FACTORIAL else None


def _of_whole(function: Callable[..., int]) -> Callable[..., int | None]:
    return lambda *values: function(*whole) if (whole := _whole(*values)) else None


def _mod(value: Fraction, modulus: Fraction) -> Fraction | None:
    return value - modulus * floor(value / modulus) if modulus else None


EXACT_FUNCTIONS: dict[str, Callable[..., Fraction | int | None]] = {
    "factorial": _factorial,
    "binomial": _binomial,
    "abs": abs,
    "floor": floor,
    "ceil": ceil,
    "gcd": _of_whole(gcd),
    "lcm": _of_whole(lcm),
    "max": max,
    "min": min,
    "mod": _mod,
    "sgn": lambda value: (value > 0) - (value < 0),
}
