"""Linear equations in one unknown, with the unknown on both sides and in brackets from some level on."""

from __future__ import annotations

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution
from tasks.procedural.wording import linear, minus, plus, signed


def equations(draw: Draw, level: int) -> Draft | None:
    """An equation for x in level + 1 steps; from level 4 on an expression in x may be asked for instead of x."""
    x = draw.between(2, 19) * (-1 if level > 1 and draw.chance(1, 4) else 1)
    solution = Solution(draw)
    is_bracketed_twice = level >= 5 or (level == 4 and draw.chance(1, 2))
    if level == 1:
        equation = _one_side(draw, solution, x)
    elif is_bracketed_twice:
        equation = _two_brackets(draw, solution, x)
    else:
        equation = _both_sides(draw, solution, x, with_bracket=level >= 3)
    if equation is None:
        return None
    num_final_steps = {4: 0 if is_bracketed_twice else 1, 5: 1, 6: 2}.get(level, 0)
    return _ask(draw, solution, equation, x, num_final_steps)


def _one_side(draw: Draw, solution: Solution, x: int) -> str | None:
    a, b = draw.between(3, 15), draw.between(-30, 30)
    if not b:
        return None
    c = a * x + b
    solution.let(
        "subtract", "Move the constant|Only the term in x on the left", "right", minus(c, b), plus(c, b), minus(c, a)
    )
    solution.let("divide", f"Divide by {a}|Find x", "x", f"right // {a}", f"right - {a}", f"{c} // {a}")
    if b > 0 and draw.chance(1, 2):
        return draw.pick(f"{a} times a number x, plus {b}, is {c}", f"adding {b} to {a} times x gives {c}")
    return f"{linear(a, b)} = {c}"


def _both_sides(draw: Draw, solution: Solution, x: int, *, with_bracket: bool) -> str | None:
    a, c = draw.sample(range(2, 13), 2)
    inner = draw.between(-9, 9) if with_bracket else draw.between(-30, 30)
    b = a * inner if with_bracket else inner
    d = (a - c) * x + b
    if not inner or not d:
        return None
    left = str(b)
    if with_bracket:
        left = "left"
        solution.let(
            "expand", "Expand the bracket|Multiply out", left, f"{a} * {inner}", plus(a, inner), f"{c} * {inner}"
        )
    _isolate(solution, a, c, left, str(d))
    shown = f"{a}(x {signed(inner)})" if with_bracket else linear(a, b)
    return f"{shown} = {linear(c, d)}"


def _two_brackets(draw: Draw, solution: Solution, x: int) -> str | None:
    a, c = draw.sample(range(2, 13), 2)
    inner, other = draw.between(-9, 9), draw.between(-9, 9)
    e = c * (x + other) - a * (x + inner)
    if not inner or not other or not e:
        return None
    wrong = (plus(inner, e), plus(f"{c} * {inner}", e), minus(f"{a} * {inner}", e))
    solution.let("expand", "Constant on the left|Expand the left", "left", plus(f"{a} * {inner}", e), *wrong)
    wrong = (str(other), f"{a} * {other}", plus(c, other))
    solution.let("expand", "Constant on the right|Expand the right", "right", f"{c} * {other}", *wrong)
    _isolate(solution, a, c, "left", "right")
    return f"{a}(x {signed(inner)}) {signed(e)} = {c}(x {signed(other)})"


def _isolate(solution: Solution, a: int, c: int, left: str, right: str) -> None:
    """Steps from a x + left = c x + right to x."""
    solution.let("subtract", "Collect the terms in x|Factor of x", "k", f"{a} - {c}", f"{a} + {c}", f"{c} - {a}")
    moved = f"{right} + {left[1:]}" if left.startswith("-") else f"{right} - {left}"
    swapped = f"{left} + {right[1:]}" if right.startswith("-") else f"{left} - {right}"
    turned = f"{right} - {left[1:]}" if left.startswith("-") else f"{right} + {left}"
    solution.let("subtract", "Collect the constants|Constants to the right", "rest", moved, turned, swapped)
    solution.let("divide", "Divide|Find x", "x", "rest // k", "rest - k", f"rest // {a}")


def _ask(draw: Draw, solution: Solution, equation: str, x: int, num_final_steps: int) -> Draft:
    if not num_final_steps:
        lead = draw.pick("Find x if", "What is x when", "Determine the number x for which")
        return solution.draft(f"{lead} {equation}{'?' if lead.startswith('What') else '.'}", x, "x")
    p, q = draw.between(2, 12), draw.between(2, 25) * draw.pick(1, -1)
    if num_final_steps == 1:
        target, answer = linear(p, q), p * x + q
        wrong = (minus(f"{p} * x", q), plus(f"{p} + x", q), plus("x", p * q))
        solution.let("apply", f"Put x into {target}|Value that is asked", "value", plus(f"{p} * x", q), *wrong)
    else:
        target, answer = f"x^2 {signed(q)}x", x * x + q * x
        solution.let("power", "Square x|x squared", "square", "x * x", "2 * x", f"x * {abs(q)}")
        wrong = (minus("square", q) + " * x", plus("square", q), plus("square", q) + " * square")
        solution.let("apply", f"Value of {target}|Put x in", "value", plus("square", q) + " * x", *wrong)
    question = draw.pick(f"If {equation}, what is {target}?", f"Given that {equation}, find the value of {target}.")
    return solution.draft(question, answer, "value", "x")
