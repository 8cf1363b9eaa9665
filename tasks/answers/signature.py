"""A number that equal answers share, whatever their form: the key under which voting looks for them."""

from __future__ import annotations

from typing import Any

from tasks.answers.evaluate import Undefined, context, evaluate
from tasks.answers.expression import Expr, free_symbols
from tasks.answers.labels import labelled
from tasks.answers.limits import Budget, Undecided
from tasks.answers.real_sets import is_set_like, real_set
from tasks.answers.sample_points import points
from tasks.answers.values import (
    Collection,
    Matrix,
    Ordered,
    Piecewise,
    Quantity,
    Ratio,
    Relation,
    Value,
    Words,
)

_BITS = 96


def signature(value: Value) -> float | str:
    """The same for all answers that `compare` calls equal; a text where there is no number to compute.

    Order, brackets, units, repetition and labels do not enter, since answers that differ in them may be equal.
    """
    value = labelled(value)[1]
    if is_set_like(value):
        return _set(value)
    match value:
        case Words():
            return value.text
        case Quantity():
            return _number(value.expr)
        case Relation():
            return "equation"
        case Ratio():
            return "ratio" if not value.is_clock else _total(value.terms)
        case Collection() | Ordered():
            return _total(value.items) if value.items else "no solution"
        case Matrix():
            return _total(tuple(e for row in value.rows for e in row))
        case Piecewise():
            return "piecewise"
    return _set(value)


def _number(expr: Expr) -> float | str:
    mp = context(_BITS)
    names = sorted(free_symbols(expr))
    try:
        value: Any = evaluate(expr, next(points(names, mp)), mp, Budget())
    except (Undecided, Undefined, ValueError, ArithmeticError):
        return "no number"
    return float(mp.re(value)) + 0.7 * float(mp.im(value))


def _total(items: tuple[Value, ...]) -> float | str:
    parts = {signature(i) for i in items}
    if any(isinstance(p, str) for p in parts):
        return "mixed"
    return float(sum(sorted(p for p in parts if isinstance(p, float))))


def _set(value: Value) -> float | str:
    try:
        marks = {float(b) for b in real_set(value, Budget()).breakpoints}
    except Undecided:
        return "set"
    return float(sum(sorted(marks)))
