"""Words and notation that the families share: people, things, and signed terms."""

from __future__ import annotations

PEOPLE = ("Ana", "Ben", "Cem", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jan", "Kim", "Lea")
GOODS = ("pens", "books", "cups", "lamps", "plates", "rulers", "bags", "hats", "towels", "chairs")
COUNTABLE = ("marbles", "stamps", "coins", "cards", "shells", "stickers", "beads", "apples")


def signed(number: int) -> str:
    """`+ 5` or `- 5`: a number that stands after another term."""
    return f"- {-number}" if number < 0 else f"+ {number}"


def minus(left: str | int, number: int) -> str:
    """Code for left minus number without a double sign: `7 - 3`, or `7 + 3` for -3."""
    return f"{left} {signed(-number)}"


def plus(left: str | int, number: int) -> str:
    """Code for left plus number without a double sign."""
    return f"{left} {signed(number)}"


def linear(slope: int, constant: int, variable: str = "x") -> str:
    """`3x + 5`, `x - 2`, `4x`: a linear term as a question writes it; the slope is not 0."""
    head = f"{coefficient(slope)}{variable}"
    return f"{head} {signed(constant)}" if constant else head


def coefficient(number: int) -> str:
    """A factor before a letter: nothing for 1, `-` for -1."""
    return {1: "", -1: "-"}.get(number, str(number))
