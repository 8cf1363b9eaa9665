"""Coefficients of an expression that is a polynomial in one variable."""

from __future__ import annotations

from fractions import Fraction

from tasks.answers.expression import ZERO, Expr, Number, Power, Product, Sum, Symbol, add, free_symbols, multiply
from tasks.answers.limits import Undecided

MAX_DEGREE = 8


def coefficients(expr: Expr, name: str) -> list[Expr]:
    """[c0, c1, ...] with `expr = c0 + c1 x + ...`; the last one is not literally zero (unless it is the only one).

    Raises `Undecided` where `expr` is no polynomial in `name`, or one of a degree above `MAX_DEGREE`.
    """
    result = _expand(expr, name)
    while len(result) > 1 and result[-1] == ZERO:
        result.pop()
    return result


def _expand(expr: Expr, name: str) -> list[Expr]:
    if name not in free_symbols(expr):
        return [expr]
    match expr:
        case Symbol():
            return [ZERO, Number(1)]
        case Sum():
            return _sum([_expand(t, name) for t in expr.terms])
        case Product():
            result = [Number(1)]
            product: list[Expr] = list(result)
            for factor in expr.factors:
                product = _multiply(product, _expand(factor, name))
            return product
        case Power() if isinstance(expr.exponent, Number) and expr.exponent.value.denominator == 1:
            exponent = expr.exponent.value
            if Fraction(0) < exponent <= MAX_DEGREE:
                power: list[Expr] = [Number(1)]
                for _ in range(int(exponent)):
                    power = _multiply(power, _expand(expr.base, name))
                return power
    raise Undecided("not a polynomial")


def _sum(polynomials: list[list[Expr]]) -> list[Expr]:
    length = max(len(p) for p in polynomials)
    return [add(p[i] for p in polynomials if i < len(p)) for i in range(length)]


def _multiply(left: list[Expr], right: list[Expr]) -> list[Expr]:
    if len(left) + len(right) - 2 > MAX_DEGREE:
        raise Undecided("degree too high")
    terms: list[list[Expr]] = [[] for _ in range(len(left) + len(right) - 1)]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            terms[i + j].append(multiply((a, b)))
    return [add(t) for t in terms]
