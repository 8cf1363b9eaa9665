"""Common divisors, common multiples and remainders: bells that ring together, tiles that fit."""

from __future__ import annotations

from math import gcd

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution

_IMPORT = "from math import gcd"


def divisors(draw: Draw, level: int) -> Draft:
    """level + 1 steps from a greatest common divisor on."""
    return _tiles(draw, level) if draw.chance(1, 2) else _bells(draw, level)


def _bells(draw: Draw, level: int) -> Draft:
    """Things that happen at the same time: common multiples, whole rounds, the time since the last one."""
    unit = draw.between(2, 16)
    a, b = (unit * factor for factor in draw.sample(range(2, 13), 2))
    c = draw.between(2, 5) * draw.between(2, 9)
    common = a * b // gcd(a, b)
    who = draw.pick("bells", "alarms", "lights", "buses", "pumps")
    solution = Solution(draw)
    wrong: tuple[str, ...] = (f"abs({a} - {b})", f"gcd({a}, {b}) * 2")
    solution.let("divisor", "Common divisor|Greatest common divisor", "g", f"gcd({a}, {b})", *wrong, needs=_IMPORT)
    wrong = (f"{a} * {b}", f"({a} + {b}) // g", f"{a} // g")
    solution.let("multiply", "Common multiple|Together again after", "every", f"{a} * {b} // g", *wrong)
    if level == 1:
        shown = f"Two {who} go off every {a} and every {b} minutes. They have just done so together."
        return solution.draft(f"{shown} After how many minutes does that happen again?", common, "every", "g")
    if level <= 4:
        periods = f"every {a} and every {b} minutes"
    else:
        periods = f"every {a}, every {b} and every {c} minutes"
        wrong = (f"gcd({a}, {c})", f"gcd({b}, {c})", f"{c}")
        solution.let("divisor", "Divisor with the third|Common divisor again", "h", f"gcd(every, {c})", *wrong)
        wrong = (f"every * {c}", "every // h", f"every + {c} // h")
        solution.let("multiply", "Multiple of all three|All together", "every", f"every * {c} // h", *wrong)
        common = common * c // gcd(common, c)
    span = common * draw.between(2, 12) + draw.between(1, common - 1)
    number = "Three" if level >= 5 else "Two"
    shown = draw.pick(
        f"{number} {who} go off {periods}. At minute 0 they go off together.",
        f"{number} {who} start together at minute 0 and then repeat {periods}.",
    )
    return _watch(draw, solution, shown, (common, span), level)


def _watch(draw: Draw, solution: Solution, shown: str, times: tuple[int, int], level: int) -> Draft:
    """1 to 3 more steps: how often within a time, when for the last time, how long ago that is."""
    common, span = times
    wrong = (f"{span} // every + 1", f"{span} - every", f"{span} // every - 1")
    solution.let("divide", f"How often in {span} minutes|Whole rounds", "rounds", f"{span} // every", *wrong)
    if level == 2:
        asked = f"How often do they coincide after that, up to minute {span}?"
        return solution.draft(f"{shown} {asked}", span // common, "rounds", "every")
    solution.let("multiply", "Last time together", "last", "rounds * every", "rounds + every", "(rounds - 1) * every")
    if level in (3, 5):
        asked = f"At which minute up to {span} do they all coincide for the last time?"
        return solution.draft(f"{shown} {asked}", span // common * common, "last", "every")
    wrong = (f"{span} - every", "last - every", f"{span} - last + 1")
    solution.let("subtract", "Minutes since then|From the last time on", "since", f"{span} - last", *wrong)
    asked = draw.pick(
        f"How many minutes before minute {span} do they all coincide for the last time?",
        f"At minute {span}, how long ago did they all coincide?",
    )
    return solution.draft(f"{shown} {asked}", span % common, "since", "last")


def _tiles(draw: Draw, level: int) -> Draft:
    """Largest squares that fit a rectangle."""
    unit = draw.between(6, 40)
    width, height = (unit * factor for factor in draw.sample(range(3, 15), 2))
    side = gcd(width, height)
    shown, piece = draw.pick(
        (
            f"Equal square tiles, as large as possible, exactly cover a table of {width} by {height} centimetres.",
            "tile",
        ),
        (
            f"A wall of {width} by {height} centimetres is tiled with square tiles, as large as possible, none cut.",
            "tile",
        ),
        (
            f"A sheet of {width} by {height} centimetres is cut into equal squares, as large as possible, no waste.",
            "square",
        ),
    )
    solution = Solution(draw)
    wrong: tuple[str, ...] = (f"abs({width} - {height})", f"gcd({width}, {height}) // 2")
    comment = f"Side of a {piece}|Greatest common divisor"
    solution.let("divisor", comment, "side", f"gcd({width}, {height})", *wrong, needs=_IMPORT)
    count = (width // side) * (height // side)
    if level <= 2:
        solution.let("power", f"Area of one {piece}", "area", "side * side", "side * 4", "side + side")
        if level == 1:
            asked = f"What is the area of one {piece} in square centimetres?"
            return solution.draft(f"{shown} {asked}", side * side, "area", "side")
        wrong = (f"{width} * {height} // side", f"({width} + {height}) // side", f"{width} * {width} // area")
        solution.let("divide", f"Number of {piece}s", "count", f"{width} * {height} // area", *wrong)
        return solution.draft(f"{shown} How many {piece}s are there?", count, "count", "area")
    wrong = (f"{width} // side + 1", f"{width} - side")
    solution.let("divide", "Along the first side|In one row", "across", f"{width} // side", *wrong)
    wrong = (f"{height} // side + 1", f"{width} // side", f"{height} - side")
    solution.let("divide", "Along the other side|Number of rows", "down", f"{height} // side", *wrong)
    solution.let("multiply", f"Number of {piece}s", "count", "across * down", "across + down", "2 * (across + down)")
    if level == 3:
        return solution.draft(f"{shown} How many {piece}s are there?", count, "count", "across")
    return _price(draw, solution, (shown, piece, count), level)


def _price(draw: Draw, solution: Solution, tiling: tuple[str, str, int], level: int) -> Draft:
    """1 to 3 more steps: price by the piece or by the pack, and what is left of a sum."""
    shown, piece, count = tiling
    price, size = draw.between(2, 9), draw.between(4, 12)
    if level == 4:
        solution.let("multiply", "Price of all", "cost", f"count * {price}", f"count + {price}", f"across * {price}")
        return solution.draft(
            f"{shown} Each {piece} costs {price} dollars. What do all cost?", count * price, "cost", "count"
        )
    price *= 3
    packs = -(-count // size)
    wrong = (f"count // {size}", f"count // {size} + 2", f"count - {size}")
    solution.let(
        "divide", "Packs, rounded up|Packs that are needed", "packs", f"(count + {size - 1}) // {size}", *wrong
    )
    wrong = (f"count * {price}", f"packs + {price}", f"packs * {size}")
    solution.let("multiply", "Price of the packs", "cost", f"packs * {price}", *wrong)
    told = f"{shown} The {piece}s come in packs of {size}, {price} dollars a pack, and only whole packs are sold."
    if level == 5:
        return solution.draft(f"{told} What do the packs that are needed cost?", packs * price, "cost", "packs")
    have = (packs * price // 50 + draw.between(1, 3)) * 50
    solution.let("subtract", "What is left", "left", f"{have} - cost", f"{have} + cost", f"cost - {have}")
    return solution.draft(
        f"{told} How many of {have} dollars are left after that?", have - packs * price, "left", "cost"
    )
