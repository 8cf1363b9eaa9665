"""Expression trees in normal form: building one flattens, sorts, folds exact numbers and collects like terms.

Two expressions with the same `key` are equal. Different keys say nothing, except that two `Number`s differ.
Folding never leaves the rationals: 1/3 stays 1/3, sqrt(2) stays a power, and what would exceed
`limits.MAX_INTEGER_BITS` stays unfolded.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import isqrt

from tasks.answers.exact import EXACT_FUNCTIONS
from tasks.answers.limits import MAX_INTEGER_BITS, Unreadable


class Expr:
    """A node; equality, hash and order are those of `key`, a canonical text."""

    __slots__ = ("key",)
    key: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expr) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return self.key


class Number(Expr):
    """An exact rational."""

    __slots__ = ("value",)

    def __init__(self, value: Fraction | int) -> None:
        self.value = Fraction(value)
        self.key = f"{self.value.numerator:x}/{self.value.denominator:x}"


class Symbol(Expr):
    """A variable, `x` or `x_1`; real unless told otherwise."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = name


class Constant(Expr):
    """One of `pi`, `e`, `i`, `infinity`, `degree`, `empty`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = f"#{name}"


class Sum(Expr):
    """At least two terms, sorted; at most one is a `Number`."""

    __slots__ = ("terms",)

    def __init__(self, terms: tuple[Expr, ...]) -> None:
        self.terms = terms
        self.key = "(+ " + " ".join(t.key for t in terms) + ")"


class Product(Expr):
    """At least two factors, sorted; a `Number` coefficient comes first."""

    __slots__ = ("factors",)

    def __init__(self, factors: tuple[Expr, ...]) -> None:
        self.factors = factors
        self.key = "(* " + " ".join(f.key for f in factors) + ")"


class Power(Expr):
    """`base ** exponent`."""

    __slots__ = ("base", "exponent")

    def __init__(self, base: Expr, exponent: Expr) -> None:
        self.base = base
        self.exponent = exponent
        self.key = f"(^ {base.key} {exponent.key})"


class Call(Expr):
    """A named function of arguments: `sin`, `abs`, `binomial`, `±`, or an unknown `f` as `apply:f`."""

    __slots__ = ("args", "name")

    def __init__(self, name: str, args: tuple[Expr, ...]) -> None:
        self.name = name
        self.args = args
        self.key = f"({name} " + " ".join(a.key for a in args) + ")"


class Series(Expr):
    """`sum` or `product` of `body` for `variable` from `lower` to `upper`, or an `integral` or `limit`.

    For a limit, `lower` is the point approached and `upper` repeats it.
    """

    __slots__ = ("body", "kind", "lower", "upper", "variable")

    def __init__(self, kind: str, variable: str, lower: Expr, upper: Expr, body: Expr) -> None:
        self.kind = kind
        self.variable = variable
        self.lower = lower
        self.upper = upper
        self.body = substitute(body, {variable: Symbol(f"@{variable}")})
        self.variable = f"@{variable}"
        self.key = f"({kind} {self.variable} {lower.key} {upper.key} {self.body.key})"


ZERO = Number(0)
ONE = Number(1)
MINUS_ONE = Number(-1)
PI = Constant("pi")
EULER = Constant("e")
IMAGINARY = Constant("i")
INFINITY = Constant("infinity")
DEGREE = Constant("degree")


def add(terms: Iterable[Expr]) -> Expr:
    """The sum of `terms` in normal form; zero for no terms."""
    constant = Fraction(0)
    coefficients: dict[Expr, Fraction] = {}
    for term in terms:
        for part in term.terms if isinstance(term, Sum) else (term,):
            if isinstance(part, Number):
                constant = _bounded(constant + part.value)
                continue
            coefficient, rest = split_coefficient(part)
            coefficients[rest] = coefficients.get(rest, Fraction(0)) + coefficient
    if INFINITY in coefficients and not coefficients[INFINITY]:
        raise Unreadable("infinity minus infinity")
    parts = [scale(rest, c) for rest, c in coefficients.items() if c]
    parts.sort(key=lambda e: e.key)
    if constant or not parts:
        parts.insert(0, Number(constant))
    return parts[0] if len(parts) == 1 else Sum(tuple(parts))


def multiply(factors: Iterable[Expr]) -> Expr:
    """The product of `factors` in normal form; one for no factors."""
    constant = Fraction(1)
    exponents: dict[Expr, list[Expr]] = {}
    for factor in factors:
        for part in factor.factors if isinstance(factor, Product) else (factor,):
            if isinstance(part, Number):
                constant = _bounded(constant * part.value)
            elif isinstance(part, Power):
                exponents.setdefault(part.base, []).append(part.exponent)
            else:
                exponents.setdefault(part, []).append(ONE)
    if not constant:
        if INFINITY in exponents:
            raise Unreadable("zero times infinity")
        return ZERO
    parts: list[Expr] = []
    for base, powers in exponents.items():
        result = power(base, add(powers))
        for part in result.factors if isinstance(result, Product) else (result,):
            if isinstance(part, Number):
                constant = _bounded(constant * part.value)
            else:
                parts.append(part)
    if not constant:
        return ZERO
    if constant != 1 and len(parts) == 1 and isinstance(parts[0], Sum):
        return add(scale(t, constant) for t in parts[0].terms)
    parts.sort(key=lambda e: e.key)
    if constant != 1 or not parts:
        parts.insert(0, Number(constant))
    return parts[0] if len(parts) == 1 else Product(tuple(parts))


def scale(expr: Expr, coefficient: Fraction) -> Expr:
    """`coefficient * expr`, distributing over a sum so that signs and common factors do not hide equality."""
    if coefficient == 1:
        return expr
    return multiply((Number(coefficient), expr))


def negate(expr: Expr) -> Expr:
    """`-expr`."""
    return scale(expr, Fraction(-1))


def subtract(left: Expr, right: Expr) -> Expr:
    """`left - right`."""
    return add((left, negate(right)))


def divide(left: Expr, right: Expr) -> Expr:
    """`left / right`; a zero divisor is `Unreadable` (an undefined answer equals nothing)."""
    return multiply((left, power(right, MINUS_ONE)))


def power(base: Expr, exponent: Expr) -> Expr:
    """`base ** exponent` in normal form; 0 to a negative power is `Unreadable`."""
    if isinstance(exponent, Number):
        if exponent.value == 1:
            return base
        if exponent.value == 0:
            if base == INFINITY:
                raise Unreadable("infinity to the power of zero")
            return ONE
        folded = _numeric_power(base, exponent.value)
        if folded is not None:
            return folded
        if exponent.value.denominator == 1:
            if isinstance(base, Power):
                return power(base.base, multiply((base.exponent, exponent)))
            if isinstance(base, Product):
                return multiply(power(f, exponent) for f in base.factors)
            if base == IMAGINARY:
                return (ONE, IMAGINARY, MINUS_ONE, negate(IMAGINARY))[exponent.value.numerator % 4]
    return Power(base, exponent)


def _numeric_power(base: Expr, exponent: Fraction) -> Expr | None:
    """An exact rational power of an exact rational, or None where the result is irrational or too large."""
    if not isinstance(base, Number):
        return None
    value = base.value
    if value == 0:
        if exponent < 0:
            raise Unreadable("division by zero")
        return ZERO
    if value in (1, -1) and exponent.denominator == 1:
        return ONE if value == 1 or exponent.numerator % 2 == 0 else MINUS_ONE
    root = _exact_root(value, exponent.denominator)
    if root is None:
        return None
    bits = max(root.numerator.bit_length(), root.denominator.bit_length())
    if bits * abs(exponent.numerator) > MAX_INTEGER_BITS:
        return None
    return Number(root ** int(exponent.numerator))


def _exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The rational `degree`-th root of `value` (the real one), or None; None too for even roots of negatives."""
    if degree == 1:
        return value
    if degree > 64 or (value < 0 and degree % 2 == 0):
        return None
    top = _integer_root(abs(value.numerator), degree)
    bottom = _integer_root(value.denominator, degree)
    if top is None or bottom is None:
        return None
    return Fraction(top if value > 0 else -top, bottom)


def _integer_root(value: int, degree: int) -> int | None:
    if value.bit_length() > 4_000:
        return None
    if degree == 2:
        root = isqrt(value)
        return root if root * root == value else None
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low <= high:
        middle = (low + high) // 2
        raised = middle**degree
        if raised == value:
            return middle
        if raised < value:
            low = middle + 1
        else:
            high = middle - 1
    return None


def call(name: str, args: tuple[Expr, ...]) -> Expr:
    """`name(args)` in normal form: exact where all arguments are exact, arguments sorted where order does not count."""
    numbers = [a.value for a in args if isinstance(a, Number)]
    if len(numbers) == len(args) and name in EXACT_FUNCTIONS:
        value = EXACT_FUNCTIONS[name](*numbers)
        if value is not None:
            return Number(_bounded(Fraction(value)))
    if name in ("gcd", "lcm", "max", "min"):
        args = tuple(sorted(args, key=lambda a: a.key))
    return Call(name, args)


def split_coefficient(expr: Expr) -> tuple[Fraction, Expr]:
    """(3, x*y) of 3*x*y; (1, expr) where there is no numeric factor."""
    if isinstance(expr, Number):
        return expr.value, ONE
    if isinstance(expr, Product) and isinstance(expr.factors[0], Number):
        rest = expr.factors[1:]
        return expr.factors[0].value, rest[0] if len(rest) == 1 else Product(rest)
    return Fraction(1), expr


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_INTEGER_BITS:
        raise Unreadable("number too large")
    return value


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct sub-expressions."""
    if isinstance(expr, Sum):
        return expr.terms
    if isinstance(expr, Product):
        return expr.factors
    if isinstance(expr, Power):
        return (expr.base, expr.exponent)
    if isinstance(expr, Call):
        return expr.args
    if isinstance(expr, Series):
        return (expr.lower, expr.upper, expr.body)
    return ()


def nodes(expr: Expr) -> Iterable[Expr]:
    """The node and everything below it."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(children(node))


def free_symbols(expr: Expr) -> set[str]:
    """Names of the variables that are not bound by a sum, product or integral."""
    return {n.name for n in nodes(expr) if isinstance(n, Symbol) and not n.name.startswith("@")}


def substitute(expr: Expr, values: dict[str, Expr]) -> Expr:
    """Replace variables (and constants, by `#name`), rebuilding the normal form."""
    if isinstance(expr, (Symbol, Constant)):
        return values.get(expr.key, expr)
    if isinstance(expr, Sum):
        return add(substitute(t, values) for t in expr.terms)
    if isinstance(expr, Product):
        return multiply(substitute(f, values) for f in expr.factors)
    if isinstance(expr, Power):
        return power(substitute(expr.base, values), substitute(expr.exponent, values))
    if isinstance(expr, Call):
        return call(expr.name, tuple(substitute(a, values) for a in expr.args))
    if isinstance(expr, Series):
        copy = Series.__new__(Series)
        copy.kind, copy.variable = expr.kind, expr.variable
        copy.lower, copy.upper = substitute(expr.lower, values), substitute(expr.upper, values)
        copy.body = substitute(expr.body, values)
        copy.key = f"({copy.kind} {copy.variable} {copy.lower.key} {copy.upper.key} {copy.body.key})"
        return copy
    return expr
