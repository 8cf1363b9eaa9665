"""Days of the week after stretches of time that are told one by another."""

from __future__ import annotations

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WORKS = (
    ("foundation", "brickwork", "roof", "plumbing", "painting", "garden"),
    ("reading", "planning", "writing", "checking", "printing", "binding"),
    ("digging", "planting", "watering", "weeding", "harvest", "packing"),
)


def weekdays(draw: Draw, level: int) -> Draft:
    """The weekday on which work begun on a given weekday is over, in level + 1 steps; the answer is a word."""
    start = draw.below(7)
    works = draw.pick(*_WORKS)
    solution = Solution(draw)
    days = draw.between(9, 40)
    told, total, held = [f"The {works[0]} takes {days} days"], days, str(days)
    if level == 1:
        rain = draw.between(3, 30)
        told, total, held = (
            [f"The {works[0]} takes {days} days, and {rain} more because of rain"],
            days + rain,
            f"{days} + {rain}",
        )
    for place in range(1, level):
        total, held = _stretch(draw, solution, told, (works, place, days), (total, held))
    wrong = (f"({held}) % 7" if level == 1 else "days % 7", f"({start} + {held}) % 5", f"({start + 1} + {held}) % 7")
    comment = "Day of the week|Remainder by 7 (Monday is 0)"
    solution.let("remainder", comment, "n", f"({start} + {held}) % 7", *wrong)
    week = "week = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split()"
    solution.let(
        "weekday", "Look the day up|Name of the day", "day", "week[n]", "week[n - 1]", "week[(n + 1) % 7]", needs=week
    )
    shown = f"Work begins on a {_DAYS[start]}. {'. '.join(told)}."
    span = "that many days" if level == 1 else "all these days"
    asked = draw.pick(
        f"Which day of the week is it {span} after the {_DAYS[start]}?",
        f"Counting {span} on from that {_DAYS[start]}, on what day of the week does one arrive?",
    )
    return solution.draft(f"{shown} {asked}", _DAYS[(start + total) % 7], "day")


def _stretch(
    draw: Draw, solution: Solution, told: list[str], plan: tuple[tuple[str, ...], int, int], so_far: tuple[int, str]
) -> tuple[int, str]:
    """Add one more stretch of days; returns the new total and the name that holds it."""
    (works, place, first), (total, held) = plan, so_far
    sort = draw.pick("days", "weeks", "times", "all")
    if sort == "days":
        days = draw.between(3, 45)
        told.append(f"The {works[place]} takes {days} days")
        code, wrong = f"{held} + {days}", (f"{held} - {days}", f"{held} * {days}", f"{held} + {days} - 1")
    elif sort == "weeks":
        weeks, more = draw.between(2, 6), draw.between(1, 6)
        days = 7 * weeks + more
        told.append(f"The {works[place]} takes {weeks} weeks and {more} days")
        code = f"{held} + {weeks} * 7 + {more}"
        wrong = (f"{held} + {weeks} + {more}", f"{held} + {weeks} * 5 + {more}", f"{held} + {weeks} * 7")
    elif sort == "times":
        k = draw.between(2, 5)
        days = k * first
        told.append(f"The {works[place]} takes {k} times as long as the {works[0]}")
        code, wrong = f"{held} + {k} * {first}", (f"{held} + {k}", f"{k} * {first}", f"{held} * {k}")
    else:
        less = draw.between(2, min(9, total - 1))
        days = total - less
        told.append(f"The {works[place]} takes {less} days less than everything before it together")
        wrong = (f"{held} + {less}", f"{held} + {held} + {less}", f"{held} + {first} - {less}")
        code = f"{held} + {held} - {less}"
    solution.let("add", f"With the {works[place]}|Add the {works[place]}", "days", code, *wrong)
    return total + days, "days"
