"""An engine without a model: three functions. It solves `What is 12 + 30 + 7 + 5?`, sometimes wrongly.

    rstar run --task user:docs/examples/sums/sums.jsonl --engine scripted --policy docs/examples/extend/my_engine.py \
        --preset self-consistency --ppm none --interpreter arithmetic
"""

import random
import re


def candidates(question: str, partial_solution: str, n: int, seed: int) -> list[str]:
    """`n` next steps. They depend on the arguments alone, so that a search can be repeated and resumed."""
    if "<end_of_code>" in partial_solution:
        printed = partial_solution.rpartition("<output>")[2].partition("<end_of_output>")[0]
        return [f"\n<answer>The sum is \\boxed{{{printed}}}.<end_of_answer>"] * n
    rng = random.Random(f"{question}|{partial_solution}|{seed}")
    return [_program(question, rng) for _ in range(n)]


def score(question: str, partial_solution: str) -> float:
    """Value of a partial or finished solution, from -1 to 1. This one knows nothing."""
    return 0.0


def count_tokens(text: str) -> int:
    """Length in tokens, for the ledger."""
    return len(text.split())


def _program(question: str, rng: random.Random) -> str:
    numbers = re.findall(r"\d+", question)
    if rng.random() < 0.4:
        numbers.pop()
    return f"<code>\n# Step 1: add the numbers\nprint({' + '.join(numbers)})\n<end_of_code>"
