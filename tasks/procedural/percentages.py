"""A quantity that changes again and again, by percentages and by amounts."""

from __future__ import annotations

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution

_PERCENTS = (5, 10, 15, 20, 25, 30, 40, 50, 60, 75)
_STORIES = (
    ("A town has {} inhabitants.", "inhabitants"),
    ("A library owns {} books.", "books"),
    ("A shop has {} bottles in stock.", "bottles"),
    ("A club counts {} members.", "members"),
    ("There are {} fish in a lake.", "fish"),
)
_TIMES = ("in the first year", "in the second year", "in the third year", "in the fourth year", "then", "after that")


def percentages(draw: Draw, level: int) -> Draft:
    """level + 1 changes in a row, or level changes and a comparison with the start."""
    is_compared = level >= 2 and draw.chance(1, 3)
    start = 100 * draw.between(4, 60) if draw.chance(1, 2) else 20 * draw.between(12, 300)
    opening, unit = draw.pick(*_STORIES)
    sentences = [opening.format(start)]
    solution = Solution(draw)
    now, was_percent = start, False
    num_changes = level if is_compared else level + 1
    for place in range(num_changes):
        choices = [percent for percent in _PERCENTS if now * percent % 100 == 0]
        if choices and not (was_percent and draw.chance(1, 3)):
            was_percent = True
            now, told = _by_percent(draw, solution, draw.pick(*choices), (start, now, place))
        else:
            was_percent = False
            now, told = _by_amount(draw, solution, (start, now, place))
        sentences.append(told)
    if not is_compared:
        sentences.append(draw.pick(f"How many {unit} are there in the end?", f"What is the final number of {unit}?"))
        return solution.draft(" ".join(sentences), now, "now")
    sentences.append(
        draw.pick(
            f"How much larger is the number of {unit} than at the start (negative if smaller)?",
            f"By how much has the number of {unit} grown in all? Give a negative number for a loss.",
        )
    )
    solution.let(
        "compare",
        "Compare with the start|Change in all",
        "change",
        f"now - {start}",
        f"{start} - now",
        f"now + {start}",
    )
    return solution.draft(" ".join(sentences), now - start, "change", "now")


def _by_percent(draw: Draw, solution: Solution, percent: int, state: tuple[int, int, int]) -> tuple[int, str]:
    start, now, place = state
    is_growth = draw.chance(1, 2)
    source = str(start) if place == 0 else "now"
    factor, other = (100 + percent, 100 - percent) if is_growth else (100 - percent, 100 + percent)
    wrong = [
        f"{source} * {other} // 100",
        f"{source} * {percent} // 100",
        f"{source} {'+' if is_growth else '-'} {percent}",
    ]
    if place:
        wrong.append(f"{start} * {factor} // 100")  # the percentage of the start instead of the present number
    verb = "grows" if is_growth else "falls"
    comment = f"{percent}% {'more' if is_growth else 'less'}|The number {verb} by {percent}%"
    solution.let("percent", comment, "now", f"{source} * {factor} // 100", *wrong)
    told = draw.pick(
        f"the number {verb} by {percent}%", f"it {'gains' if is_growth else 'loses'} {percent}% of what it has"
    )
    return now * factor // 100, _told(draw, told, place)


def _by_amount(draw: Draw, solution: Solution, state: tuple[int, int, int]) -> tuple[int, str]:
    start, now, place = state
    # An amount after which percentages are whole again.
    amount = draw.between(1, 9) * 20 + (-now) % 20
    is_growth = now < 250 or draw.chance(1, 2)
    if not is_growth:
        amount = draw.between(0, 4) * 20 + now % 20 or 40
    source = str(start) if place == 0 else "now"
    sign, other = ("+", "-") if is_growth else ("-", "+")
    comment = f"{amount} {'more' if is_growth else 'fewer'}|{'Add' if is_growth else 'Take away'} {amount}"
    wrong = (f"{source} {other} {amount}", f"{source} {sign} {amount} // 10", f"{source} * {100 + amount} // 100")
    solution.let("add" if is_growth else "subtract", comment, "now", f"{source} {sign} {amount}", *wrong)
    verb = "are added" if is_growth else "are lost"
    told = draw.pick(f"{amount} {verb}", f"{'another ' if is_growth else ''}{amount} {verb}")
    return (now + amount if is_growth else now - amount), _told(draw, told, place)


def _told(draw: Draw, change: str, place: int) -> str:
    if place < 4 and draw.chance(1, 2):
        return f"{_TIMES[place].capitalize()} {change}."
    lead = "First" if place == 0 else draw.pick("Then", "After that", "Next")
    return f"{lead} {change}."
