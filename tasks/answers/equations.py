"""Relations between expressions: equations up to a factor, chains of inequalities, read from either end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.answers.evaluate import Undefined, context, evaluate
from tasks.answers.expression import Expr, free_symbols, negate, subtract
from tasks.answers.limits import Undecided
from tasks.answers.sample_points import points
from tasks.answers.values import Quantity, Relation

if TYPE_CHECKING:
    from tasks.answers.compare import Comparison

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!=", "~": "~", "===": "===", "<=>": "<=>",
            "perp": "perp", "parallel": "parallel"}  # fmt: skip
_BITS = 256


def same_relation(left: Relation, right: Relation, comparison: Comparison) -> bool:
    """Whether both say the same: side by side in either direction, or as multiples of each other."""
    if _same_sides(left, right, comparison) or _same_sides(_reversed(left), right, comparison):
        return True
    if len(left.signs) != 1 or len(right.signs) != 1:
        return False
    a, b = _difference(left), _difference(right)
    if a is None or b is None:
        return False
    sign = _ratio_sign(a, b, comparison)
    if sign is None:
        return False
    if left.signs[0] in ("=", "!=", "~"):
        return left.signs == right.signs
    expected = left.signs[0] if sign > 0 else _FLIPPED.get(left.signs[0])
    return expected == right.signs[0] and expected in ("<", ">", "<=", ">=")


def _same_sides(left: Relation | None, right: Relation, comparison: Comparison) -> bool:
    if left is None or left.signs != right.signs:
        return False
    return all(comparison.same(a, b) for a, b in zip(left.sides, right.sides, strict=True))


def _reversed(relation: Relation) -> Relation | None:
    if not all(s in _FLIPPED for s in relation.signs):
        return None
    return Relation(tuple(reversed(relation.sides)), tuple(_FLIPPED[s] for s in reversed(relation.signs)))


def _difference(relation: Relation) -> Expr | None:
    left, right = relation.sides[0], relation.sides[1]
    if not isinstance(left, Quantity) or not isinstance(right, Quantity):
        return None
    return subtract(left.expr, right.expr)


def _ratio_sign(left: Expr, right: Expr, comparison: Comparison) -> int | None:
    """1 or -1 when `left` is a positive or negative constant times `right`; None when it is no multiple."""
    if left.key == right.key or negate(left).key == right.key:
        return 1 if left.key == right.key else -1
    names = sorted(free_symbols(left) | free_symbols(right))
    if not free_symbols(left) or free_symbols(left) != free_symbols(right):
        return None
    mp = context(_BITS)
    ratio = None
    num_points = 0
    for values in points(names, mp):
        try:
            a = evaluate(left, values, mp, comparison.budget)
            b = evaluate(right, values, mp, comparison.budget)
        except Undefined:
            continue
        except Undecided:
            return None
        if not mp.isfinite(a) or not mp.isfinite(b) or b == 0 or a == 0 or mp.im(a) or mp.im(b):
            continue
        if ratio is None:
            ratio = a / b
        elif abs(a / b - ratio) > mp.ldexp(abs(ratio), -_BITS // 2):
            return None
        num_points += 1
    if ratio is None or num_points < 4:
        return None
    return 1 if ratio > 0 else -1
