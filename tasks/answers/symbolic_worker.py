"""The process behind `symbolic`: reads a tree of numbers and names per line, answers true, false or null.

It stands alone (run by path, imports sympy only) and builds every expression from the constructors named here. Nothing
that it receives is parsed or evaluated as text.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from typing import Any

MEMORY_BYTES = 2 * 2**30
CPU_SECONDS = 4
"""Per question, in case the parent that keeps the clock is gone; the signal ends the process."""
DIGITS = 40


def main() -> None:
    """Answer questions until the parent closes the pipe."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import sympy

    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
        question = json.loads(line)
        try:
            bounds = whole_numbers(question["left"]) | whole_numbers(question["right"])
            answer = same(sympy, build(sympy, question["left"], bounds), build(sympy, question["right"], bounds))
        except Exception:  # noqa: BLE001 - the border around one comparison: the parent reads null as undecided
            answer = None
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def same(sympy: Any, left: Any, right: Any) -> bool | None:
    """True or False where a closed form or high precision tells; None where neither does."""
    difference = (left - right).doit()
    if difference.is_zero:
        return True
    if not difference.free_symbols:
        value = sympy.N(difference, DIGITS, maxn=400)
        if not value.is_Number and not value.is_number:
            return None
        return bool(abs(value) < sympy.Float(10) ** (-DIGITS // 2))
    simplified = sympy.simplify(difference)
    if simplified == 0:
        return True
    return None if simplified.has(sympy.Sum, sympy.Product, sympy.Integral, sympy.Limit) else False


def whole_numbers(tree: Any, *, is_bound: bool = False) -> set[str]:
    """Names that stand in the bounds of a sum or product: they are whole numbers, not below zero."""
    if not isinstance(tree, list):
        return set()
    if tree[0] == "symbol":
        return {tree[1]} if is_bound else set()
    found: set[str] = set()
    for index, part in enumerate(tree):
        found |= whole_numbers(part, is_bound=is_bound or (tree[0] in ("sum", "product") and index in (2, 3)))
    return found


def build(sympy: Any, tree: list[Any], whole: set[str]) -> Any:
    """The sympy expression that `tree` describes; KeyError for a head that is not known here."""
    head, *rest = tree
    match head:
        case "number":
            return sympy.Rational(int(rest[0]), int(rest[1]))
        case "symbol":
            return _symbol(sympy, rest[0], whole)
        case "constant":
            return {
                "pi": sympy.pi,
                "e": sympy.E,
                "i": sympy.I,
                "infinity": sympy.oo,
                "degree": sympy.pi / 180,
            }[rest[0]]
        case "add":
            return sympy.Add(*(build(sympy, t, whole) for t in rest))
        case "multiply":
            return sympy.Mul(*(build(sympy, t, whole) for t in rest))
        case "power":
            return sympy.Pow(build(sympy, rest[0], whole), build(sympy, rest[1], whole))
        case "call":
            arguments = [build(sympy, a, whole) for a in rest[1:]]
            return functions(sympy).get(rest[0], sympy.Function(rest[0]))(*arguments)
    return _series(sympy, head, rest, whole)


def _symbol(sympy: Any, name: str, whole: set[str]) -> Any:
    return sympy.Symbol(name, integer=True, nonnegative=True) if name in whole else sympy.Symbol(name, real=True)


def _series(sympy: Any, kind: str, rest: list[Any], whole: set[str]) -> Any:
    variable = sympy.Symbol(rest[0], integer=True) if kind in ("sum", "product") else sympy.Symbol(rest[0], real=True)
    lower, upper, body = (build(sympy, t, whole) for t in rest[1:])
    body = body.subs(sympy.Symbol(rest[0], real=True), variable)
    match kind:
        case "sum":
            return sympy.Sum(body, (variable, lower, upper))
        case "product":
            return sympy.Product(body, (variable, lower, upper))
        case "integral":
            return sympy.Integral(body, (variable, lower, upper))
    return sympy.Limit(body, variable, lower)


def functions(sympy: Any) -> dict[str, Any]:
    """Names of the grammar that mean something to sympy."""
    names = "sin cos tan cot sec csc sinh cosh tanh coth factorial binomial floor gcd lcm Max Min".split()
    table = {name.lower() if name in ("Max", "Min") else name: getattr(sympy, name) for name in names}
    inverse = {"arc" + name: getattr(sympy, "a" + name) for name in "sin cos tan cot sec csc sinh cosh tanh".split()}
    other = {
        "ln": sympy.log,
        "log": sympy.log,
        "abs": sympy.Abs,
        "ceil": sympy.ceiling,
        "sgn": sympy.sign,
        "mod": sympy.Mod,
    }
    return table | inverse | other


if __name__ == "__main__":
    main()
