"""Arithmetic and geometric sequences: terms, sums, parts of sums."""

from __future__ import annotations

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution


def sequences(draw: Draw, level: int) -> Draft | None:
    """A term or a sum in level + 1 steps."""
    if level in (3, 4) and draw.chance(1, 2):
        return _geometric(draw, level)
    return _arithmetic_from_first(draw, level) if level <= 2 else _arithmetic_from_two(draw, level)


def _arithmetic_from_first(draw: Draw, level: int) -> Draft:
    first, step, n = draw.between(2, 60), draw.between(2, 19), draw.between(6, 45)
    shown, place, things = draw.pick(
        (f"A sequence starts with {first} and grows by {step} each time.", "term", ""),
        (f"An arithmetic sequence has first term {first} and common difference {step}.", "term", ""),
        (f"A theatre has {first} seats in row 1, and each row has {step} more than the row before.", "row", "seats"),
        (
            f"A shop sold {first} lamps in week 1, then {step} more in each week than in the week before.",
            "week",
            "lamps",
        ),
        (f"Day 1 brings {first} visitors, and each day brings {step} more than the day before.", "day", "visitors"),
    )
    solution = Solution(draw)
    wrong = (f"{n} * {step}", f"{n - 2} * {step}", f"{n - 1} + {step}")
    solution.let("multiply", f"Growth up to that {place}|All the increases", "gap", f"{n - 1} * {step}", *wrong)
    wrong = ("gap", f"gap - {first}", f"{step} + gap")
    solution.let("add", f"Find {place} {n}|{place.capitalize()} {n}", "last", f"{first} + gap", *wrong)
    if level == 1:
        asked = f"How many {things} does {place} {n} have?" if things else f"What is {place} number {n}?"
        asked = draw.pick(asked, f"Find the number of {things} of {place} {n}.") if things else asked
        return solution.draft(f"{shown} {asked}", first + (n - 1) * step, "last", "gap")
    wrong = (f"({first} + last) * {n - 1} // 2", f"last * {n} // 2", f"({first} + last) * {n}")
    solution.let("add", "Sum from first and last|Sum of all", "total", f"({first} + last) * {n} // 2", *wrong)
    asked = f"What do its first {n} terms add up to?"
    if things:
        asked = draw.pick(
            f"How many {things} is that for the first {n} {place}s together?",
            f"What is the total of {things} over the first {n} {place}s?",
        )
    return solution.draft(f"{shown} {asked}", (2 * first + (n - 1) * step) * n // 2, "total", "last")


def _arithmetic_from_two(draw: Draw, level: int) -> Draft:
    """Levels 3 to 6: the sequence is given by two of its terms."""
    first, step, i = draw.between(3, 60), draw.between(2, 15), draw.between(3, 9)
    j, n = i + draw.between(2, 8), draw.between(20, 45)
    at_i, at_j = first + (i - 1) * step, first + (j - 1) * step
    shown = draw.pick(
        f"In an arithmetic sequence term {i} is {at_i} and term {j} is {at_j}.",
        f"A sequence grows by the same amount each time; its term number {i} is {at_i}, its term number {j} is {at_j}.",
        f"From term to term a sequence grows by a fixed number. Term {j} is {at_j}, term {i} is {at_i}.",
        f"The numbers in a list have equal gaps; number {i} in the list is {at_i} and number {j} is {at_j}.",
    )
    solution = Solution(draw)
    wrong = (f"({at_j} - {at_i}) // {j - i + 1}", f"{at_j} - {at_i}", f"({at_j} - {at_i}) // {i}")
    solution.let("divide", "Common difference|Growth per term", "d", f"({at_j} - {at_i}) // {j - i}", *wrong)
    wrong = (f"{at_i} - {i} * d", f"{at_i} - d", f"{at_j} - {i - 1} * d")
    solution.let("subtract", "First term|Back to the first term", "first", f"{at_i} - {i - 1} * d", *wrong)
    if level <= 4:
        return _up_to(draw, solution, shown, (first, step, n), is_sum=level == 4)
    return _middle_sum(draw, solution, shown, (first, step), level)


def _up_to(draw: Draw, solution: Solution, shown: str, sequence: tuple[int, int, int], *, is_sum: bool) -> Draft:
    first, step, n = sequence
    solution.let("multiply", f"Growth up to term {n}", "gap", f"{n - 1} * d", f"{n} * d", f"{n - 2} * d")
    solution.let("add", f"Find term {n}|Term {n}", "last", "first + gap", "gap", "gap - first")
    if not is_sum:
        return solution.draft(f"{shown} What is term {n}?", first + (n - 1) * step, "last", "gap")
    wrong = (f"(first + last) * {n - 1} // 2", f"last * {n} // 2", f"(first + last) * {n}")
    solution.let("add", "Sum from first and last|Sum of all", "total", f"(first + last) * {n} // 2", *wrong)
    asked = draw.pick(f"What do the first {n} terms add up to?", f"Find the sum of terms 1 to {n}.")
    return solution.draft(f"{shown} {asked}", (2 * first + (n - 1) * step) * n // 2, "total", "last")


def _middle_sum(draw: Draw, solution: Solution, shown: str, sequence: tuple[int, int], level: int) -> Draft:
    first, step = sequence
    low, high = draw.between(12, 20), draw.between(24, 45)
    terms = range(first + (low - 1) * step, first + high * step, step)
    solution.let("add", f"Term {low}|Find term {low}", "low", f"first + {low - 1} * d", f"first + {low} * d", "first")
    solution.let(
        "add",
        f"Term {high}|Find term {high}",
        "high",
        f"first + {high - 1} * d",
        f"first + {high} * d",
        f"low + {high - 1} * d",
    )
    wrong = (f"{high} - {low}", f"{high} - {low} - 1", f"{high} + {low}")
    solution.let("subtract", "How many terms|Number of terms", "count", f"{high} - {low} + 1", *wrong)
    wrong = ("(low + high) * count", "(high - low) * count // 2", "(first + high) * count // 2")
    solution.let("add", "Their sum|Sum of these terms", "total", "(low + high) * count // 2", *wrong)
    span = draw.pick(
        f"the sum of terms {low} to {high} (both included)",
        f"the sum from term {low} up to and including term {high}",
        f"the total of all terms from number {low} to number {high}, the ends included",
    )
    if level == 5:
        return solution.draft(f"{shown} {draw.pick('Find', 'Compute')} {span}.", sum(terms), "total", "high")
    m = draw.between(7, 19)
    solution.let(
        "remainder",
        f"Remainder by {m}|Divide by {m}, keep the rest",
        "rest",
        f"total % {m}",
        f"total // {m}",
        f"high % {m}",
    )
    return solution.draft(
        f"{shown} What is the remainder when {span} is divided by {m}?", sum(terms) % m, "rest", "total"
    )


def _geometric(draw: Draw, level: int) -> Draft:
    """Levels 3 and 4: a geometric sequence, its sum or the part of the sum after the first terms."""
    first, ratio, n, i = draw.between(2, 25), draw.between(2, 5), draw.between(5, 8), draw.between(3, 6)
    at_i = first * ratio ** (i - 1)
    if level == 3:
        shown = f"A geometric sequence has common ratio {ratio}, and its term {i} is {at_i}."
    else:
        shown = draw.pick(
            f"In a geometric sequence term {i} is {at_i} and term {i + 1} is {at_i * ratio}.",
            f"Each term is the same multiple of the one before; term {i} is {at_i}, term {i + 1} is {at_i * ratio}.",
        )
    solution = Solution(draw)
    r = str(ratio)
    if level == 4:
        r = "r"
        solution.let(
            "divide", "Common ratio|Factor per term", "r", f"{at_i * ratio} // {at_i}", f"{at_i * ratio} // {at_i} + 1"
        )
    wrong = (f"{at_i} // {r} ** {i}", f"{at_i} // {r}", f"{at_i} - {r} * {i - 1}")
    solution.let("divide", "First term|Back to the first term", "first", f"{at_i} // {r} ** {i - 1}", *wrong)
    wrong = (f"{r} ** {n - 1}", f"{r} * {n}", f"{r} ** {n + 1}")
    solution.let("power", f"Ratio to the power {n}|Power for the sum", "power", f"{r} ** {n}", *wrong)
    solution.let(
        "multiply", "Top of the formula|Numerator", "top", "first * (power - 1)", "first * power", "first + power - 1"
    )
    solution.let(
        "divide",
        "Sum of the terms|Divide by the ratio less one",
        "total",
        f"top // ({r} - 1)",
        f"top // {r}",
        f"top // ({r} + 1)",
    )
    asked = draw.pick(f"What do its first {n} terms add up to?", f"Find the sum of the first {n} terms.")
    return solution.draft(f"{shown} {asked}", first * (ratio**n - 1) // (ratio - 1), "total", "top")
