"""A scripted engine for sums of four numbers that is often wrong, in its steps and in its judgement of them.

Questions read `What is 12 + 30 + 7 + 5?`. A step adds one number, and goes wrong with a chance that depends on the
question; the reward knows the right sum and says so with noise. `RSTAR_TEST_PAUSE` (seconds) makes every request take
that long, so that a process can be killed between any two.
"""

from __future__ import annotations

import os
import random
import re
import time
from hashlib import blake2b

PAUSE_SECONDS = float(os.environ.get("RSTAR_TEST_PAUSE", "0"))


def candidates(question: str, partial_solution: str, n: int, seed: int) -> list[str]:
    """`n` next steps, one in twelve of them with an error in its code."""
    _pause()
    return [
        _one(random.Random(f"{question}|{partial_solution}|{seed}|{i}"), question, partial_solution) for i in range(n)
    ]


def score(question: str, partial_solution: str) -> float:
    """Higher where the sum so far is right, with noise of about the same size."""
    _pause()
    numbers = _numbers(question)
    written = [int(text) for text in re.findall(r"\+ (-?\d+)\n", partial_solution)]
    is_right = written == numbers[: len(written)]
    return max(-1.0, min(1.0, (0.25 if is_right else -0.25) + 0.6 * (2 * _share(question, partial_solution) - 1)))


def count_tokens(text: str) -> int:
    """Words."""
    return len(text.split())


def difficulty(question: str) -> float:
    """Chance of a wrong step, 0.05 to 0.45, by question."""
    return 0.05 + 0.4 * _share(question)


def _pause() -> None:
    # A sleep of 0 gives the core away, which on a busy machine is a long sleep.
    if PAUSE_SECONDS:
        time.sleep(PAUSE_SECONDS)


def _one(rng: random.Random, question: str, partial: str) -> str:
    numbers = _numbers(question)
    if "<end_of_code>" in partial:
        printed = partial.rsplit("<output>", 1)[1].split("<end_of_output>", maxsplit=1)[0]
        if rng.random() < 0.05:
            return "\n<answer>I cannot tell.<end_of_answer>"
        return f"\n<answer>{rng.choice(['The sum is', 'It is'])} \\boxed{{{printed}}}.<end_of_answer>"
    place = partial.count("<end_of_step>")
    if place == len(numbers):
        return "\n# Now print it\nprint(total)\n<end_of_code>"
    wrong = rng.random() < difficulty(question)
    number = numbers[place] + (rng.choice([-10, -1, 1, 2, 10]) if wrong else 0)
    before = "total" if place else "0"
    if rng.random() < 1 / 12:
        before = "unknown"
    return f"{'' if place else '<code>'}\n# Step {place + 1}\ntotal = {before} + {number}\n<end_of_step>"


def _numbers(question: str) -> list[int]:
    return [int(text) for text in re.findall(r"\d+", question)]


def _share(*parts: str) -> float:
    """A number from 0 to 1 that depends on the text alone."""
    return int.from_bytes(blake2b("|".join(parts).encode(), digest_size=4).digest(), "big") / 2**32
