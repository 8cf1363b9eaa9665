"""Questions out of lm-evaluation-harness's documents, and replies that its math tasks can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rstar.prompts import solution_text
from rstar.types import SearchResult

QUESTION_FIELDS = ("question", "problem", "Question", "Problem", "query", "prompt")
"""Where the math tasks of lm-eval 0.4.13 keep the bare question (gsm8k, minerva_math, hendrycks_math, aime, ...)."""


def question_of(doc: Mapping[str, Any], prompt: str) -> str:
    """The bare question of a document; the prompt that lm-eval made where it has none."""
    for name in QUESTION_FIELDS:
        value = doc.get(name)
        if isinstance(value, str) and value.strip():
            return value
    return prompt


def reply_of(result: SearchResult, answer: str | None, *, with_solution: bool = False) -> str:
    """What a task's extraction is given; without an answer the best-judged solution as it stands, or nothing.

    The answer stands in the forms that the extractions of lm-eval 0.4.13 look for: "Final Answer: The final answer is
    $...$. I hope it is correct." (minerva_math; hendrycks_math reads between the first and the last $), "The answer is"
    (chain-of-thought tasks), `\\boxed{}` (ours, aime), and "#### " (gsm8k). A solution before it may hold a $ itself,
    so it is left out unless it is asked for.
    """
    solution = _solution(result, answer) if with_solution else ""
    if answer is None:
        return solution
    closing = (
        f"Final Answer: The final answer is ${answer}$. I hope it is correct.\n"
        f"The answer is {answer}.\n\\boxed{{{answer}}}\n#### {answer}"
    )
    return f"{solution}\n{closing}" if solution else closing


def _solution(result: SearchResult, answer: str | None) -> str:
    """The best-judged solution with that answer."""
    fitting = [place for place, each in enumerate(result.trajectories) if each.answer == answer]
    places = fitting or range(len(result.trajectories))
    return solution_text(result.trajectories[max(places, key=lambda place: result.values[place])])
