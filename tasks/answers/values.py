"""The kinds of answer that the grammar knows, as typed values. Nothing here compares or evaluates."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.answers.expression import Expr


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number or expression, perhaps with a unit: `5`, `2x+1`, `12 cm^2`."""

    expr: Expr
    unit: str = ""
    """Canonical unit, `cm^2` or `mile/hour`; empty where none was written or it says nothing (`units`)."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A tuple, vector or half-open interval: items in order and the brackets around them."""

    items: tuple[Value, ...]
    opening: str
    """`(`, `[` or `⟨`."""
    closing: str

    @property
    def is_sequence(self) -> bool:
        """Whether the brackets match; `(a, b]` can only be an interval."""
        return self.opening + self.closing in ("()", "[]", "⟨⟩")


@dataclass(frozen=True, slots=True)
class Collection:
    """Items whose order does not count: `{1, 2}`, `1, 2`, `1 and 2`, `±1`."""

    items: tuple[Value, ...]
    is_set: bool
    """Written in braces, so that repeated items count once."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain `a R b S c`: equations, inequalities, memberships."""

    sides: tuple[Value, ...]
    signs: tuple[str, ...]
    """One fewer than `sides`; spellings of `vocabulary.RELATIONS`."""


@dataclass(frozen=True, slots=True)
class SetExpression:
    """`A ∪ B`, `A ∩ B`, `A \\ B`, or inequalities joined by `or` (∪) and `and` (∩)."""

    operator: str
    """`∪`, `∩` or `\\`."""
    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class SetBuilder:
    """`{x | condition}`."""

    element: Value
    condition: Value


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of equal length; a column vector is a matrix with one column."""

    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class Piecewise:
    """Branches of a `cases` environment in the order written."""

    branches: tuple[tuple[Value, Value | None], ...]
    """(value, condition); None for a branch without one (`otherwise`)."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """`2:3:5`, or a time of day or duration `3:30`."""

    terms: tuple[Quantity, ...]
    is_clock: bool
    """Whether it reads as hours and minutes: two digits after each colon."""
    unit: str = ""
    """`am` or `pm` where one was written."""


@dataclass(frozen=True, slots=True)
class Words:
    """An answer in words, in normal form: lower case, single blanks."""

    text: str


Value = Quantity | Ordered | Collection | Relation | SetExpression | SetBuilder | Matrix | Piecewise | Ratio | Words
