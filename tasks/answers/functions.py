"""The named functions of the grammar as mpmath computes them; the first argument is the context."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, lcm
from typing import Any

from tasks.answers.exact import MAX_FACTORIAL


def _integers(mp: Any, arguments: tuple[Any, ...]) -> list[int]:
    if any(mp.im(a) or not mp.isint(a) for a in arguments):
        raise ValueError("not whole numbers")
    if any(mp.mag(a) > mp.prec for a in arguments):
        raise ValueError("too large")
    return [int(a) for a in arguments]


def _factorial(mp: Any, x: Any) -> Any:
    if abs(x) > MAX_FACTORIAL:
        raise OverflowError("factorial of a large number")
    return mp.factorial(x)


def _binomial(mp: Any, n: Any, k: Any) -> Any:
    if max(abs(n), abs(k)) > MAX_FACTORIAL:
        raise OverflowError("binomial of large numbers")
    return mp.binomial(n, k)


def _floor(mp: Any, x: Any) -> Any:
    return mp.floor(_nearly_whole(mp, x))


def _ceil(mp: Any, x: Any) -> Any:
    return mp.ceil(_nearly_whole(mp, x))


def _nearly_whole(mp: Any, x: Any) -> Any:
    """`x`, rounded where it differs from a whole number by rounding errors only."""
    if mp.mag(x) > mp.prec // 2:
        raise ValueError("too large to be rounded")
    near = mp.nint(x)
    return near if abs(x - near) < mp.ldexp(1, -mp.prec // 2) else x


def _mod(mp: Any, a: Any, b: Any) -> Any:
    return a - b * _floor(mp, a / b)


def _log10(mp: Any, x: Any) -> Any:
    return mp.log(x) / mp.log(10)


FUNCTIONS_BY_NAME: dict[str, Callable[..., Any]] = {
    **{
        name: (lambda mp, x, name=name: getattr(mp, name)(x))
        for name in "sin cos tan cot sec csc sinh cosh tanh coth sech csch".split()
    },
    "arcsin": lambda mp, x: mp.asin(x),
    "arccos": lambda mp, x: mp.acos(x),
    "arctan": lambda mp, x: mp.atan(x),
    "arccot": lambda mp, x: mp.pi / 2 - mp.atan(x),
    "arcsec": lambda mp, x: mp.acos(1 / x),
    "arccsc": lambda mp, x: mp.asin(1 / x),
    "arcsinh": lambda mp, x: mp.asinh(x),
    "arccosh": lambda mp, x: mp.acosh(x),
    "arctanh": lambda mp, x: mp.atanh(x),
    "ln": lambda mp, x: mp.log(x),
    "log": lambda mp, x: mp.log(x),
    "log10": _log10,
    "abs": lambda _, x: abs(x),
    "sgn": lambda mp, x: mp.sign(x),
    "Re": lambda mp, x: mp.re(x),
    "Im": lambda mp, x: mp.im(x),
    "floor": _floor,
    "ceil": _ceil,
    "mod": _mod,
    "factorial": _factorial,
    "binomial": _binomial,
    "max": lambda mp, *xs: max(mp.re(x) for x in xs),
    "min": lambda mp, *xs: min(mp.re(x) for x in xs),
    "gcd": lambda mp, *xs: mp.mpf(gcd(*_integers(mp, xs))),
    "lcm": lambda mp, *xs: mp.mpf(lcm(*_integers(mp, xs))),
}
