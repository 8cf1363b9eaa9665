"""Number literals as exact rationals: decimals, scientific notation, repeating decimals."""

from __future__ import annotations

from fractions import Fraction

from tasks.answers.expression import Expr, Number, Power, multiply
from tasks.answers.limits import MAX_INTEGER_BITS, MAX_NUMBER_DIGITS, Unreadable


def number_value(text: str) -> Expr:
    """The exact value of digits with an optional point and exponent: `007`, `.5`, `1.2e-4`."""
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > MAX_NUMBER_DIGITS:
        raise Unreadable("number too long")
    value = Fraction(mantissa)
    if not exponent:
        return Number(value)
    shift = int(exponent)
    if abs(shift) * 4 > MAX_INTEGER_BITS:
        return multiply((Number(value), Power(Number(10), Number(shift))))
    return Number(value * Fraction(10) ** shift)


def repeating_decimal(text: str, period: str) -> Expr:
    """`0.1` followed by the period `6` without end: 1/6."""
    if not period.isdigit() or len(period) + len(text) > MAX_NUMBER_DIGITS:
        raise Unreadable("no period of digits")
    whole, _, fixed = text.partition(".")
    head = Fraction(f"{whole or '0'}.{fixed or '0'}")
    return Number(head + Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(fixed)))


def number_text(digits: str) -> str:
    """Digits without the zeros that say nothing, as the name of a number in another base: `0011.10` is `11.1`."""
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + ("." + fraction if fraction else "")
