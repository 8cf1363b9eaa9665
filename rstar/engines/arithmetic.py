"""An interpreter for arithmetic alone, which walks the syntax tree: no `eval`, no `exec`, no process.

It knows assignments, `print`, `assert`, names, whole numbers, + - * //, comparison with None, `import math`, and gcd,
lcm, min, max and abs. Anything else is an error, as any failed program is. For tests, and for measuring a search
without the cost of running programs.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field

from rstar.types import Execution

Variables = dict[str, int]

MAX_BITS = 4096
"""Larger numbers are an error: products of products must not take the machine down. Chosen, not tuned."""
MAX_STATES = 1 << 14
"""Remembered states; all are dropped when there are more. Chosen, not tuned."""

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}
_FUNCTIONS: dict[str, Callable[..., int]] = {
    "math.gcd": math.gcd,
    "math.lcm": math.lcm,
    "min": min,
    "max": max,
    "abs": abs,
}

_FAILURES = (SyntaxError, NameError, ArithmeticError, TypeError, ValueError, RecursionError, MemoryError)
"""What parsing and walking hostile text can raise; the last two for text nested thousands deep."""


@dataclass(slots=True)
class Arithmetic:
    """`execute` for `rstar.engines.scripted.ScriptedInterpreter`. Remembers the state after each program it has run."""

    _states: dict[tuple[str, ...], Variables] = field(default_factory=dict)

    def __call__(self, prefix: tuple[str, ...], code: str) -> Execution:
        """Run `code` on the state that the codes of `prefix` left; a failed one of them left none."""
        variables = dict(self._state(prefix))
        printed: list[str] = []
        try:
            for statement in ast.parse(code).body:
                _run(statement, variables, printed)
        except _FAILURES as error:
            return Execution("error", "\n".join(printed), f"{type(error).__name__}: {error}", 0.0)
        self._remember((*prefix, code), variables)
        return Execution("ok", "\n".join(printed), "", 0.0)

    def _state(self, programs: tuple[str, ...]) -> Variables:
        if not programs:
            return {}
        if programs not in self._states:
            self(programs[:-1], programs[-1])
        return self._states.get(programs, {})

    def _remember(self, programs: tuple[str, ...], variables: Variables) -> None:
        if len(self._states) >= MAX_STATES:
            self._states.clear()
        self._states[programs] = variables


def _run(statement: ast.stmt, variables: Variables, printed: list[str]) -> None:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            variables[name] = _value(value, variables)
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=arguments, keywords=[])):
            printed.append(" ".join(str(_value(argument, variables)) for argument in arguments))
        case ast.Assert(test=ast.Compare(left=left, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)])):
            _value(left, variables)
        case ast.Import(names=[ast.alias(name="math", asname=None)]):
            pass
        case _:
            raise TypeError(f"{type(statement).__name__} is not arithmetic")


def _value(expression: ast.expr, variables: Variables) -> int:
    match expression:
        case ast.Constant(value=int() as number):
            result = number
        case ast.Name(id=name):
            if name not in variables:
                raise NameError(f"name {name!r} is not defined")
            result = variables[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            result = -_value(operand, variables)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            result = _OPERATORS[type(op)](_value(left, variables), _value(right, variables))
        case ast.Call(func=func, args=arguments, keywords=[]) if (name := ast.unparse(func)) in _FUNCTIONS:
            result = _FUNCTIONS[name](*(_value(argument, variables) for argument in arguments))
        case _:
            raise TypeError(f"{type(expression).__name__} is not arithmetic")
    if result.bit_length() > MAX_BITS:
        raise OverflowError(f"a number of more than {MAX_BITS} bits")
    return result
