"""Counting: groups chosen from two kinds of people, with officers, at least so many of a kind, or a pair kept apart."""

from __future__ import annotations

from math import comb

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution

_IMPORT = "from math import comb"
_KINDS = (("women", "men"), ("teachers", "pupils"), ("doctors", "nurses"), ("singers", "dancers"))
_OFFICES = ("chair", "secretary", "treasurer")
_Ways = tuple[str, int, int]
"""What has been told so far, how many people are chosen, and in how many ways."""


def counting(draw: Draw, level: int) -> Draft:
    """A number of ways in level + 1 steps."""
    if level == 1:
        return _easy(draw)
    if level == 2 or (level >= 4 and draw.chance(1, 2)):
        return _exactly(draw, level)
    return _at_least(draw, level)


def _easy(draw: Draw) -> Draft:
    """Level 1: a team with a captain, or dishes of two sorts."""
    solution = Solution(draw)
    n, k = draw.between(6, 40), draw.between(2, 5)
    wrong: tuple[str, ...] = (f"comb({n}, {k - 1})", f"comb({n - 1}, {k})", f"{n} * {k}")
    if draw.chance(1, 4):
        solution.let("choose", f"Choose {k} of {n}|Teams of {k}", "teams", f"comb({n}, {k})", *wrong, needs=_IMPORT)
        wrong = (f"teams * {n}", f"teams + {k}", f"teams * {k - 1}")
        solution.let("multiply", "One of the team leads|Choose the captain", "ways", f"teams * {k}", *wrong)
        question = draw.pick(
            f"A club of {n} people sends a team of {k}, one of whom is captain. In how many ways can that be done?",
            f"From {n} players a team of {k} is formed, and it names one of its own as captain. In how many ways?",
        )
        return solution.draft(question, comb(n, k) * k, "ways", "teams")
    m = draw.between(4, 30)
    first, second = draw.pick(("starters", "desserts"), ("salads", "soups"), ("cheeses", "wines"))
    solution.let("choose", f"Choose the {first}|Sets of {first}", "sets", f"comb({n}, {k})", *wrong, needs=_IMPORT)
    wrong = (f"sets + {m}", f"sets * {m - 1}", f"sets * comb({m}, 2)")
    solution.let("multiply", f"With any of the {second}", "ways", f"sets * {m}", *wrong)
    question = draw.pick(
        f"A menu is made of {k} different {first} out of {n} and one of {m} {second}. How many menus are possible?",
        f"A guest picks {k} of {n} {first} and one of {m} {second}. How many choices does the guest have?",
    )
    return solution.draft(question, comb(n, k) * m, "ways", "sets")


def _exactly(draw: Draw, level: int) -> Draft:
    """Level 2: fixed numbers of both kinds, 3 steps; levels 4 to 6: two of the first kind kept apart, 5 steps."""
    n, m, k, j = draw.between(5, 20), draw.between(5, 20), draw.between(2, 4), draw.between(2, 4)
    one, other = draw.pick(*_KINDS)
    told = f"A committee of {k} {one} and {j} {other} is chosen from {n} {one} and {m} {other}."
    first = comb(n, k)
    solution = Solution(draw)
    wrong = (f"comb({n}, {j})", f"comb({m}, {k})", f"comb({n}, {k - 1})")
    solution.let("choose", f"Choose the {one}|Ways for the {one}", "a", f"comb({n}, {k})", *wrong, needs=_IMPORT)
    if level >= 4:
        wrong = (f"comb({n - 2}, {k})", f"comb({n}, {k - 2})", f"comb({n - 1}, {k - 1})")
        solution.let("choose", "Choices with both of the two|The pair is in", "bad", f"comb({n - 2}, {k - 2})", *wrong)
        solution.let("subtract", "Without these|Choices that are allowed", "a", "a - bad", "a + bad", "bad")
        told += draw.pick(f" Two of the {one} refuse to serve together.", f" Two of the {one} must not both be in it.")
        first -= comb(n - 2, k - 2)
    wrong = (f"comb({m}, {k})", f"comb({m}, {j - 1})", f"comb({m - 1}, {j})")
    solution.let("choose", f"Choose the {other}|Ways for the {other}", "b", f"comb({m}, {j})", *wrong)
    solution.let("multiply", "Both choices together|All committees", "ways", "a * b", "a + b", "a * a")
    return _with_officers(draw, solution, (told, k + j, first * comb(m, j)), max(0, level - 4))


def _at_least(draw: Draw, level: int) -> Draft:
    """At least one of a kind, 4 steps (levels 3 and 4), or at least two, 6 steps (levels 5 and 6)."""
    n, m, k = draw.between(4, 15), draw.between(5, 15), draw.between(3, 5)
    one, other = draw.pick(*_KINDS)
    solution = Solution(draw)
    solution.let("add", "All together|How many there are", "people", f"{n} + {m}", f"{n} * {m}", f"{n} + {m} - 1")
    wrong = (f"comb({m}, {k})", f"comb(people, {k - 1})", f"comb(people - 1, {k})")
    solution.let("choose", f"Any {k} of them|All choices", "ways", f"comb(people, {k})", *wrong, needs=_IMPORT)
    wrong = (f"comb({n}, {k})", f"comb({m}, {k - 1})", f"comb({m - 1}, {k})")
    solution.let("choose", f"Choices without {one}|Only {other}", "none", f"comb({m}, {k})", *wrong)
    solution.let("subtract", f"At least one of the {one}|Take these away", "ways", "ways - none", "ways + none", "none")
    ways = comb(n + m, k) - comb(m, k)
    if level >= 5:
        wrong = (f"comb({m}, {k - 1})", f"{n} * comb({m}, {k})", f"{n} + comb({m}, {k - 1})")
        solution.let("choose", f"Just one of the {one}", "single", f"{n} * comb({m}, {k - 1})", *wrong)
        solution.let("subtract", "Take these away too|Two or more", "ways", "ways - single", "ways + single", "single")
        ways -= n * comb(m, k - 1)
    number = "at least two" if level >= 5 else "at least one"
    told = draw.pick(
        f"From {n} {one} and {m} {other} a group of {k} is chosen, with {number} of the {one}.",
        f"There are {n} {one} and {m} {other}. A group of {k} must contain {number} of the {one}.",
    )
    return _with_officers(draw, solution, (told, k, ways), {3: 0, 4: 1, 5: 0, 6: 1}[level])


def _with_officers(draw: Draw, solution: Solution, chosen: _Ways, num_offices: int) -> Draft:
    """One more step for every office that the group fills from its own members."""
    told, size, ways = chosen
    for place in range(num_offices):
        left = size - place
        wrong = (f"ways * {left + 1}", f"ways + {left}", f"ways * {left - 1}")
        solution.let("multiply", f"Choose the {_OFFICES[place]}", "ways", f"ways * {left}", *wrong)
        ways *= left
    if num_offices:
        offices = " and a ".join(_OFFICES[:num_offices])
        told += f" It names a {offices} {'(two people) ' if num_offices == 2 else ''}from its own members."
    asked = draw.pick("In how many ways can this be done?", "How many possibilities are there?")
    return solution.draft(f"{told} {asked}", ways, "ways")
