"""Solutions of many problems by search, and their file: one line per finished trajectory, with its label."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rstar.prompts import solution_text
from rstar.protocols import Interpreter, Policy, RewardModel
from rstar.search.config import SearchConfig
from rstar.search.sampling import sample
from rstar.types import Scores, SearchResult, Trajectory
from tasks.types import Problem, Reference

IsRight = Callable[[str | None, Reference], bool]
"""Whether an answer means the reference."""


@dataclass(frozen=True, slots=True)
class NoReward:
    """A reward model for searches that need none: every value is 0."""

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """Zeros."""
        return Scores((0.0,) * len(trajectories), 0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class Rollout:
    """One finished trajectory of a problem, and how often it was drawn."""

    id: str
    """The problem's id."""
    question: str
    steps: tuple[str, ...]
    """Texts of the steps as the policy reads them later, outputs included; joined they are the solution."""
    answer: str | None
    """None where it ended without one."""
    is_correct: bool
    count: int = 1
    """How many of the search's trajectories were the same."""

    @property
    def solution(self) -> str:
        """The whole text."""
        return "".join(self.steps)

    @property
    def path(self) -> tuple[str, ...]:
        """What each step does, its comments left out: rollouts with equal paths so far are at the same node."""
        return tuple(_without_comments(step) for step in self.steps)


async def rollouts_of(
    problems: Sequence[Problem],
    policy: Policy,
    interpreter: Interpreter,
    config: SearchConfig,
    seed: int,
    *,
    reward: RewardModel | None = None,
    at_once: int = 64,
    on_result: Callable[[SearchResult], None] | None = None,
) -> list[SearchResult]:
    """`config.budget` sampled trajectories of each problem, in the order of `problems`; `at_once` of them in flight."""
    gate = asyncio.Semaphore(at_once)
    judge: RewardModel = NoReward() if reward is None else reward

    async def one(problem: Problem) -> SearchResult:
        async with gate:
            result = await sample(problem, policy, judge, interpreter, config, seed)
        if on_result is not None:
            on_result(result)
        return result

    return list(await asyncio.gather(*map(one, problems)))


def labelled(result: SearchResult, reference: Reference, is_right: IsRight) -> list[Rollout]:
    """The different trajectories of a result with their labels, in order of first appearance.

    One that ended without an answer is wrong, and is kept: what leads there is worth knowing.
    """
    from rstar.prompts import step_text

    found: dict[str, Rollout] = {}
    for trajectory in result.trajectories:
        text = solution_text(trajectory)
        if text in found:
            known = found[text]
            found[text] = Rollout(
                known.id, known.question, known.steps, known.answer, known.is_correct, known.count + 1
            )
            continue
        found[text] = Rollout(
            result.problem_id,
            trajectory.problem.question,
            tuple(step_text(step) for step in trajectory.steps),
            trajectory.answer,
            trajectory.answer is not None and is_right(trajectory.answer, reference),
        )
    return list(found.values())


def _without_comments(step: str) -> str:
    return "\n".join(line for line in step.split("\n") if not line.lstrip().startswith("#"))


def write_rollouts(path: Path, rollouts: Iterable[Rollout]) -> int:
    """Write one JSON object per line, replacing the file only when all are written; returns their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, count = path.with_suffix(".partial"), 0
    with partial.open("w", encoding="utf-8") as file:
        for each in rollouts:
            row = {name: getattr(each, name) for name in ("id", "question", "steps", "answer", "is_correct", "count")}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    partial.replace(path)
    return count


def read_rollouts(path: Path) -> list[Rollout]:
    """The rollouts in a file that `write_rollouts` has written."""
    rows: list[Mapping[str, object]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [_rollout(row) for row in rows]


def _rollout(row: Mapping[str, object]) -> Rollout:
    steps = row["steps"]
    assert isinstance(steps, list)
    answer, count = row["answer"], row["count"]
    assert isinstance(count, int)
    return Rollout(
        str(row["id"]),
        str(row["question"]),
        tuple(map(str, steps)),
        None if answer is None else str(answer),
        bool(row["is_correct"]),
        count,
    )
