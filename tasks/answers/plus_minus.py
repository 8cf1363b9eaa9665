"""Turns `a ± b` into the list of its values."""

from __future__ import annotations

from itertools import product

from tasks.answers.expression import Call, Expr, Power, Product, Sum, add, call, multiply, negate, nodes, power
from tasks.answers.limits import MAX_PLUS_MINUS, Unreadable
from tasks.answers.values import Collection, Quantity

_SIGNS = ("±", "∓")


def expand_plus_minus(quantity: Quantity) -> Quantity | Collection:
    """The values of a quantity with plus-minus signs; the quantity itself where it has none.

    `±` and `∓` in one expression go together; several `±` are independent, at most `MAX_PLUS_MINUS` of them.
    """
    signed = {n for n in nodes(quantity.expr) if isinstance(n, Call) and n.name in _SIGNS}
    if not signed:
        return quantity
    ordered = sorted(signed, key=lambda n: n.key)
    is_linked = {n.name for n in ordered} == set(_SIGNS)
    num_choices = 1 if is_linked else len(ordered)
    if num_choices > MAX_PLUS_MINUS:
        raise Unreadable("too many plus-minus signs")
    values: list[Expr] = []
    for signs in product((1, -1), repeat=num_choices):
        chosen = {
            n: (signs[0] if is_linked else signs[i]) * (1 if n.name == "±" else -1) for i, n in enumerate(ordered)
        }
        value = _choose(quantity.expr, chosen)
        if value not in values:
            values.append(value)
    return Collection(tuple(Quantity(v, quantity.unit) for v in values), is_set=False)


def _choose(expr: Expr, signs: dict[Call, int]) -> Expr:
    """`expr` with each plus-minus replaced by the chosen sign."""
    match expr:
        case Call() if expr in signs:
            inner = _choose(expr.args[0], signs)
            return inner if signs[expr] > 0 else negate(inner)
        case Call():
            return call(expr.name, tuple(_choose(a, signs) for a in expr.args))
        case Sum():
            return add(_choose(t, signs) for t in expr.terms)
        case Product():
            return multiply(_choose(f, signs) for f in expr.factors)
        case Power():
            return power(_choose(expr.base, signs), _choose(expr.exponent, signs))
    return expr
