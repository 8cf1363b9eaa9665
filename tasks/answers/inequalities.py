"""Where a relation between two expressions in one real variable holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tasks.answers.evaluate import context
from tasks.answers.expression import (
    Call,
    Expr,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
    add,
    free_symbols,
    multiply,
    nodes,
    power,
    subtract,
)
from tasks.answers.limits import Budget, Undecided
from tasks.answers.numeric import real_value, value_at
from tasks.answers.polynomials import coefficients

_BITS = 256


@dataclass(frozen=True, slots=True)
class Solution:
    """Whether the relation holds at a point, and the points where that can change."""

    holds: Callable[[Any], bool]
    breakpoints: tuple[Any, ...]


def solve(left: Expr, sign: str, right: Expr, budget: Budget) -> Solution:
    """The solution of `left sign right`.

    Covers what is built from polynomials of degree up to two, or higher with roots that the polynomial solver finds,
    absolute values of them, and quotients. Raises `Undecided` for anything else.
    """
    difference = subtract(left, right)
    names = sorted(free_symbols(difference))
    if len(names) > 1:
        raise Undecided("several variables")
    name = names[0] if names else "x"
    critical = _critical_points(difference, name, budget)

    def holds(x: Any) -> bool:
        # At a critical point rounding would decide: take it as the exact root or pole that it is.
        value = value_at(difference, name, x, budget)
        if value is None:
            return False
        mp = context(_BITS)
        if abs(value) < mp.ldexp(1 + abs(x), -_BITS // 2):
            value = mp.mpf(0)
        return _compare(value, sign)

    return Solution(holds, tuple(critical))


def _compare(value: Any, sign: str) -> bool:
    match sign:
        case "<":
            return bool(value < 0)
        case "<=":
            return bool(value <= 0)
        case ">":
            return bool(value > 0)
        case ">=":
            return bool(value >= 0)
        case "!=":
            return bool(value != 0)
        case "=" | "~":
            return bool(value == 0)
    raise Undecided(f"no order: {sign}")


def _critical_points(difference: Expr, name: str, budget: Budget) -> list[Any]:
    """Roots and poles of the difference for every choice of sign of its absolute values."""
    absolutes = sorted({n for n in nodes(difference) if isinstance(n, Call) and n.name == "abs"}, key=lambda n: n.key)
    if len(absolutes) > 2:
        raise Undecided("many absolute values")
    critical: list[Any] = []
    for choice in range(2 ** len(absolutes)):
        signs = {a: -1 if choice >> i & 1 else 1 for i, a in enumerate(absolutes)}
        critical.extend(_roots(_without_absolutes(difference, signs), name, budget))
    for absolute in absolutes:
        critical.extend(_roots(absolute.args[0], name, budget))
    return critical


def _without_absolutes(expr: Expr, signs: dict[Call, int]) -> Expr:
    match expr:
        case Call() if expr in signs:
            return multiply((Number(signs[expr]), expr.args[0]))
        case Sum():
            return add(_without_absolutes(t, signs) for t in expr.terms)
        case Product():
            return multiply(_without_absolutes(f, signs) for f in expr.factors)
    return expr


def _roots(expr: Expr, name: str, budget: Budget) -> list[Any]:
    """Real roots of numerator and denominator."""
    if name not in free_symbols(expr):
        return []
    if isinstance(expr, Symbol):
        return [context(_BITS).mpf(0)]
    factors = expr.factors if isinstance(expr, Product) else (expr,)
    roots: list[Any] = []
    for factor in factors:
        if isinstance(factor, Power) and isinstance(factor.exponent, Number):
            roots.extend(_roots(factor.base, name, budget))
        elif isinstance(factor, Sum) and (poles := _denominators(factor, name)):
            roots.extend(r for p in poles for r in _roots(p, name, budget))
            common = add(multiply((t, *(power(p, Number(1)) for p in poles))) for t in factor.terms)
            if any(_denominators(t, name) for t in (common.terms if isinstance(common, Sum) else (common,))):
                raise Undecided("nested quotients")
            roots.extend(_polynomial_roots(common, name, budget))
        else:
            roots.extend(_polynomial_roots(factor, name, budget))
    return roots


def _denominators(expr: Expr, name: str) -> list[Expr]:
    found: list[Expr] = []
    for term in expr.terms if isinstance(expr, Sum) else (expr,):
        for factor in term.factors if isinstance(term, Product) else (term,):
            if (
                isinstance(factor, Power)
                and factor.exponent == Number(-1)
                and name in free_symbols(factor.base)
                and factor.base not in found
            ):
                found.append(factor.base)
    return found


def _polynomial_roots(expr: Expr, name: str, budget: Budget) -> list[Any]:
    mp = context(_BITS)
    numbers = [real_value(c, budget) for c in coefficients(expr, name)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    if len(numbers) == 1:
        return []
    if len(numbers) == 2:
        return [-numbers[0] / numbers[1]]
    if len(numbers) == 3:
        c, b, a = numbers
        discriminant = b * b - 4 * a * c
        if discriminant < 0:
            return []
        root = mp.sqrt(discriminant)
        return [(-b - root) / (2 * a), (-b + root) / (2 * a)]
    budget.spend(2_000)
    try:
        roots = mp.polyroots(list(reversed(numbers)), maxsteps=200, extraprec=200)
    except mp.NoConvergence as error:
        raise Undecided("roots not found") from error
    return [mp.re(r) for r in roots if abs(mp.im(r)) < mp.ldexp(1, -_BITS // 3)]
