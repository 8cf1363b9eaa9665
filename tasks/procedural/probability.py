"""Drawing balls without putting them back: probabilities as exact fractions."""

from __future__ import annotations

from fractions import Fraction

from tasks.procedural.draw import Draw
from tasks.procedural.solution import Draft, Solution

_IMPORT = "from fractions import Fraction"


def probability(draw: Draw, level: int) -> Draft | None:
    """A probability in level + 1 steps; the answer is a fraction in lowest terms."""
    one, two = draw.sample(("red", "blue", "green", "white"), 2)
    a, b = draw.between(3, 60), draw.between(3, 60)
    if a == b:
        return None
    what = draw.pick("balls", "tickets", "cards")
    shown = draw.pick(f"A box holds {a} {one} and {b} {two} {what}.", f"In a bag are {a} {one} and {b} {two} {what}.")
    solution = Solution(draw)
    if level >= 5:
        gone = draw.between(1, a - 2)
        shown += f" {gone} of the {one} ones are lost." if gone > 1 else f" 1 of the {one} ones is lost."
        solution.let("subtract", f"How many {one} remain", one, f"{a} - {gone}", f"{a} + {gone}", f"{a}")
        a, written = a - gone, one
    else:
        written = str(a)
    solution.let(
        "add", f"All {what}|How many in all", "n", f"{written} + {b}", f"{written} + {b} - 1", f"{written} + {b} + 1"
    )
    if level == 1:
        wrong = (f"Fraction({a}, {b})", f"Fraction({b}, n)", f"Fraction(1, {a})")
        solution.let("probability", f"Share of {one}", "p", f"Fraction({a}, n)", *wrong, needs=_IMPORT)
        return solution.draft(
            f"{shown} One is drawn. What is the probability that it is {one}?", Fraction(a, a + b), "p"
        )
    if level <= 3:
        return _both(draw, solution, (shown, one), (a, b), level)
    return _same_or_different(draw, solution, (shown, one, two), (a, b, written), level)


def _both(draw: Draw, solution: Solution, scene: tuple[str, str], counts: tuple[int, int], level: int) -> Draft:
    """Levels 2 and 3: two draws, both of one colour, or not both."""
    (shown, one), (a, b) = scene, counts
    n = a + b
    if level == 2:
        k = f"{a - 1}"
        first_wrong = (f"Fraction({b}, n)", f"Fraction({a}, n - 1)", f"Fraction({a}, {b})")
        solution.let("probability", "First draw", "p", f"Fraction({a}, n)", *first_wrong, needs=_IMPORT)
        wrong = ("p * p", f"p * Fraction({k}, n)", f"p + Fraction({k}, n - 1)")
        solution.let("multiply", "Second draw, one is gone|Both draws", "p", f"p * Fraction({k}, n - 1)", *wrong)
        asked = draw.pick(f"that both are {one}", f"of two {one} ones")
        answer = Fraction(a, n) * Fraction(a - 1, n - 1)
    else:
        solution.let("multiply", f"Pairs of {one}", "good", f"{a} * {a - 1}", f"{a} * {a}", f"{b} * {b - 1}")
        solution.let("multiply", "All pairs", "pairs", "n * (n - 1)", "n * n", "n + n - 1")
        wrong = ("Fraction(good, pairs)", "1 - Fraction(good, n * n)", "Fraction(pairs - good, n * n)")
        solution.let("probability", "The opposite|Not both", "p", "1 - Fraction(good, pairs)", *wrong, needs=_IMPORT)
        asked = f"that not both are {one}"
        answer = 1 - Fraction(a * (a - 1), n * (n - 1))
    lead = draw.pick("Two are drawn without putting back.", "One after the other, two are taken out.")
    return solution.draft(f"{shown} {lead} What is the probability {asked}?", answer, "p")


def _same_or_different(
    draw: Draw, solution: Solution, scene: tuple[str, str, str], counts: tuple[int, int, str], level: int
) -> Draft:
    """Levels 4 to 6: two draws of the same colour (5 steps, 6 with a loss before), or of different colours (7)."""
    (shown, one, two), (a, b, written) = scene, counts
    n = a + b
    less = f"({written} - 1)" if not written.isdigit() else str(a - 1)
    solution.let(
        "multiply", f"Pairs of {one}", "same", f"{written} * {less}", f"{written} * {written}", f"{written} * {b}"
    )
    wrong = (f"same + {b} * {b}", f"same + {b}", f"same - {b} * {b - 1}")
    solution.let("add", f"With the pairs of {two}|Pairs of one colour", "same", f"same + {b} * {b - 1}", *wrong)
    solution.let("multiply", "All pairs", "pairs", "n * (n - 1)", "n * n", "n + n - 1")
    answer = Fraction(a * (a - 1) + b * (b - 1), n * (n - 1))
    wrong = ("Fraction(pairs - same, pairs)", "Fraction(same, n * n)", "Fraction(same, pairs + n)")
    solution.let("probability", "Same colour", "p", "Fraction(same, pairs)", *wrong, needs=_IMPORT)
    asked = "that both have the same colour"
    if level == 6:
        solution.let("subtract", "Different colours|The opposite", "p", "1 - p", "p", "p - p * p")
        answer, asked = 1 - answer, "that they differ in colour"
    lead = draw.pick("Two are drawn without putting back.", "One after the other, two are taken out.")
    return solution.draft(f"{shown} {lead} What is the probability {asked}?", answer, "p")
