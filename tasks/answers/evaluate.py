"""Evaluates an expression at a point in high precision."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from mpmath.ctx_mp import MPContext

from tasks.answers.expression import (
    Call,
    Constant,
    Expr,
    Number,
    Power,
    Product,
    Series,
    Sum,
    Symbol,
)
from tasks.answers.functions import FUNCTIONS_BY_NAME
from tasks.answers.limits import MAX_SERIES_TERMS, Budget, Undecided
from tasks.answers.sample_points import POINT, opaque_value

BITS = 256
"""Working precision of a comparison; a unit of budget is one operation at it."""
_MAX_ARGUMENT_BITS = 4_096
"""A function of a larger number is not computed: reducing it modulo pi would need as many digits."""
_MAX_EXPONENT_BITS = 64
"""A power whose exponent is larger than 2^64 is not computed: reducing it would need as many digits."""

_local = threading.local()


class Undefined(Exception):
    """The expression has no value at this point (division by zero, logarithm of zero)."""


class TooLarge(Undecided):
    """The value is beyond what is computed."""


def context(bits: int) -> Any:
    """The mpmath context of this thread at `bits` of precision; mpmath's own is global and not thread-safe."""
    if not hasattr(_local, "context"):
        _local.context = MPContext()
    _local.context.prec = bits
    return _local.context


def evaluate(expr: Expr, values: dict[str, Any], mp: Any, budget: Budget) -> Any:
    """The real or complex value of `expr` (an mpf or mpc), symbols taken from `values`.

    Raises `Undefined`, `TooLarge`, or `Undecided` for what has no numeric value here (integrals, infinite sums).
    """
    budget.spend(max(1, mp.prec // BITS))
    recurse: Callable[[Expr], Any] = partial(evaluate, values=values, mp=mp, budget=budget)
    match expr:
        case Number():
            return mp.mpf(expr.value.numerator) / expr.value.denominator
        case Symbol():
            return values[expr.name] if expr.name in values else opaque_value(expr.name, values.get(POINT, 0), mp)
        case Constant():
            return _constant(expr.name, mp)
        case Sum():
            return mp.fsum([recurse(t) for t in expr.terms])
        case Product():
            return mp.fprod([recurse(f) for f in expr.factors])
        case Power():
            return _power(recurse(expr.base), recurse(expr.exponent), expr.exponent, mp)
        case Call():
            return _call(expr, recurse, values.get(POINT, 0), mp)
        case Series():
            return _series(expr, values, mp, budget)
    raise Undecided(f"no numeric value for {expr.key[:40]}")


def _constant(name: str, mp: Any) -> Any:
    match name:
        case "pi":
            return +mp.pi
        case "e":
            return +mp.e
        case "i":
            return mp.mpc(0, 1)
        case "infinity":
            return mp.inf
        case "degree":
            return mp.pi / 180
    raise Undecided(f"no number: {name}")


def _power(base: Any, exponent: Any, exact: Expr, mp: Any) -> Any:
    if not mp.isfinite(base) or not mp.isfinite(exponent):
        raise Undecided("a power of infinity")
    if base == 0:
        if mp.re(exponent) > 0:
            return mp.mpf(0)
        if exponent == 0:
            return mp.mpf(1)
        raise Undefined("zero to a negative power")
    if mp.mag(exponent) > _MAX_EXPONENT_BITS:
        raise TooLarge("exponent beyond 2^64")
    is_real = mp.im(base) == 0
    if is_real and mp.re(base) < 0 and isinstance(exact, Number) and exact.value.denominator % 2 == 1:
        # Variables are real: the odd root of a negative number is the real one.
        root = abs(mp.re(base)) ** exponent
        return root if exact.value.numerator % 2 == 0 else -root
    return base**exponent


def _call(expr: Call, recurse: Callable[[Expr], Any], point: int, mp: Any) -> Any:
    function = FUNCTIONS_BY_NAME.get(expr.name)
    if function is None:
        # An unknown function: a fixed generic value for each name and argument.
        return opaque_value(expr.key, point, mp)
    arguments = [recurse(a) for a in expr.args]
    if any(not mp.isfinite(a) for a in arguments):
        raise Undecided("a function of infinity")
    if any(mp.mag(a) > _MAX_ARGUMENT_BITS for a in arguments):
        raise TooLarge(f"{expr.name} of a number beyond 2^{_MAX_ARGUMENT_BITS}")
    try:
        value = function(mp, *arguments)
    except (ZeroDivisionError, ValueError, OverflowError) as error:
        raise Undefined(f"{expr.name}: {error}") from error
    except TypeError as error:
        raise Undecided(f"{expr.name} of these arguments") from error
    if not mp.isfinite(value):
        raise Undefined(f"{expr.name} has a pole here")
    return value


def _series(series: Series, values: dict[str, Any], mp: Any, budget: Budget) -> Any:
    """A finite sum or product, term by term."""
    if series.kind not in ("sum", "product"):
        raise Undecided(series.kind)
    lower = evaluate(series.lower, values, mp, budget)
    upper = evaluate(series.upper, values, mp, budget)
    if not mp.isfinite(lower) or not mp.isfinite(upper):
        raise Undecided("infinite series")
    if mp.im(lower) or mp.im(upper) or not mp.isint(lower) or not mp.isint(upper):
        raise Undefined("a sum between numbers that are not whole")
    first, last = int(lower), int(upper)
    if last - first >= MAX_SERIES_TERMS:
        raise TooLarge("a series of too many terms")
    terms = [evaluate(series.body, values | {series.variable: mp.mpf(k)}, mp, budget) for k in range(first, last + 1)]
    return mp.fsum(terms) if series.kind == "sum" else mp.fprod(terms)
