"""Every bound that keeps a call short, and the two ways in which a comparison can end without a verdict.

All bounds are chosen, not tuned: far above what any reference of the nine benchmark files needs (the longest
readable one has 876 characters), far below what makes a call slow.
"""

from __future__ import annotations

MAX_CHARS = 4_000
"""Longest answer that is parsed; a longer one can only be equal by its text."""
MAX_TOKENS = 2_500
"""Most tokens in one answer."""
MAX_DEPTH = 48
"""Deepest nesting of brackets, fractions, roots and exponents."""
MAX_ITEMS = 400
"""Most elements of one list, set or tuple."""
MAX_INTEGER_BITS = 80_000
"""Largest exact integer, in bits: 2^20090 fits (an own case has it), 10^10^6 does not."""
MAX_NUMBER_DIGITS = 3_000
"""Most digits of one number literal (CPython refuses to print more than 4,300)."""
MAX_SERIES_TERMS = 2_000
"""Most terms of a sum or product that is added up term by term."""
MAX_PLUS_MINUS = 3
"""Most independent plus-minus signs in one element: 2^3 = 8 values."""
EVALUATION_BUDGET = 60_000
"""Numeric operations in one comparison, one unit per 256-bit operation (about 5 microseconds)."""
MAX_SYMBOLIC_NODES = 300
"""Largest pair of expressions that goes to the symbolic worker."""
MAX_SYMBOLIC_BITS = 2_000
"""Largest integer that goes to the symbolic worker."""
SYMBOLIC_SECONDS = 1.5
"""Wall time of the symbolic tier in its worker, worker start included, so that a call ends within 2 s."""


class Unreadable(ValueError):
    """The text is not an answer in our grammar, is undefined (1/0) or exceeds a bound."""


class Undecided(Exception):
    """Both answers are readable, yet no tier within its bounds can tell whether they are equal."""


class Budget:
    """Counts numeric work in one comparison; deterministic, unlike a clock."""

    __slots__ = ("left",)

    def __init__(self, units: int = EVALUATION_BUDGET) -> None:
        self.left = units

    def spend(self, units: int = 1) -> None:
        """Take `units` of work off the budget; raise `Undecided` when it is used up."""
        self.left -= units
        if self.left < 0:
            raise Undecided("evaluation budget exhausted")
