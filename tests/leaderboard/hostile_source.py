"""A scripted engine whose steps, code and answers try to become part of the page that shows them."""

from __future__ import annotations

import random

MARKUP = "<img src=x onerror=\"document.title='owned'\">"
SCRIPT = "</script><script>document.title='owned'</script>"
LINK = "javascript:document.title='owned'"
LONG = "x" * 1_000_000
_STEPS = (
    f"<code>\n# {MARKUP} first\ntotal = 1\n<end_of_step>",
    f"<code>\n# {SCRIPT}\ntotal = 2\n<end_of_step>",
    f"<code>\n# {LONG}\ntotal = 3\n<end_of_step>",
    "<code>\n# fails\ntotal = unknown\n<end_of_step>",
    "<code>\n# never ends",
)
_ANSWERS = (MARKUP, SCRIPT, r"\href{" + LINK + "}{2}", "__proto__", "3")


def candidates(question: str, partial_solution: str, n: int, seed: int) -> list[str]:
    """A step, a print, an answer; the question's length and the seed decide which."""
    rng = random.Random(f"{len(question)}|{len(partial_solution)}|{seed}")
    if "<end_of_code>" in partial_solution:
        return [f"\n<answer>It is \\boxed{{{_ANSWERS[(seed + place) % 5]}}}.<end_of_answer>" for place in range(n)]
    if "<end_of_step>" in partial_solution:
        return [f"\n# Print {rng.randrange(9)}\nprint(total)\n<end_of_code>" for _ in range(n)]
    return [_STEPS[place % len(_STEPS)] for place in range(n)]


def score(question: str, partial_solution: str) -> float:
    """Any value, the same for the same text; the worst answers look best."""
    for place, text in enumerate((MARKUP, SCRIPT, LINK)):
        if "\\boxed{" in partial_solution and text in partial_solution.rpartition("\\boxed{")[2]:
            return 0.9 - place / 10
    return random.Random(f"{len(question)}|{partial_solution[-80:]}").uniform(-1, 1)


def count_tokens(text: str) -> int:
    """Words."""
    return len(text.split())
