"""Two unknowns: sum and difference, and two linear equations with whole coefficients."""

from __future__ import annotations

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution
from tasks.procedural.wording import linear, minus, plus, signed


def systems(draw: Draw, level: int) -> Draft | None:
    """Two unknowns to find in level + 1 steps; an expression in both is asked for from level 4 on."""
    if level == 1 or (level <= 3 and draw.chance(1, 3)):
        return _sum_and_difference(draw, level)
    x, y = draw.between(2, 15), draw.between(2, 15)
    a, b, c, d = (draw.between(2, 9) for _ in range(4))
    det = a * d - b * c
    # The wrong variants divide by a * d - c and by det + b, so these must not be 0 either.
    if x == y or det in (0, -b) or a * d == c:
        return None
    e, f = a * x + b * y, c * x + d * y
    solution = Solution(draw)
    solution.let(
        "multiply",
        "Determinant|Main determinant",
        "det",
        f"{a} * {d} - {b} * {c}",
        f"{a} * {d} - {c}",
        f"{b} * {c} - {a} * {d}",
    )
    wrong = (f"{e} * {a} - {f} * {b}", f"{e} * {d} - {f} * {c}", f"{e} * {d} + {b} * {f}")
    solution.let("subtract", "Determinant for x|Remove y", "top", f"{e} * {d} - {b} * {f}", *wrong)
    solution.let("divide", "Find x|Divide for x", "x", "top // det", "top - det", f"top // (det + {b})")
    target, answer = _finish(draw, solution, level, (a, b, e), (x, y))
    return solution.draft(_question(draw, (a, b, e), (c, d, f), target), answer, *_printed(level))


def _sum_and_difference(draw: Draw, level: int) -> Draft:
    small = draw.between(5, 60)
    large = small + draw.between(2, 40)
    total, gap = large + small, large - small
    solution = Solution(draw)
    solution.let(
        "add", "Twice the larger|Add both facts", "twice", f"{total} + {gap}", f"{total} - {gap}", f"{total} * 2"
    )
    solution.let("divide", "The larger number|Half of it", "large", "twice // 2", f"{total} // 2", f"twice - {gap}")
    facts = draw.pick(
        f"Two numbers add up to {total} and differ by {gap}.",
        f"The sum of two numbers is {total}, their difference is {gap}.",
        f"One number is larger than another one by {gap}. Together they make {total}.",
        f"Take two numbers whose difference is {gap} and whose sum is {total}.",
        f"Adding two numbers gives {total}; subtracting the smaller from the larger gives {gap}.",
    )
    if level == 1:
        return solution.draft(f"{facts} What is the larger number?", large, "large", "twice")
    solution.let("subtract", "The smaller number", "small", f"{total} - large", f"large + {gap}", f"{total} - {gap}")
    if level == 2:
        return solution.draft(f"{facts} What is the smaller number?", small, "small", "large")
    if draw.chance(1, 2):
        solution.let("multiply", "Their product", "value", "large * small", f"large * {gap}", "large * large")
        return solution.draft(f"{facts} What is their product?", large * small, "value", "small")
    k = draw.between(2, 9)
    solution.let("add", "What is asked", "value", f"large + {k} * small", f"{k} * large + small", f"large + {k}")
    question = f"{facts} What is the larger number plus {k} times the smaller one?"
    return solution.draft(question, large + k * small, "value", "small")


def _finish(
    draw: Draw, solution: Solution, level: int, first: tuple[int, int, int], roots: tuple[int, int]
) -> tuple[str, int]:
    """Add the steps after x; returns what is asked for and its value."""
    (a, b, e), (x, y) = first, roots
    if level == 2:
        return "x", x
    if level <= 4:
        wrong = (f"({e} + {a} * x) // {b}", f"({e} - x) // {b}", f"({e} - {a} * x) // {a}")
        solution.let("subtract", "Find y|Put x into the first equation", "y", f"({e} - {a} * x) // {b}", *wrong)
    else:
        solution.let(
            "subtract", "Put x into the first equation", "rest", f"{e} - {a} * x", f"{e} - x", f"{e} + {a} * x"
        )
        solution.let("divide", "Find y|Divide for y", "y", f"rest // {b}", f"rest // {a}", f"rest - {b}")
    if level == 3:
        return "y", y
    p, q = draw.between(2, 9), draw.between(2, 9) * draw.pick(1, -1)
    if level == 6:
        solution.let("multiply", "Product of both|x times y", "xy", "x * y", "x + y", "x * x")
        wrong = (plus("xy", p * q), minus(f"{p} * xy", q), plus(f"{p} * x", q) + " * y")
        solution.let("apply", "Value that is asked", "value", plus(f"{p} * xy", q) + " * y", *wrong)
        return f"{p}xy {signed(q)}y", p * x * y + q * y
    wrong = (plus(f"{p} * y", q) + " * x", minus(f"{p} * x", q) + " * y", plus("x", q) + " * y")
    solution.let("apply", "Value that is asked|Put both in", "value", plus(f"{p} * x", q) + " * y", *wrong)
    return f"{linear(p, 0)} {signed(q)}y", p * x + q * y


def _printed(level: int) -> tuple[str, ...]:
    return {2: ("x", "top"), 3: ("y", "x")}.get(level, ("value", "y", "x"))


def _question(draw: Draw, first: tuple[int, int, int], second: tuple[int, int, int], target: str) -> str:
    (a, b, e), (c, d, f) = first, second
    if target in ("x", "y") and draw.chance(1, 2):
        one, other = draw.pick(("pears", "plums"), ("red bricks", "grey bricks"), ("big boxes", "small boxes"))
        asked = one if target == "x" else other
        return (
            f"{a} {one} and {b} {other} weigh {e} grams. {c} {one} and {d} {other} weigh {f} grams. "
            f"How many grams does one of the {asked} weigh?"
        )
    equations = f"{a}x + {b}y = {e} and {c}x + {d}y = {f}"
    return draw.pick(
        f"The numbers x and y satisfy {equations}. Find {target}.",
        f"For two numbers x and y we know that {equations}. What is {target}?",
        f"If {equations}, find {target}.",
        f"Given {equations}, what is {target}?",
        f"Solve {equations}. What is {target}?",
    )
