"""Areas: gardens with ponds and beds, paths around them, costs by the square metre."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution

_PARTS: dict[int, tuple[tuple[str, ...], ...]] = {
    1: (("cost",), ("fence",)),
    2: (("pond",), ("bed",), ("fence", "budget")),
    3: (("pond", "cost"), ("bed", "cost")),
    4: (("pond", "bed"), ("path",), ("pond", "cost", "budget")),
    5: (("pond", "bed", "cost"), ("path", "cost")),
    6: (("pond", "bed", "cost", "budget"), ("path", "cost", "budget")),
}
"""What each level puts together; the numbers of steps are 1 for cost and budget, 2 for pond and bed, 5 for a path."""


@dataclass(slots=True)
class _State:
    """What the steps so far have reached."""

    sentences: list[str]
    name: str
    value: int
    size: str = "area"
    """The variable that was multiplied by a price."""


def areas(draw: Draw, level: int) -> Draft:
    """An area or its cost, in level + 1 steps."""
    parts = draw.pick(*_PARTS[level])
    width, height = draw.between(14, 40), draw.between(14, 40)
    ground = draw.pick("garden", "yard", "park", "field")
    shown = draw.pick(
        f"A rectangular {ground} is {width} metres long and {height} metres wide.",
        f"A {ground} has the shape of a rectangle with sides of {width} and {height} metres.",
    )
    solution = Solution(draw)
    state = _State([shown], "area", width * height)
    if "fence" in parts:
        _fence(draw, solution, state, width, height)
    elif "path" in parts:
        _path(draw, solution, state, width, height)
    else:
        solution.let(
            "multiply",
            f"Area of the {ground}|Whole area",
            "area",
            f"{width} * {height}",
            f"{width} + {height}",
            f"{width} * {width}",
        )
    if "pond" in parts:
        _pond(draw, solution, state)
    if "bed" in parts:
        _bed(draw, solution, state)
    if "cost" in parts:
        _cost(draw, solution, state, parts)
    if "budget" in parts:
        _budget(draw, solution, state)
    else:
        state.sentences.append(_asked(draw, state, ground, parts))
    others = () if state.name == state.size else (state.size,)
    return solution.draft(" ".join(state.sentences), state.value, state.name, *others)


def _fence(draw: Draw, solution: Solution, state: _State, width: int, height: int) -> None:
    price = draw.between(3, 19)
    state.sentences.append(f"A fence around it costs {price} dollars per metre.")
    solution.let(
        "add",
        "Length of the fence|All the way round",
        "length",
        f"2 * ({width} + {height})",
        f"{width} + {height}",
        f"{width} * {height}",
    )
    solution.let(
        "multiply",
        "Cost of the fence",
        "cost",
        f"length * {price}",
        f"length + {price}",
        f"{width} * {height} * {price}",
    )
    state.name, state.value, state.size = "cost", 2 * (width + height) * price, "length"


def _path(draw: Draw, solution: Solution, state: _State, width: int, height: int) -> None:
    broad = draw.between(2, 6)
    state.sentences.append(
        draw.pick(
            f"A path {broad} metres broad runs all around it, outside.",
            f"Outside it, on all sides, lies a path of {broad} metres.",
        )
    )
    solution.let(
        "add", "Outer length", "long", f"{width} + 2 * {broad}", f"{width} + {broad}", f"{width} - 2 * {broad}"
    )
    solution.let(
        "add", "Outer width", "wide", f"{height} + 2 * {broad}", f"{height} + {broad}", f"{height} - 2 * {broad}"
    )
    solution.let(
        "multiply", "Outer area|Area with the path", "outer", "long * wide", "2 * (long + wide)", "long + wide"
    )
    solution.let(
        "multiply",
        "Inner area|Area without the path",
        "inner",
        f"{width} * {height}",
        f"{width} + {height}",
        f"{width} * {broad}",
    )
    solution.let("subtract", "Area of the path|Only the path", "area", "outer - inner", "outer + inner", "outer")
    state.value = (width + 2 * broad) * (height + 2 * broad) - width * height


def _pond(draw: Draw, solution: Solution, state: _State) -> None:
    side = draw.between(3, 9)
    state.sentences.append(f"A square pond in it has sides of {side} metres.")
    solution.let("power", "Area of the pond", "pond", f"{side} * {side}", f"{side} * 4", f"{side} * 2")
    solution.let(
        "subtract", "Without the pond|Take the pond away", "area", "area - pond", "area + pond", f"area - {side}"
    )
    state.value -= side * side


def _bed(draw: Draw, solution: Solution, state: _State) -> None:
    foot, high = draw.between(4, 12), 2 * draw.between(2, 6)
    state.sentences.append(f"A flower bed is a triangle with base {foot} metres and height {high} metres.")
    solution.let(
        "multiply",
        "Area of the bed|Triangle",
        "bed",
        f"{foot} * {high} // 2",
        f"{foot} * {high}",
        f"({foot} + {high}) // 2",
    )
    solution.let("subtract", "Without the bed|Take the bed away", "area", "area - bed", "area + bed", f"area - {foot}")
    state.value -= foot * high // 2


def _cost(draw: Draw, solution: Solution, state: _State, parts: tuple[str, ...]) -> None:
    price = draw.between(3, 15)
    work = "Paving the path" if "path" in parts else "Grass for the rest of it"
    if len(parts) == 1:
        work = "Grass for all of it"
    state.sentences.append(f"{work} costs {price} dollars per square metre.")
    solution.let("multiply", "Cost|What it costs", "cost", f"area * {price}", f"area + {price}", f"area * {price} // 2")
    state.name, state.value = "cost", state.value * price


def _budget(draw: Draw, solution: Solution, state: _State) -> None:
    have = (state.value // 100 + draw.between(1, 9)) * 100
    state.sentences.append(
        draw.pick(f"How much is left of {have} dollars?", f"The owner has {have} dollars. How many remain?")
    )
    solution.let(
        "subtract",
        "What is left",
        "left",
        f"{have} - cost",
        f"cost - {have}",
        f"{have} + cost",
        f"{have} - {state.size}",
    )
    state.name, state.value = "left", have - state.value


def _asked(draw: Draw, state: _State, ground: str, parts: tuple[str, ...]) -> str:
    if state.name == "cost":
        return draw.pick("How many dollars is that in all?", "What is the total cost in dollars?")
    if "path" in parts:
        return "What is the area of the path in square metres?"
    return draw.pick(f"How many square metres of the {ground} are left?", "What area remains, in square metres?")
