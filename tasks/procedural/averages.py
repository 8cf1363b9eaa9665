"""Averages: totals behind means, a value added or taken away, two groups together."""

from __future__ import annotations

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution

_THINGS = (("tests", "points"), ("parcels", "kilograms"), ("sacks", "pounds"), ("rooms", "square metres"))


def averages(draw: Draw, level: int) -> Draft | None:
    """A mean, or a value that makes one, in level + 1 steps; None where it does not come out whole."""
    return _one_group(draw, level) if level <= 3 else _two_groups(draw, level)


def _one_group(draw: Draw, level: int) -> Draft:
    count, mean = draw.between(4, 15), draw.between(12, 90)
    things, unit = draw.pick(*_THINGS)
    shown = draw.pick(
        f"The average of {count} {things} is {mean} {unit}.", f"{count} {things} have a mean of {mean} {unit}."
    )
    solution = Solution(draw)
    wrong = (f"{count} + {mean}", f"{count - 1} * {mean}", f"{count + 1} * {mean}")
    solution.let("multiply", "Total of the group|All together", "total", f"{count} * {mean}", *wrong)
    if level == 1:
        rest = count * mean - draw.between(5, 2 * mean)
        solution.let(
            "subtract", "The last one|What is missing", "last", f"total - {rest}", f"{rest} - {mean}", f"total + {rest}"
        )
        question = f"{shown} All but one of them have a total of {rest} {unit}. How many {unit} has the last one?"
        return solution.draft(question, count * mean - rest, "last", "total")
    if level == 2:
        change = draw.between(1, 4) * draw.pick(1, -1)
        more = mean + change * (count + 1)
        if more < 1:
            more = mean + (count + 1)
        solution.let(
            "add", "With the new one|New total", "total", f"total + {more}", f"total - {more}", f"{mean} + {more}"
        )
        wrong = (f"total // {count}", f"total // {count - 1}", f"({mean} + {more}) // 2")
        solution.let("average", "New average", "mean", f"total // {count + 1}", *wrong)
        question = f"{shown} One more with {more} {unit} comes in. What is the average now?"
        return solution.draft(question, (count * mean + more) // (count + 1), "mean", "total")
    goal = mean + draw.between(1, 6)
    wrong = (f"{count} * {goal}", f"{count + 1} + {goal}", f"{count + 2} * {goal}")
    solution.let("multiply", "Total for the new average", "goal", f"{count + 1} * {goal}", *wrong)
    solution.let("subtract", "What the next one needs", "need", "goal - total", "goal + total", f"{goal} - {mean}")
    solution.let("compare", "More than the old average", "more", f"need - {mean}", f"need - {goal}", f"need + {mean}")
    question = (
        f"{shown} With one more the average is to become {goal}. "
        f"How far above the old average must the new one be, in {unit}?"
    )
    return solution.draft(question, (count + 1) * goal - count * mean - mean, "more", "need")


def _two_groups(draw: Draw, level: int) -> Draft | None:
    """Levels 4 to 6: the mean of two groups; before it one value is taken away (5), and another comes (6)."""
    n, m = draw.between(4, 14), draw.between(4, 14)
    p, q = draw.between(20, 90), draw.between(20, 90)
    things, unit = draw.pick(*_THINGS)
    gone, come = draw.between(10, 120), draw.between(10, 120)
    total = n * p + m * q - (gone if level >= 5 else 0) + (come if level == 6 else 0)
    count = n + m - (1 if level == 5 else 0)
    if total % count or p == q:
        return None
    shown = draw.pick(
        f"{n} {things} average {p} {unit}, {m} other {things} average {q} {unit}.",
        f"One group of {n} {things} has a mean of {p} {unit}, another group of {m} has a mean of {q} {unit}.",
    )
    solution = Solution(draw)
    solution.let("multiply", "First group|Total of the first group", "first", f"{n} * {p}", f"{n} * {q}", f"{n} + {p}")
    solution.let("multiply", "Second group|Total of the second", "second", f"{m} * {q}", f"{n} * {q}", f"{m} + {q}")
    solution.let("add", "Both groups", "total", "first + second", "first - second", "second")
    if level >= 5:
        solution.let("subtract", "Without the one that goes", "total", f"total - {gone}", f"total + {gone}", "first")
        shown += f" One with {gone} {unit} is taken away."
    if level == 6:
        solution.let("add", "With the new one", "total", f"total + {come}", f"total - {come}", f"{come}")
        shown += f" One with {come} {unit} is put in its place."
    number = {4: f"{n} + {m}", 5: f"{n} + {m} - 1", 6: f"{n} + {m}"}[level]
    wrong = (f"{n} + {m} + 1", "2", f"{n} + {m}", f"{n} + {m} - 1")
    solution.let("add", "How many there are|Number in both groups", "count", number, *wrong)
    solution.let("average", "Average of all|Mean of both", "mean", "total // count", f"({p} + {q}) // 2", "total // 2")
    asked = draw.pick("What is the average of all of them?", f"What is their common mean, in {unit}?")
    return solution.draft(f"{shown} {asked}", total // count, "mean", "total")
