"""Decides with high-precision numbers whether two expressions are equal.

Two constants that differ are told apart at 256 bits; two that agree there are computed again at 1,024 bits and are
equal when they agree to 960: closed forms of this size that agree so far and still differ are not known. Expressions
with variables are compared at fixed generic points.
"""

from __future__ import annotations

from typing import Any

from tasks.answers.evaluate import BITS, TooLarge, Undefined, context, evaluate
from tasks.answers.expression import Expr, Number, Sum, free_symbols, subtract
from tasks.answers.limits import Budget, Undecided, Unreadable
from tasks.answers.sample_points import points, whole_points

HIGH_BITS = 1024
MAX_TERM_BITS = 20_000
"""Size of the largest numbers whose difference is worked out in full."""
_GUARD_BITS = 64
"""What rounding errors may eat, of either precision."""


def is_zero(expr: Expr, budget: Budget) -> bool:
    """Whether a constant expression is zero. Raises `Undecided` or `Undefined`."""
    if isinstance(expr, Number):
        return expr.value == 0
    if _is_clearly_not_zero(expr, BITS, budget):
        return False
    # Enough bits to see a difference of one between the largest terms, and as many again.
    size = max(0, context(BITS).mag(_scale(expr, context(BITS), budget)))
    if size > MAX_TERM_BITS:
        raise TooLarge("terms too large for a difference to be seen")
    return not _is_clearly_not_zero(expr, HIGH_BITS + int(size), budget)


def _is_clearly_not_zero(expr: Expr, bits: int, budget: Budget) -> bool:
    mp = context(bits)
    value = evaluate(expr, {}, mp, budget)
    return not mp.isfinite(value) or abs(value) > mp.ldexp(_scale(expr, mp, budget), _GUARD_BITS - bits)


def _scale(expr: Expr, mp: Any, budget: Budget) -> Any:
    """The size of the largest term, against which a rounding error is measured."""
    terms = expr.terms if isinstance(expr, Sum) else (expr,)
    sizes = [abs(evaluate(t, {}, mp, budget)) for t in terms]
    return max([*sizes, mp.mpf(1)] if isinstance(expr, Sum) else sizes)


def same_expression(left: Expr, right: Expr, budget: Budget) -> bool:
    """Whether two expressions are equal wherever both are defined (real variables).

    Raises `Undecided` where neither the normal form nor numbers can tell.
    """
    if left == right:
        return True
    if isinstance(left, Number) and isinstance(right, Number):
        return False
    names = free_symbols(left) | free_symbols(right)
    try:
        if not names:
            return is_zero(subtract(left, right), budget)
        return _same_at_points(left, right, sorted(names), budget)
    except TooLarge:
        if _is_computable(left, budget) != _is_computable(right, budget):
            return False  # one is of ordinary size, the other beyond all bounds
        raise
    except Undefined as error:
        raise Undecided(str(error)) from error
    except Unreadable as error:
        raise Undecided(str(error)) from error


def _is_computable(expr: Expr, budget: Budget) -> bool:
    mp = context(BITS)
    names = sorted(free_symbols(expr))
    try:
        evaluate(expr, next(points(names, mp)), mp, budget)
    except (TooLarge, Undefined):
        return False
    return True


_NEEDED_POINTS = 4
_TOLERANCE_BITS = 160
"""Agreement asked for at 256 bits; the rest is for rounding errors of ill-conditioned expressions."""


def _same_at_points(left: Expr, right: Expr, names: list[str], budget: Budget) -> bool:
    mp = context(BITS)
    num_agreed = 0
    for index, values in enumerate(points(names, mp)):
        try:
            a = evaluate(left, values, mp, budget)
            b = evaluate(right, values, mp, budget)
        except Undefined:
            continue
        if not mp.isfinite(a) or not mp.isfinite(b):
            continue
        is_positive = index < _NEEDED_POINTS + 2
        if not is_positive and (mp.im(a) or mp.im(b)):
            continue  # outside the real domain the branch of a root is a convention
        if abs(a - b) > mp.ldexp(max(abs(a), abs(b)), -_TOLERANCE_BITS):
            return False
        num_agreed += 1
    if num_agreed < _NEEDED_POINTS:
        return _same_at_whole_points(left, right, names, budget)
    return True


def _same_at_whole_points(left: Expr, right: Expr, names: list[str], budget: Budget) -> bool:
    """For functions of whole numbers, such as a greatest common divisor."""
    mp = context(BITS)
    num_agreed = 0
    for values in whole_points(names, mp):
        try:
            a, b = evaluate(left, values, mp, budget), evaluate(right, values, mp, budget)
        except Undefined:
            continue
        if abs(a - b) > mp.ldexp(max(abs(a), abs(b)), -_TOLERANCE_BITS):
            return False
        num_agreed += 1
    if num_agreed < _NEEDED_POINTS:
        raise Undecided("defined at too few points")
    return True


def real_value(expr: Expr, budget: Budget) -> Any:
    """The value of a constant as an mpf (infinities allowed). Raises `Undecided` where it is not a real constant."""
    if free_symbols(expr):
        raise Undecided("not a constant")
    mp = context(BITS)
    try:
        value = evaluate(expr, {}, mp, budget)
    except Undefined as error:
        raise Undecided(str(error)) from error
    if mp.im(value):
        raise Undecided("not real")
    return mp.re(value)


def value_at(expr: Expr, name: str, value: Any, budget: Budget) -> Any:
    """The real value of `expr` with the variable `name` at `value`; None where it has none."""
    mp = context(BITS)
    try:
        result = evaluate(expr, {name: value}, mp, budget)
    except Undefined:
        return None
    return None if mp.im(result) else mp.re(result)
