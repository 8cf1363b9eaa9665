r"""Sets of real numbers: unions of intervals and points, inequalities, and their comparison.

A set is reduced to a predicate and the points where it can change. Two sets are equal when they agree at every such
point and between neighbouring ones; that covers unions, intersections, differences and complements alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tasks.answers.evaluate import context
from tasks.answers.expression import INFINITY, Call, Expr, free_symbols, negate, nodes
from tasks.answers.inequalities import Solution, solve
from tasks.answers.limits import Budget, Undecided
from tasks.answers.numeric import real_value
from tasks.answers.values import Collection, Ordered, Quantity, Relation, SetBuilder, SetExpression, Value, Words

Predicate = Callable[[Any], bool]
_BITS = 256


@dataclass(frozen=True, slots=True)
class RealSet:
    """A predicate on the reals, and the points at which it can change."""

    contains: Predicate
    breakpoints: tuple[Any, ...]


def is_set_like(value: Value) -> bool:
    """Whether `value` is a set by its own form, so that the other side should be read as one too."""
    match value:
        case SetExpression() | SetBuilder():
            return True
        case Ordered():
            return not value.is_sequence or any(_is_infinite(i) for i in value.items)
        case Relation():
            if value.signs[0] in ("in", "notin") and len(value.signs) == 1:
                return value.signs[0] == "notin" or is_set_like(value.sides[-1])
            return all(s in ("<", ">", "<=", ">=", "!=") for s in value.signs)
        case Words():
            return value.text in _NUMBER_SETS
    return False


_NUMBER_SETS = {"all reals", "numbers r"}


def _is_infinite(value: Value) -> bool:
    return isinstance(value, Quantity) and value.expr in (INFINITY, negate(INFINITY))


def same_real_set(left: Value, right: Value, budget: Budget) -> bool:
    """Whether both are the same set of reals. Raises `Undecided` where either cannot be read as one."""
    a, b = real_set(left, budget), real_set(right, budget)
    mp = context(_BITS)
    marks = _distinct(sorted([*a.breakpoints, *b.breakpoints]), mp)
    return all(a.contains(x) == b.contains(x) for x in _probes(marks, mp))


def _distinct(marks: list[Any], mp: Any) -> list[Any]:
    """Sorted marks with those that differ only by rounding merged."""
    kept: list[Any] = []
    for mark in marks:
        if not kept or mark - kept[-1] > mp.ldexp(1 + abs(mark), -_BITS // 2):
            kept.append(mark)
    return kept


def _probes(marks: list[Any], mp: Any) -> list[Any]:
    if not marks:
        return [mp.mpf(0), mp.mpf("-7.3"), mp.mpf("11.9")]
    between = [(p + q) / 2 for p, q in pairwise(marks)]
    return [*marks, *between, marks[0] - 1, marks[-1] + 1, marks[0] - 97, marks[-1] + 97]


def real_set(value: Value, budget: Budget) -> RealSet:
    """The set that `value` describes. Raises `Undecided` where it is none (a tuple of three, a set of words)."""
    match value:
        case Words() if value.text in _NUMBER_SETS:
            return RealSet(lambda _: True, ())
        case Words() if value.text in ("no solution", "empty", "empty set"):
            return RealSet(lambda _: False, ())
        case Quantity():
            return _point(value.expr, budget)
        case Collection():
            return _combine("∪", [real_set(i, budget) for i in value.items])
        case Ordered() if len(value.items) == 2:
            return _interval(value, budget)
        case SetExpression():
            return _set_expression(value, budget)
        case SetBuilder():
            return _set_builder(value, budget)
        case Relation():
            return _relation(value, budget)
    raise Undecided("not a set of reals")


def _point(expr: Expr, budget: Budget) -> RealSet:
    if expr.key == "#empty":
        return RealSet(lambda _: False, ())
    value = real_value(expr, budget)
    mp = context(_BITS)
    if not mp.isfinite(value):
        raise Undecided("infinity is no element")
    return RealSet(lambda x: _same(x, value), (value,))


def _same(x: Any, y: Any) -> bool:
    mp = context(_BITS)
    return bool(abs(x - y) <= mp.ldexp(1 + abs(x), -_BITS // 2))


def _interval(value: Ordered, budget: Budget) -> RealSet:
    low, high = (_end(i, budget) for i in value.items)
    if value.opening not in ("(", "[") or not low <= high:
        raise Undecided("not an interval")
    return between(low, value.opening == "[", high, value.closing == "]")


def _end(value: Value, budget: Budget) -> Any:
    if not isinstance(value, Quantity):
        raise Undecided("an interval's end is no number")
    return real_value(value.expr, budget)


def between(low: Any, has_low: bool, high: Any, has_high: bool) -> RealSet:
    """The interval from `low` to `high`; infinite ends are never included."""
    mp = context(_BITS)

    def contains(x: Any) -> bool:
        if mp.isfinite(low) and _same(x, low):
            return has_low and (low < high or has_high)
        if mp.isfinite(high) and _same(x, high):
            return has_high
        return bool(low < x < high)

    return RealSet(contains, tuple(e for e in (low, high) if mp.isfinite(e)))


def _combine(operator: str, sets: list[RealSet]) -> RealSet:
    breakpoints = tuple(p for s in sets for p in s.breakpoints)
    match operator:
        case "∪":
            return RealSet(lambda x: any(s.contains(x) for s in sets), breakpoints)
        case "∩":
            return RealSet(lambda x: all(s.contains(x) for s in sets), breakpoints)
    first, others = sets[0], sets[1:]
    return RealSet(lambda x: first.contains(x) and not any(s.contains(x) for s in others), breakpoints)


def _set_expression(value: SetExpression, budget: Budget) -> RealSet:
    sets = [real_set(p, budget) for p in value.parts]
    if len({n for p in value.parts for n in _variables(p)}) > 1:
        raise Undecided("inequalities in several variables")
    if value.operator != ",":
        return _combine(value.operator, sets)
    # Inequalities divided by commas: both hold if they can, else either.
    both = _combine("∩", sets)
    mp = context(_BITS)
    if any(both.contains(x) for x in _probes(_distinct(sorted(both.breakpoints), mp), mp)):
        return both
    return _combine("∪", sets)


def _variables(value: Value) -> set[str]:
    if isinstance(value, Relation):
        return {n for s in value.sides if isinstance(s, Quantity) for n in free_symbols(s.expr)}
    return set()


def _has_unknown(value: Value) -> bool:
    """Whether an unknown function such as `f(x)` stands in `value`."""
    return isinstance(value, Quantity) and any(
        isinstance(n, Call) and n.name.startswith("apply:") for n in nodes(value.expr)
    )


def _set_builder(value: SetBuilder, budget: Budget) -> RealSet:
    element = value.element
    if isinstance(element, Relation) and element.signs == ("in",):
        element = element.sides[0]
    if not isinstance(element, Quantity) or not free_symbols(element.expr):
        raise Undecided("a set of something else")
    return real_set(value.condition, budget)


def _relation(value: Relation, budget: Budget) -> RealSet:
    if len(value.signs) == 1 and value.signs[0] in ("in", "notin"):
        inner = real_set(value.sides[1], budget)
        if value.signs[0] == "in":
            return inner
        return RealSet(lambda x: not inner.contains(x), inner.breakpoints)
    if len(_variables(value)) != 1 or any(_has_unknown(s) for s in value.sides):
        raise Undecided("not a relation in one variable")
    solutions = []
    for left, sign, right in zip(value.sides, value.signs, value.sides[1:], strict=False):
        if not isinstance(left, Quantity) or not isinstance(right, Quantity):
            raise Undecided("not a relation between numbers")
        solutions.append(_from_solution(solve(left.expr, sign, right.expr, budget)))
    return _combine("∩", solutions)


def _from_solution(solution: Solution) -> RealSet:
    return RealSet(solution.holds, solution.breakpoints)
