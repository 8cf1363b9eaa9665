"""Who has how many: comparisons among people, told in scrambled order and often from the other side."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution
from tasks.procedural.wording import COUNTABLE, PEOPLE


@dataclass(frozen=True, slots=True)
class _Link:
    """One comparison: how the next person's number follows from the one before, and the sentence that says so."""

    told: str
    code: str
    wrong: tuple[str, ...]
    value: int


def relations(draw: Draw, level: int) -> Draft | None:
    """level + 1 comparisons in a chain, or level of them and a total; from level 3 on perhaps one too many."""
    is_total = level >= 2 and draw.chance(1, 3)
    num_links = level if is_total else level + 1
    people = draw.sample(PEOPLE, num_links + 2)
    thing = draw.pick(*COUNTABLE)
    start = draw.between(8, 40)
    solution = Solution(draw)
    told = []
    values, names = [start], [str(start)]
    for place in range(num_links):
        link = _next(draw, (people[place], people[place + 1]), thing, values, names)
        if link is None:
            return None
        told.append(link.told)
        person = people[place + 1]
        solution.let("compare", f"{person}'s {thing}|How many {person} has", person.lower(), link.code, *link.wrong)
        values.append(link.value)
        names.append(person.lower())
    told.append(f"{people[0]} has {start} {thing}.")
    if level >= 3 and draw.chance(1, 2):
        other = draw.below(num_links)
        sort = draw.pick("more", "fewer") if values[other] > 25 else "more"
        told.append(f"{people[-1]} has {draw.between(2, 19)} {sort} {thing} than {people[other]}.")
    return _ask(draw, solution, (people, names, values), (thing, told), is_total=is_total)


def _next(draw: Draw, pair: tuple[str, str], thing: str, values: list[int], names: list[str]) -> _Link | None:
    """The comparison between a person whose number is known and the next one."""
    (known, new), value, name = pair, values[-1], names[-1]
    is_turned = draw.chance(1, 2)  # told from the known person's side: the operation to do is the opposite one
    sort = draw.pick("more", "fewer", "times", "sum") if len(values) >= 3 else draw.pick("more", "fewer", "times")
    if sort == "sum":
        before = names[-2]
        told = draw.pick(
            f"{new} has as many {thing} as {known} and {before.capitalize()} together.",
            f"{known} and {before.capitalize()} together have exactly as many {thing} as {new}.",
        )
        return _Link(told, f"{name} + {before}", (f"{name} - {before}", f"2 * {name}"), value + values[-2])
    if sort == "times":
        return _multiple(draw, pair, thing, (value, name), is_turned=is_turned)
    count = draw.between(3, 25)
    is_up = (sort == "more") != is_turned
    told = (
        f"{known} has {count} {sort} {thing} than {new}."
        if is_turned
        else f"{new} has {count} {sort} {thing} than {known}."
    )
    if not is_up and value - count < 2:
        return None
    code, opposite = (f"{name} + {count}", f"{name} - {count}") if is_up else (f"{name} - {count}", f"{name} + {count}")
    wrong = [opposite, f"{name} * {count}"]
    if len(names) >= 2:
        wrong.append(f"{names[-2]} {'+' if is_up else '-'} {count}")
    return _Link(told, code, tuple(wrong), value + count if is_up else value - count)


def _multiple(
    draw: Draw, pair: tuple[str, str], thing: str, known_number: tuple[int, str], *, is_turned: bool
) -> _Link | None:
    (known, new), (value, name) = pair, known_number
    factors = [k for k in (2, 3, 4, 5) if (value % k == 0 and value // k > 2 if is_turned else value * k < 900)]
    if not factors:
        return None
    k = draw.pick(*factors)
    times = "twice" if k == 2 and draw.chance(1, 2) else f"{k} times"
    product, quotient = f"{name} * {k}", f"{name} // {k}"
    if is_turned:
        return _Link(f"{known} has {times} as many {thing} as {new}.", quotient, (product, f"{name} - {k}"), value // k)
    return _Link(f"{new} has {times} as many {thing} as {known}.", product, (quotient, f"{name} + {k}"), value * k)


def _ask(
    draw: Draw,
    solution: Solution,
    chain: tuple[list[str], list[str], list[int]],
    story: tuple[str, list[str]],
    *,
    is_total: bool,
) -> Draft:
    (people, names, values), (thing, told) = chain, story
    last = len(names) - 1
    facts = " ".join(draw.shuffled(told))
    if not is_total:
        asked = draw.pick(
            f"How many {thing} does {people[last]} have?", f"Find the number of {people[last]}'s {thing}."
        )
        return solution.draft(f"{facts} {asked}", values[last], names[last], *names[1:last][-1:])
    other = draw.below(last)
    wrong = (f"{names[last]} - {names[other]}", f"{names[last]} + {names[last - 1 if other != last - 1 else 0]}")
    comment = f"{people[last]} and {people[other]} together|Add both numbers"
    solution.let("add", comment, "both", f"{names[last]} + {names[other]}", *wrong)
    asked = draw.pick(
        f"How many {thing} do {people[last]} and {people[other]} have together?",
        f"What is the total of {people[other]}'s and {people[last]}'s {thing}?",
    )
    return solution.draft(f"{facts} {asked}", values[last] + values[other], "both", names[last])
