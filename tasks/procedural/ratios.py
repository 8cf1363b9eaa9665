"""Sharing in a ratio, and what happens to the shares afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution
from tasks.procedural.wording import PEOPLE


@dataclass(slots=True)
class _Share:
    """What one person has got so far."""

    who: str
    parts: int
    value: int

    @property
    def name(self) -> str:
        """The variable that holds it."""
        return self.who.lower()


def ratios(draw: Draw, level: int) -> Draft | None:
    """A sum shared among two or three people, then spent, given away and compared, in level + 1 steps."""
    num_people = 2 if level <= 2 else 3
    parts = draw.sample(range(2, 12), num_people)
    unit = draw.between(6, 40)
    shares = [_Share(who, part, part * unit) for who, part in zip(draw.sample(PEOPLE, num_people), parts, strict=True)]
    total = sum(parts) * unit
    told = _told(draw, shares, total)
    solution = Solution(draw)
    written = " + ".join(map(str, parts))
    solution.let(
        "add", "Number of parts|All parts", "parts", written, " + ".join(map(str, parts[1:])), f"{written} + 1"
    )
    one, other = shares[:2]
    if level == 1:
        wrong = (f"{total} // parts", f"{total} // {one.parts}", f"{total} // parts * {other.parts}")
        solution.let("share", f"Share of {one.who}", one.name, f"{total} // parts * {one.parts}", *wrong)
        return solution.draft(f"{told} How many dollars does {one.who} get?", one.value, one.name, "parts")
    solution.let(
        "divide", "One part|Size of a part", "part", f"{total} // parts", f"{total} // {num_people}", f"{total} - parts"
    )
    _take(solution, one, other)
    if level == 2:
        return solution.draft(f"{told} How many dollars does {one.who} get?", one.value, one.name, "part")
    return _afterwards(draw, solution, told, (one, other), level)


def _told(draw: Draw, shares: list[_Share], total: int) -> str:
    names = ", ".join(share.who for share in shares[:-1]) + f" and {shares[-1].who}"
    ratio = ":".join(str(share.parts) for share in shares)
    return draw.pick(
        f"{names} share {total} dollars in the ratio {ratio}.",
        f"{total} dollars are divided among {names} in the ratio {ratio}, in this order.",
    )


def _take(solution: Solution, share: _Share, other: _Share) -> None:
    wrong = (f"part * {other.parts}", f"part + {share.parts}", f"part * {share.parts + 1}")
    solution.let("share", f"Share of {share.who}|{share.who} gets", share.name, f"part * {share.parts}", *wrong)


def _afterwards(draw: Draw, solution: Solution, told: str, pair: tuple[_Share, _Share], level: int) -> Draft | None:
    """Levels 3 to 6: spending at 3 and 5 up, the other share at 4 up, a percentage at 6, a comparison at 4 up."""
    one, other = pair
    if level == 3 or level >= 5:
        spent = draw.between(3, one.value - 2)
        wrong = (f"{one.name} + {spent}", f"{spent}", f"part - {spent}")
        solution.let("subtract", f"{one.who} spends {spent}", one.name, f"{one.name} - {spent}", *wrong)
        one.value -= spent
        told += draw.pick(
            f" {one.who} spends {spent} dollars of it.", f" Then {one.who} pays a debt of {spent} dollars."
        )
    if level == 3:
        return solution.draft(f"{told} How many dollars has {one.who} left?", one.value, one.name, "part")
    _take(solution, other, one)
    if level == 6:
        percent = draw.pick(10, 20, 25, 40, 50)
        if other.value * percent % 100:
            return None
        wrong = (
            f"{other.name} * {100 - percent} // 100",
            f"{other.name} + {percent}",
            f"{one.name} * {100 + percent} // 100",
        )
        code = f"{other.name} * {100 + percent} // 100"
        solution.let("percent", f"{other.who} gains {percent}%", other.name, code, *wrong)
        other.value = other.value * (100 + percent) // 100
        told += f" {other.who} puts the share to work and has {percent}% more of it a year later."
    code = f"{other.name} - {one.name}"
    wrong = (f"{one.name} - {other.name}", f"{other.name} + {one.name}", f"{other.name} - part")
    solution.let("compare", "Compare the two|Difference", "more", code, *wrong)
    asked = draw.pick(
        f"How many dollars more than {one.who} has {other.who} in the end (negative if fewer)?",
        f"By how many dollars is {other.who} ahead of {one.who} at the end? Negative means behind.",
    )
    return solution.draft(f"{told} {asked}", other.value - one.value, "more", other.name)
