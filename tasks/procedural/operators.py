"""Operators defined for the occasion, applied inside one another."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution
from tasks.procedural.wording import plus, signed

_NAMES = "uvwxyzk"
_LARGEST = 100_000  # chosen: keeps every number short enough for a small vocabulary


@dataclass(frozen=True, slots=True)
class _Operator:
    """`a sign b`, defined as p a + q b + r, or p a b + q b where it multiplies."""

    sign: str
    p: int
    q: int
    r: int
    is_product: bool

    @property
    def definition(self) -> str:
        """The right-hand side as the question writes it."""
        head = "" if self.p == 1 else str(self.p)
        tail = "" if abs(self.q) == 1 else str(abs(self.q))
        sign = "-" if self.q < 0 else "+"
        if self.is_product:
            return f"{head}ab {sign} {tail}b"
        return f"{head}a {sign} {tail}b {signed(self.r)}"

    def value(self, a: int, b: int) -> int:
        """a sign b."""
        return self.p * a * b + self.q * b if self.is_product else self.p * a + self.q * b + self.r

    def code(self, a: str, b: str) -> str:
        """a sign b as Python, for operands that are names or numbers."""
        if self.is_product:
            return plus(f"{self.p} * {a} * {b}", self.q) + f" * {b}"
        return plus(plus(f"{self.p} * {a}", self.q) + f" * {b}", self.r)

    def wrong(self, a: str, b: str) -> tuple[str, ...]:
        """Operands swapped, a sign turned, the constant forgotten."""
        turned = _Operator(self.sign, self.p, -self.q, self.r, self.is_product)
        short = _Operator(self.sign, self.p, self.q, -self.r, self.is_product)
        return self.code(b, a), turned.code(a, b), short.code(a, b)


def operators(draw: Draw, level: int) -> Draft | None:
    """A nested term with level + 1 applications of one operator (levels 1, 2) or two; None where numbers get long."""
    signs = draw.sample(("#", "@", "&", "~"), 2)
    chosen = [_operator(draw, sign) for sign in signs[: 1 if level <= 2 else 2]]
    solution = Solution(draw)
    used: list[_Operator] = []
    term, name, value = _term(draw, solution, chosen, level + 1, used)
    if abs(value) > _LARGEST or len(used) != level + 1 or {one.sign for one in used} != {one.sign for one in chosen}:
        return None
    definitions = " and ".join(f"a {one.sign} b = {one.definition}" for one in chosen)
    shown = draw.pick(f"Define {definitions}.", f"For numbers a and b let {definitions}.", f"We write {definitions}.")
    asked = draw.pick(f"What is {term}?", f"Compute {term}.", f"Find the value of {term}.")
    return solution.draft(f"{shown} {asked}", value, name, *_NAMES[len(used) - 2 : len(used) - 1])


def _operator(draw: Draw, sign: str) -> _Operator:
    p, q, r = draw.between(1, 4), draw.between(1, 5) * draw.pick(1, 1, -1), draw.between(1, 12) * draw.pick(1, -1)
    is_product = draw.chance(1, 4)
    if is_product:
        return _Operator(sign, 1, q, 0, True)
    if abs(q) == p:
        q += 1 if q > 0 else -1  # else swapped operands would change little or nothing
    return _Operator(sign, p, q, r, False)


def _term(
    draw: Draw, solution: Solution, chosen: list[_Operator], num_applications: int, used: list[_Operator]
) -> tuple[str, str, int]:
    """A term as written, the name or number that holds it, and its value; its steps are added on the way."""
    if num_applications == 0:
        number = draw.between(2, 12)
        return str(number), str(number), number
    # Mostly chains, sometimes a term whose two sides both need work.
    num_left = draw.pick(0, num_applications - 1, num_applications - 1, draw.below(num_applications))
    sides = []
    for num_inside in (num_left, num_applications - 1 - num_left):
        written, name, value = _term(draw, solution, chosen, num_inside, used)
        sides.append((f"({written})" if num_inside else written, name, value))
    (left, a, a_value), (right, b, b_value) = sides
    one = draw.pick(*chosen)
    result = _NAMES[len(used)]
    used.append(one)
    comment = f"{left} {one.sign} {right}" if len(used) == 1 else f"Apply {one.sign} to {a} and {b}"
    solution.let("apply", comment, result, one.code(a, b), *one.wrong(a, b))
    return f"{left} {one.sign} {right}", result, one.value(a_value, b_value)
