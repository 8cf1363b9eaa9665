"""Polynomials: values, slopes (derivatives), and one polynomial put into another."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution
from tasks.procedural.wording import coefficient, linear, minus, plus, signed

_Quadratic = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of what is asked for: as written, the variable that holds it, and its value."""

    written: str
    name: str
    value: int


def polynomials(draw: Draw, level: int) -> Draft:
    """A number made of values and slopes in level + 1 steps: 2 for each value or slope, 1 for each combination."""
    f = (draw.between(2, 7), draw.between(2, 12) * draw.pick(1, -1), draw.between(2, 25) * draw.pick(1, -1))
    first, second, third = draw.sample(range(2, 10), 3)
    solution = Solution(draw)
    shown = [f"f(x) = {_written(f)}"]
    piece = _value_or_slope(draw, solution, f, first, "u")
    if level == 3:
        g = (draw.between(1, 3), draw.between(2, 9) * draw.pick(1, -1), draw.between(2, 25))
        shown.append(f"g(x) = {_written(g)}")
        piece = _put_into(solution, g, piece)
    if level in (2, 5):
        piece = _put_into_line(draw, solution, shown, piece)
    if level >= 4:
        piece = _combined(draw, solution, piece, _value_or_slope(draw, solution, f, second, "v"), "w")
    if level == 6:
        # Two more steps: the third point costs one, since its value is found in one line.
        piece = _combined(draw, solution, piece, _value_at_once(solution, f, third), "z")
    lead = draw.pick(f"Let {' and '.join(shown)}.", f"Given {' and '.join(shown)}.", f"We have {' and '.join(shown)}.")
    note = " Here f' is the derivative of f." if "f'" in piece.written and draw.chance(1, 2) else ""
    closing = draw.pick(f"What is {piece.written}?", f"Find {piece.written}.", f"Compute {piece.written}.")
    return solution.draft(f"{lead}{note} {closing}", piece.value, piece.name, "u")


def _value_or_slope(draw: Draw, solution: Solution, f: _Quadratic, x: int, name: str) -> _Piece:
    """Two steps: f(x) or f'(x)."""
    a, b, c = f
    if draw.chance(2, 5):
        wrong = (f"{a} * {x}", f"2 * {a} + {x}", f"{a} * {x} * {x}")
        solution.let("multiply", f"Slope of {a}x^2 at {x}|Derivative of the square term", "t", f"2 * {a} * {x}", *wrong)
        wrong = (minus("t", b), plus("t", b) + f" * {x}", plus(plus("t", b), c))
        solution.let("add", f"f'({x})|Slope at {x}", name, plus("t", b), *wrong)
        return _Piece(f"f'({x})", name, 2 * a * x + b)
    solution.let(
        "power",
        f"Square term at {x}|{a} times {x} squared",
        "t",
        f"{a} * {x} ** 2",
        f"{a} * {x} * 2",
        f"({a} * {x}) ** 2",
    )
    wrong = (plus(minus("t", b) + f" * {x}", c), minus(plus("t", b) + f" * {x}", c), plus(plus("t", b), c))
    solution.let("add", f"f({x})|Value at {x}", name, plus(plus("t", b) + f" * {x}", c), *wrong)
    return _Piece(f"f({x})", name, a * x * x + b * x + c)


def _value_at_once(solution: Solution, f: _Quadratic, x: int) -> _Piece:
    """One step: f(x)."""
    a, b, c = f
    code = plus(plus(f"{a} * {x} ** 2", b) + f" * {x}", c)
    wrong = (plus(minus(f"{a} * {x} ** 2", b) + f" * {x}", c), plus(plus(f"{a} * {x} ** 2", b), c))
    solution.let("apply", f"f({x})|Value at {x}", "y", code, *wrong)
    return _Piece(f"f({x})", "y", a * x * x + b * x + c)


def _put_into(solution: Solution, g: _Quadratic, piece: _Piece) -> _Piece:
    """Two steps: g at a number found before."""
    a, b, c = g
    solution.let(
        "power", "Square term of g|Square what was found", "s", f"{a} * u ** 2", f"{a} * u * 2", f"({a} + u) ** 2"
    )
    wrong = (plus(minus("s", b) + " * u", c), minus(plus("s", b) + " * u", c), plus(plus("s", b), c))
    solution.let("add", "Value of g|Put it into g", "w", plus(plus("s", b) + " * u", c), *wrong)
    return _Piece(f"g({piece.written})", "w", a * piece.value**2 + b * piece.value + c)


def _put_into_line(draw: Draw, solution: Solution, shown: list[str], piece: _Piece) -> _Piece:
    """One step: a linear g at a number found before."""
    m, k = draw.between(2, 9), draw.between(2, 25) * draw.pick(1, -1)
    shown.append(f"g(x) = {linear(m, k)}")
    wrong = (minus(f"{m} * u", k), plus(f"{m} + u", k), f"{m} * ({plus('u', k)})")
    solution.let("apply", "Put it into g|Value of g", "u", plus(f"{m} * u", k), *wrong)
    return _Piece(f"g({piece.written})", "u", m * piece.value + k)


def _combined(draw: Draw, solution: Solution, left: _Piece, right: _Piece, name: str) -> _Piece:
    """One step: left plus or minus a multiple of right."""
    k = draw.between(2, 6) * draw.pick(1, -1)
    code = plus(left.name, k) + f" * {right.name}"
    wrong = (
        minus(left.name, k) + f" * {right.name}",
        plus(left.name, k) + f" + {right.name}",
        plus(right.name, k) + f" * {left.name}",
    )
    solution.let("add" if k > 0 else "subtract", "Put them together|Combine", name, code, *wrong)
    return _Piece(f"{left.written} {signed(k)}*{right.written}", name, left.value + k * right.value)


def _written(f: _Quadratic) -> str:
    a, b, c = f
    return f"{coefficient(a)}x^2 {signed(b)}x {signed(c)}"
