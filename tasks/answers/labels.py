"""What the left side of an equation names: `x = 5`, `f(x) = x^2`, `AB = 4` state a value; `x + y = 1` does not."""

from __future__ import annotations

from tasks.answers.expression import Call, Constant, Expr, Number, Power, Product, Symbol, free_symbols
from tasks.answers.values import Collection, Ordered, Quantity, Ratio, Relation, Value, Words

_EQUAL = ("=", "~", "===", "in", "=>", "->")


def labelled(value: Value) -> tuple[Value | None, Value]:
    """(label, what it labels) of `x = 5` or `x \\in A`; (None, value) of anything else."""
    if not isinstance(value, Relation) or not set(value.signs) <= set(_EQUAL):
        return None, value
    sides, signs = list(value.sides), list(value.signs)
    while len(sides) > 2 and signs[-1] == "~":
        # `x = 1/3 ≈ 0.33`: what follows the sign is only an approximation.
        sides.pop()
        signs.pop()
    if len(sides) == 2 and signs[0] == "~" and not is_label(sides[0]):
        return None, sides[0]
    if is_label(sides[0]):
        return sides[0], sides[-1]
    if is_label(sides[-1]) and len(sides) == 2 and signs[0] == "=":
        return sides[-1], sides[0]
    if len(sides) > 2 or (_is_constant(sides[0]) and _is_constant(sides[-1])):
        return None, sides[-1]  # a calculation: 3 + 4 = 7
    return None, value


def is_label(value: Value) -> bool:
    """Whether `value` names something rather than being a statement's content."""
    match value:
        case Words():
            return True
        case Ordered():
            return all(isinstance(i, Quantity) and isinstance(i.expr, Symbol) for i in value.items)
        case Collection():
            return bool(value.items) and all(
                isinstance(i, Quantity) and isinstance(i.expr, Symbol) for i in value.items
            )
        case Ratio():
            return all(is_label(t) for t in value.terms)
        case Quantity():
            return not value.unit and _names(value.expr)
    return False


def _names(expr: Expr) -> bool:
    match expr:
        case Symbol():
            return True
        case Constant():
            return expr.name in ("i", "e")
        case Call():
            if expr.name.startswith("apply:") or expr.name in ("prime", "bar", "overline", "hat"):
                return True
            return expr.name in ("abs", "Re", "Im", "max", "min") and all(_names(a) for a in expr.args)
        case Product():
            return all(_is_point(f) or (isinstance(f, Symbol) and f.name in _GEOMETRIC) for f in expr.factors)
        case Power():
            return expr.exponent == Number(-1) and _is_point(expr.base)
    return False


_GEOMETRIC = {"angle", "triangle", "square", "partial"}


def _is_point(expr: Expr) -> bool:
    """A capital letter (with a prime, subscript or as a divisor or square): part of a geometric name such as `AB`."""
    if isinstance(expr, Power):
        return isinstance(expr.exponent, Number) and _is_point(expr.base)
    if isinstance(expr, Call):
        return expr.name == "prime" and _is_point(expr.args[0])
    return isinstance(expr, Symbol) and expr.name[0].isupper() and expr.name[0].isascii()


def _is_constant(value: Value) -> bool:
    return isinstance(value, Quantity) and not free_symbols(value.expr)


def assignments(value: Value) -> Value:
    """A list of equations as a list of tuples where the same labels recur: `p=5, q=2, p=7, q=2` as `(5,2), (7,2)`.

    Equations with labels that occur once each stay a list of equations.
    """
    if not isinstance(value, Collection) or value.is_set or len(value.items) < 4:
        return value
    pairs = [labelled(i) for i in value.items]
    names = [label for label, _ in pairs]
    if any(label is None for label in names):
        return value
    for size in range(2, len(names) // 2 + 1):
        if len(names) % size == 0 and names == names[:size] * (len(names) // size) and _distinct(names[:size]):
            groups = [pairs[i : i + size] for i in range(0, len(pairs), size)]
            return Collection(tuple(Ordered(tuple(v for _, v in g), "(", ")") for g in groups), is_set=False)
    return value


def _distinct(labels: list[Value | None]) -> bool:
    return all(a != b for i, a in enumerate(labels) for b in labels[i + 1 :])
