"""A problem's result does not depend on its company: workers, order, batch size and speed of the engines."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from digits import engines, outline, search

from rstar.types import Execution, Proposal, Scores, Step, Trajectory
from tasks.types import Problem

PROBLEMS = [Problem(f"digits/{number}", f"Which number is meant in case {number}?") for number in range(8)]
SETTINGS: dict[str, dict[str, Any]] = {
    "mcts": {"budget": 10, "num_candidates": 4},
    "sample": {"budget": 8, "stop": "posterior"},
    "beam": {"budget": 6, "width": 3, "num_candidates": 3},
    "dvts": {"budget": 6},
    "particle": {"budget": 8},
}


class Batching:
    """Engines that answer in batches of any problems' requests, in shuffled order and after random delays."""

    def __init__(self, batch_size: int, order_seed: int) -> None:
        self.policy, self.reward, self.interpreter = engines()
        self.batch_size = batch_size
        self.rng = random.Random(order_seed)
        self.waiting: list[asyncio.Future[None]] = []

    async def turn(self) -> None:
        """Wait until a batch is full, or until nobody else has come for a while."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(mine)
        for _ in range(self.rng.randrange(3)):
            await asyncio.sleep(0)
        if len(self.waiting) < self.batch_size:
            await asyncio.sleep(0.0005)
        batch, self.waiting = self.waiting, []
        self.rng.shuffle(batch)
        for future in batch:
            future.set_result(None)
        await mine

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        await self.turn()
        return await self.policy.propose(prefix, num_candidates, seed, temperature)

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        await self.turn()
        return await self.reward.score(trajectories)

    async def run(self, prefix: Sequence[Step], code: str) -> Execution:
        await self.turn()
        return await self.interpreter.run(prefix, code)


def solve_all(method: str, num_workers: int, batch_size: int, order_seed: int) -> dict[str, Any]:
    """Outline of every problem's result by its id."""
    problems = random.Random(order_seed).sample(PROBLEMS, len(PROBLEMS))

    async def run() -> dict[str, Any]:
        engine, slots = Batching(batch_size, order_seed), asyncio.Semaphore(num_workers)

        async def one(problem: Problem) -> tuple[str, Any]:
            async with slots:
                return problem.id, outline(await search(method, SETTINGS[method], (engine,) * 3, problem))

        return dict(await asyncio.gather(*map(one, problems)))

    return asyncio.run(run())


@pytest.mark.parametrize("method", SETTINGS)
def test_results_do_not_depend_on_workers_order_or_batches(method: str) -> None:
    alone = solve_all(method, num_workers=1, batch_size=1, order_seed=0)
    for num_workers, batch_size, order_seed in [(8, 1, 1), (8, 5, 2), (3, 64, 3)]:
        together = solve_all(method, num_workers, batch_size, order_seed)
        assert together == alone


def test_problems_differ_in_their_randomness() -> None:
    results = solve_all("mcts", 8, 8, 0)
    answers = {tuple(each.answer for each in outline[0]) for outline in results.values()}
    assert len(answers) > 1


@pytest.mark.parametrize("method", SETTINGS)
def test_every_request_has_a_seed_of_its_own(method: str) -> None:
    policy, reward, interpreter = engines()
    seeds: list[int] = []

    class Noting:
        async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float) -> Proposal:
            seeds.append(seed)
            return await policy.propose(prefix, num_candidates, seed, temperature)

    for problem in PROBLEMS[:2]:
        asyncio.run(search(method, SETTINGS[method], (Noting(), reward, interpreter), problem))
    assert len(seeds) > 5
    assert len(set(seeds)) == len(seeds)
