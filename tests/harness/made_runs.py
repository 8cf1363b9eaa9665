"""Run folders made of invented records, for reports that need many runs, problems or trajectories at once.

Trajectories are drawn: each is right with a chance of its problem's own, and its value knows that with noise. Nothing
is searched or graded, so a folder of 500 problems x 64 trajectories is made in a second.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records import COUNTERS, JudgedAnswer, ProblemRecord, Timing, encode
from harness.run_folder import RECORDS, RunRecord
from harness.run_inputs import RunInputs
from harness.spec_fields import make_spec

SOURCE = Path(__file__).with_name("noisy_source.py")
BUDGETS = (1, 2, 4, 8, 16, 32, 64)
TOKENS = 400
"""Tokens written for a trajectory of cost 1."""
DEVICE = "invented device"


@dataclass(frozen=True, slots=True)
class Invented:
    """How good and how costly an invented method is."""

    skill: float = 0.45
    """Mean chance of a trajectory to be right."""
    judgement: float = 0.6
    """How much of a value is knowledge and not noise, 0 to 1."""
    cost: float = 1.0
    num_recorded: int | None = None
    """Problems with a record; None: all."""
    seconds: float | None = 1000.0
    """Of the session; None: it was killed."""


def make_run(
    out: Path, num_problems: int = 30, how: Invented | None = None, inputs: dict[str, str] | None = None, **fields: Any
) -> Path:
    """The folder of an invented run with these fields of a spec."""
    how = how or Invented()
    spec = make_spec(
        {
            "task": "aime2024", "engine": "scripted", "policy": str(SOURCE), "interpreter": "arithmetic",
            "preset": "tiny", "budgets": list(BUDGETS), **fields,
        }
    )  # fmt: skip
    hashes = {"task_version": "1", "task_sha256": "a" * 64, "policy_sha256": "b" * 64, "ppm_sha256": "c" * 64}
    made = RunInputs(**(hashes | {"grader_version": "1"} | (inputs or {})))
    name = spec.task.rpartition("/")[2].removeprefix("user:").removesuffix(".jsonl")
    recorded = num_problems if how.num_recorded is None else how.num_recorded
    status: Any = "complete" if recorded == num_problems else "unfinished"
    record = RunRecord(spec, made, name, num_problems, num_problems, status, (_session(how),))
    folder = record.folder(out)
    folder.mkdir(parents=True)
    record.write(folder)
    lines = [
        encode(_record(name, number, seed, how, spec.rules, spec.budgets))
        for seed in spec.seeds
        for number in range(recorded)
    ]
    (folder / RECORDS).write_bytes(b"".join(lines))
    return folder


def _session(how: Invented) -> dict[str, Any]:
    return {
        "started": "2026-01-01T00:00:00+00:00", "seconds": how.seconds, "commit": "0" * 40, "is_dirty": False,
        "device": DEVICE, "sandbox": "not used",
    }  # fmt: skip


def _record(
    task: str, number: int, seed: int, how: Invented, rules: Sequence[str], budgets: Sequence[int]
) -> ProblemRecord:
    name = f"{task}/p{number}"
    # Problems are as hard for every method; what a method does with them is its own.
    chance = min(0.98, random.Random(name).betavariate(2 * how.skill, 2 * (1 - how.skill)))
    rng = random.Random(f"{name}|{seed}|{how}")
    answers = tuple(JudgedAnswer(f"answer {each}", each, "incorrect" if each else "correct", "") for each in range(6))
    answer_of: list[int | None] = []
    values = []
    for _ in range(budgets[-1]):
        draw = rng.random()
        found = 0 if draw < chance else None if draw > 0.97 else 1 + int(4 * rng.random() ** 2)
        answer_of.append(found)
        knowledge = 0.5 if found == 0 else -0.5
        noise = rng.uniform(-1, 1)
        values.append(-1.0 if found is None else how.judgement * knowledge + (1 - how.judgement) * noise)
    steps = range(1, budgets[-1] + 1)
    return ProblemRecord(
        name,
        seed,
        budget=budgets[-1],
        answers=answers,
        answer_of=tuple(answer_of),
        values=tuple(values),
        endings=tuple("answered" if each is not None else "truncated" for each in answer_of),
        usage={counter: tuple(round(each * TOKENS * how.cost * _SHARES.get(counter, 0.1)) for each in steps)
               for counter in COUNTERS},
        chosen={rule: tuple(_choice(rule, answer_of[:budget], values) for budget in budgets) for rule in rules},
        grader_version="1",
        timing=Timing(
            tuple(0.8 * how.cost * each for each in steps), tuple(how.cost * each for each in steps), 0.1,
            f"2026-01-01T00:{number % 60:02d}:00+00:00",
        ),
    )  # fmt: skip


_SHARES = {"completion_tokens": 1.0, "prompt_tokens": 3.0, "cached_tokens": 2.5, "reward_tokens": 2.0,
           "cached_reward_tokens": 1.5}  # fmt: skip
"""Of the tokens written, so that policy and PPM compute 1.5 and 0.5 tokens for each of them."""


def _choice(rule: str, answer_of: Sequence[int | None], values: Sequence[float]) -> int | None:
    found = [(each, value) for each, value in zip(answer_of, values, strict=False) if each is not None]
    if not found:
        return None
    if rule == "best":
        return max(found, key=lambda each: each[1])[0]
    if rule == "top_k":
        found = sorted(found, key=lambda each: -each[1])[:4]
    votes: Counter[int] = Counter()
    for each, value in found:
        votes[each] += (value + 1) / 2 if rule == "weighted" else 1  # type: ignore[assignment]
    return max(votes, key=lambda each: votes[each])
