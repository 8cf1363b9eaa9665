"""A small world for searches: write two digits, print the number, say it. Everything is a function of its arguments."""

from __future__ import annotations

import random
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from rstar.engines.arithmetic import Arithmetic
from rstar.engines.scripted import ScriptedInterpreter, ScriptedPolicy, ScriptedReward
from rstar.prompts import END_CODE, END_OUTPUT, OUTPUT
from rstar.search.presets import METHODS, method_config
from rstar.types import SearchResult
from tasks.types import Problem

PROBLEM = Problem("digits/1", "Which number of two digits is meant?")


@dataclass(frozen=True)
class Digits:
    """A `StepSource`: about one step in eight fails, and every value is noise that depends on the text alone."""

    num_digits: int = 4
    failures: float = 0.125

    def candidates(self, question: str, partial_solution: str, n: int, seed: int) -> list[str]:
        return [
            self._one(random.Random(f"{question}|{partial_solution}|{seed}|{i}"), partial_solution) for i in range(n)
        ]

    def _one(self, rng: random.Random, partial: str) -> str:
        if END_CODE in partial:
            number = partial.rsplit(OUTPUT, 1)[1].split(END_OUTPUT, maxsplit=1)[0]
            return f"\n<answer>{rng.choice(['It is', 'The number is'])} \\boxed{{{number}}}.<end_of_answer>"
        place = partial.count("<end_of_step>")
        if place == 2:
            return "\n\n# Now print it\nprint(10 * d0 + d1)\n<end_of_code>"
        value = "unknown" if rng.random() < self.failures else str(rng.randrange(self.num_digits))
        return f"{'' if partial else '<code>'}\n# Digit {place}\nd{place} = {value}\n<end_of_step>"

    def score(self, question: str, partial_solution: str) -> float:
        digest = blake2b(f"{question}|{partial_solution}".encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big") / 2**31 * 0.9 - 0.9

    def count_tokens(self, text: str) -> int:
        return len(text.split())


@dataclass(frozen=True, init=False)
class Fixed:
    """A `StepSource` that gives the same texts everywhere; the value is the number in the box, 0.5 without one."""

    texts: tuple[str, ...]

    def __init__(self, *texts: str) -> None:
        object.__setattr__(self, "texts", texts)

    def candidates(self, question: str, partial_solution: str, n: int, seed: int) -> list[str]:  # noqa: ARG002
        return [self.texts[i % len(self.texts)] for i in range(n)]

    def score(self, question: str, partial_solution: str) -> float:  # noqa: ARG002
        _, box, rest = partial_solution.rpartition("boxed{")
        return float(rest.split("}", maxsplit=1)[0]) if box else 0.5

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def answer(value: float, words: str = "It is") -> str:
    """An answer step that is worth `value` to `Fixed`."""
    return f"<answer>{words} \\boxed{{{value}}}.<end_of_answer>"


def engines(source: Any | None = None) -> tuple[ScriptedPolicy, ScriptedReward, ScriptedInterpreter]:
    """Policy, reward and interpreter of the world."""
    source = source or Digits()
    return ScriptedPolicy(source), ScriptedReward(source), ScriptedInterpreter(Arithmetic())


def frozen_clock() -> float:
    """A clock that stands still, so that costs of equal searches are equal."""
    return 0.0


def same_text(answers: Any) -> list[int]:
    """Equivalence classes where equal means equal text."""
    texts = list(dict.fromkeys(answers))
    return [texts.index(answer) for answer in answers]


async def search(
    method: str, settings: dict[str, Any], engine: Any = None, problem: Problem = PROBLEM, seed: int = 0
) -> SearchResult:
    """One search of the world by a method's name and settings."""
    policy, reward, interpreter = engine or engines()
    config = method_config(method, settings)
    return await METHODS[method].search(
        problem, policy, reward, interpreter, config, seed, clock=frozen_clock, classes=same_text
    )


def outline(result: SearchResult) -> list[Any]:
    """All of a result that can be compared: trajectories, values, costs, and every node of every tree."""
    nodes = [
        (tree, node.address(), node.trajectory, node.visit_count, node.value_sum, node.is_closed)
        for tree, root in enumerate(result.trees)
        for node in root.walk()
    ]
    return [result.trajectories, result.values, result.usage_at, result.stop, result.num_duplicates, nodes]
