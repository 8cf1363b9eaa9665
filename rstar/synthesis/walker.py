"""An interpreter for the programs of the procedural families that walks the syntax tree.

No `eval`, no `exec`, no process: text by a model may be handed to it. It knows what those programs are made of
(assignments, `print`, `import` of three functions, whole numbers, fractions, texts, lists, arithmetic) and calls
everything else an error, so it accepts less than Python but never something else: where it says `ok`, Python prints the
same (tests compare both). Making the embedded default with it needs no sandbox and 20 microseconds a step.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from rstar.types import Execution, Step

MAX_BITS = 4096
"""Larger numbers are an error; Python would go on. Chosen, not tuned."""
MAX_EXPONENT = 64
"""Largest exponent and largest argument of `comb` in bits of work; chosen, not tuned."""
MAX_STATES = 1 << 14
"""Remembered states; all are dropped when there are more. Chosen, not tuned."""
MAX_TEXT = 1000
"""Characters of a text; the longest in these programs has 57. Chosen, not tuned."""

_FAILURES = (SyntaxError, NameError, ArithmeticError, TypeError, ValueError, LookupError, RecursionError, MemoryError)
"""What parsing and walking hostile text can raise; the last two for text nested thousands deep."""
Namespace = dict[str, Any]


def _power(base: Any, exponent: Any) -> Any:
    if not isinstance(exponent, int) or not 0 <= exponent <= MAX_EXPONENT:
        raise OverflowError(f"an exponent that is not a whole number from 0 to {MAX_EXPONENT}")
    return base**exponent


def _comb(n: Any, k: Any) -> int:
    if not isinstance(n, int) or not isinstance(k, int):
        raise TypeError("comb of something else than whole numbers")
    if min(k, n - k) > MAX_EXPONENT:
        raise OverflowError("too many combinations")
    return math.comb(n, k)


_IMPORTS: dict[tuple[str, str], Callable[..., Any]] = {
    ("math", "comb"): _comb,
    ("math", "gcd"): math.gcd,
    ("math", "lcm"): math.lcm,
    ("fractions", "Fraction"): Fraction,
}
_BUILTINS: dict[str, Callable[..., Any]] = {"abs": abs, "min": min, "max": max, "len": len}
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}


@dataclass(slots=True)
class Walker:
    """Implements `rstar.protocols.Interpreter`. Remembers the state after each program that it has run."""

    _states: dict[tuple[str, ...], Namespace] = field(default_factory=dict)

    async def run(self, prefix: Sequence[Step], code: str) -> Execution:
        """What `code` does on the state that the steps of `prefix` left; failed ones among them left none."""
        done = (step for step in prefix if step.execution is not None and step.execution.status == "ok")
        return self.execute(tuple(step.code for step in done), code)

    def execute(self, prefix: tuple[str, ...], code: str) -> Execution:
        """The same, from the codes of the steps before, each of which ran well."""
        namespace, printed = dict(self._state(prefix)), list[str]()
        try:
            for statement in _parsed(code):
                _run(statement, namespace, printed)
        except _FAILURES as error:
            return Execution("error", "".join(printed), f"{type(error).__name__}: {error}", 0.0)
        if len(self._states) >= MAX_STATES:
            self._states.clear()
        self._states[*prefix, code] = namespace
        return Execution("ok", "".join(printed), "", 0.0)

    def _state(self, prefix: tuple[str, ...]) -> Namespace:
        if not prefix:
            return {}
        if prefix not in self._states:
            self.execute(prefix[:-1], prefix[-1])
        return self._states.get(prefix, {})


def _parsed(code: str) -> list[ast.stmt]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # the code's own, such as `3in x`
        return ast.parse(code).body


def _run(statement: ast.stmt, namespace: Namespace, printed: list[str]) -> None:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            namespace[name] = _value(value, namespace)
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=arguments, keywords=[])):
            printed.append(" ".join(str(_value(argument, namespace)) for argument in arguments) + "\n")
        case ast.ImportFrom(module=str() as module, names=[ast.alias(name=name, asname=None)], level=0):
            if (module, name) not in _IMPORTS:
                raise TypeError(f"importing {module}.{name} is not known here")
            namespace[name] = _IMPORTS[module, name]
        case _:
            raise TypeError(f"{type(statement).__name__} is not known here")


def _value(expression: ast.expr, namespace: Namespace) -> Any:
    match expression:
        case ast.Constant(value=int() | str() as constant):
            return _bounded(constant)
        case ast.Name(id=name):
            return _named(name, namespace)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, namespace)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            operands = _value(left, namespace), _value(right, namespace)
            if not all(isinstance(each, int | Fraction) for each in operands):
                raise TypeError("arithmetic with something else than numbers")
            return _bounded(_OPERATORS[type(op)](*operands))
        case ast.Subscript(value=whole, slice=index):
            return _item(_value(whole, namespace), _value(index, namespace))
        case ast.Call(func=ast.Attribute(value=text, attr="split"), args=[], keywords=[]):
            return _words(_value(text, namespace))
        case ast.Call(func=ast.Name() as function, args=arguments, keywords=[]):
            called = _value(function, namespace)
            if not callable(called):
                raise TypeError("a call of something that is no function")
            return _bounded(called(*(_value(argument, namespace) for argument in arguments)))
        case _:
            raise TypeError(f"{type(expression).__name__} is not known here")


def _named(name: str, namespace: Namespace) -> Any:
    if name in namespace:
        return namespace[name]
    if name in _BUILTINS:
        return _BUILTINS[name]
    raise NameError(f"name {name!r} is not defined")


def _item(whole: Any, index: Any) -> Any:
    if not isinstance(whole, list | str) or not isinstance(index, int):
        raise TypeError("an index into something else than a list or a text")
    return whole[index]


def _words(text: Any) -> list[str]:
    if not isinstance(text, str):
        raise TypeError("split of something else than a text")
    return text.split()


def _bounded(value: Any) -> Any:
    """`value`, which must be small enough to be worked with. Raises OverflowError."""
    match value:
        case bool():
            raise TypeError("truth values are not known here")
        case int() if value.bit_length() > MAX_BITS:
            raise OverflowError(f"a number of more than {MAX_BITS} bits")
        case Fraction() if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
            raise OverflowError(f"a fraction of more than {MAX_BITS} bits")
        case str() if len(value) > MAX_TEXT:
            raise OverflowError(f"a text of more than {MAX_TEXT} characters")
    return value
