"""A small world for synthesis: sums of three numbers by a scripted engine that is often wrong; everything is a function
of its arguments. `RSTAR_TEST_PAUSE` (seconds) makes every request take that long, so that a process can be killed."""

from __future__ import annotations

import json
import os
import random
import re
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

from rstar.engines.arithmetic import Arithmetic
from rstar.engines.scripted import ScriptedInterpreter, ScriptedPolicy, ScriptedReward
from rstar.synthesis.admission import PoolFacts, examine
from rstar.synthesis.pools import Pool, open_pool
from rstar.synthesis.run import Guides, Watched, synthesize
from rstar.synthesis.settings import SynthesisSpec, synthesis_spec
from tasks.types import Grade, Reference

SOURCE = Path(__file__)
PAUSE = float(os.environ.get("RSTAR_TEST_PAUSE", "0"))


def candidates(question: str, partial_solution: str, n: int, seed: int) -> list[str]:
    """`n` next steps; a question that holds `hopeless` is never solved."""
    time.sleep(PAUSE)
    rngs = (random.Random(f"{question}|{partial_solution}|{seed}|{i}") for i in range(n))
    return [_step(rng, question, partial_solution) for rng in rngs]


def score(question: str, partial_solution: str) -> float:
    """Noise."""
    digest = blake2b(f"{question}|{partial_solution}".encode(), digest_size=2).digest()
    return int.from_bytes(digest, "big") / 2**15 - 1


def count_tokens(text: str) -> int:
    """Words."""
    return len(text.split())


def _step(rng: random.Random, question: str, partial: str) -> str:
    numbers = [int(text) for text in re.findall(r"\d+", question)]
    if "<end_of_code>" in partial:
        printed = partial.rsplit("<output>", 1)[1].split("<end_of_output>", maxsplit=1)[0]
        return f"\n<answer>{rng.choice(['It is', 'The sum is'])} \\boxed{{{printed}}}.<end_of_answer>"
    place = partial.count("<end_of_step>")
    if place == len(numbers):
        return "\n# Now print it\nprint(total)\n<end_of_code>"
    wrong = "hopeless" in question or rng.random() < 0.3
    number = numbers[place] + (rng.choice([1, 2, 10]) if wrong else 0)
    before = "unknown" if rng.random() < 0.08 else "total" if place else "0"
    words = rng.choice(["Take the next number", "Add the number that follows, in the order of the text"])
    return f"{'' if place else '<code>'}\n# Step {place + 1}: {words}\ntotal = {before} + {number}\n<end_of_step>"


def write_pool(path: Path, count: int, *, hopeless: int = 0, **more: Any) -> Path:
    """A pool of `count` sums, the first `hopeless` of which nobody solves."""
    rng = random.Random(0)
    rows = []
    for number in range(count):
        terms = [rng.randrange(2, 99) for _ in range(3)]
        words = "hopeless " if number < hopeless else ""
        row = {"id": f"p{number}", "question": f"What is the {words}sum {terms[0]} + {terms[1]} + {terms[2]}?"}
        rows.append(row | {"answer": str(sum(terms)), "level": str(1 + number % 2)} | more)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def exact(answer: str | None, reference: Reference) -> Grade:
    """Right where the text is the same."""
    return Grade("correct" if answer == reference else "incorrect", answer, reference)


class _Module:
    """This module as a `StepSource`."""

    candidates = staticmethod(candidates)
    score = staticmethod(score)
    count_tokens = staticmethod(count_tokens)


def guides(*, has_ppm: bool = False) -> Guides:
    """The engines of the world."""
    source = _Module()
    ppm = ScriptedReward(source) if has_ppm else None
    return Guides(ScriptedPolicy(source), ScriptedInterpreter(Arithmetic()), ppm, exact)


def spec(*, has_ppm: bool = False, **changes: Any) -> SynthesisSpec:
    """A small synthesis: 6 rollouts, 4 candidates, 4 problems per shard."""
    settings = {"overrides": {"budget": 6, "num_candidates": 4}, "shard_problems": 4} | changes
    return synthesis_spec("tiny", has_ppm=has_ppm, **settings)


def opened(path: Path) -> tuple[Pool, PoolFacts]:
    """A pool that was examined, without a look for test questions."""
    pool = open_pool(str(path))
    return pool, examine(pool, None)


def synthesized(path: Path, out: Path, **changes: Any) -> Watched:
    """A small synthesis of the pool at `path`, done."""
    has_ppm = changes.pop("has_ppm", False)
    concurrency = changes.pop("concurrency", 3)
    pool, facts = opened(path)
    how = spec(has_ppm=has_ppm, **changes)
    return synthesize(pool, facts, guides(has_ppm=has_ppm), how, out, concurrency=concurrency)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a finished synthesis."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
