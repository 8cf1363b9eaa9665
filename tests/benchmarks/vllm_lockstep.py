"""The same trees grown freely on vLLM, and in lockstep as the released solver grows them.

Steps have lengths from a log-normal distribution. Grown freely, a number of problems is in flight and a new one begins
when one ends. In lockstep the next step of every problem of a batch of that many is asked for together, all wait for
the longest, and the next batch waits for the deepest. Lengths and prompts are functions of the place in the tree, so
the trees are the same.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from vllm_clock import Clock

from rstar.engines.vllm import VllmPolicy, last, together
from rstar.engines.vllm_admission import Prompt
from rstar.seeds import generator

CONTEXT = 2048
MEAN_TOKENS = 30
"""Of a step. The cap, `--longest`, is 27 times that, about what the released configuration's 2,048 tokens are to steps
of 75. One in 130 is ten times the mean with a `--spread` of 1.3, one in 400 with 1.0. Chosen."""
Grow = Callable[[list[int], tuple[int, ...]], Awaitable[list[list[int]]]]
"""(prompt, address) to the steps written there."""


async def tree(number: int, depth: int, rollouts: int, grow: Grow) -> None:
    """One problem: `rollouts` ways down from the question; a node's children are written when it is first reached."""
    draw = generator(0, "question", number)
    root = [draw.randrange(12, 900) for _ in range(draw.randint(40, 90))]
    known: dict[tuple[int, ...], list[list[int]]] = {}
    for rollout in range(rollouts):
        address: tuple[int, ...] = (number,)
        tokens, walk = list(root), generator(0, "walk", number, rollout)
        # Solutions end at depths of their own.
        for _ in range(walk.randint(max(1, depth - 2), depth)):
            if address not in known:
                known[address] = await grow(tokens, address)
            child = walk.randrange(len(known[address]))
            tokens, address = tokens + known[address][child], (*address, child)


def length_at(address: tuple[int, ...], spread: float, longest: int) -> int:
    """The length of the step at a place of a tree; `spread` is the standard deviation of its logarithm."""
    draw: random.Random = generator(0, "length", *address)
    drawn = draw.lognormvariate(0, spread) * MEAN_TOKENS / math.exp(spread**2 / 2)
    return max(1, min(longest, round(drawn)))


class Lockstep:
    """Holds every problem's request until all have one, sends them together, and answers none before all are done."""

    def __init__(self, grow: Grow, num_active: int) -> None:
        self.grow, self.num_active = grow, num_active
        self.waiting: list[tuple[list[int], tuple[int, ...], asyncio.Future[list[list[int]]]]] = []
        self.num_rounds = 0
        self._rounds: set[asyncio.Task[None]] = set()

    async def __call__(self, prompt: list[int], address: tuple[int, ...]) -> list[list[int]]:
        """What `grow` says, at the end of the round."""
        answer: asyncio.Future[list[list[int]]] = asyncio.get_running_loop().create_future()
        self.waiting.append((prompt, address, answer))
        self._begin_if_all_wait()
        return await answer

    def leave(self) -> None:
        """A problem is done."""
        self.num_active -= 1
        self._begin_if_all_wait()

    def _begin_if_all_wait(self) -> None:
        if self.waiting and len(self.waiting) == self.num_active:
            batch, self.waiting = self.waiting, []
            self.num_rounds += 1
            task = asyncio.get_running_loop().create_task(self._round(batch))
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)

    async def _round(self, batch: list[tuple[list[int], tuple[int, ...], asyncio.Future[list[list[int]]]]]) -> None:
        steps = await asyncio.gather(*(self.grow(prompt, address) for prompt, address, _ in batch))
        for (_, _, answer), found in zip(batch, steps, strict=True):
            answer.set_result(found)


def bench_lockstep(policy: VllmPolicy, arguments: argparse.Namespace) -> dict[str, float]:
    """Wall seconds of the same trees, grown freely and in lockstep, after one small tree that warms up."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    core, written = policy.core, [0]

    async def grow(prompt: list[int], address: tuple[int, ...]) -> list[list[int]]:
        lengths = [
            length_at((*address, child), arguments.spread, arguments.longest) for child in range(arguments.samples)
        ]
        room, shared = CONTEXT - 1 - len(prompt), Prompt(len(prompt))
        written[0] += sum(lengths)

        async def one(engine: Any, child: int) -> list[int]:
            params = SamplingParams(
                max_tokens=max(1, min(lengths[child], room)), ignore_eos=True, detokenize=False,
                seed=generator(0, "seed", *address, child).getrandbits(60), output_kind=RequestOutputKind.FINAL_ONLY,
            )  # fmt: skip
            name = ".".join(map(str, (*address, child, time.monotonic_ns())))
            async with core.admission.place(shared):
                output = await last(engine.generate({"type": "token", "prompt_token_ids": prompt}, params, name))
            return list(output.outputs[0].token_ids)

        return await core.ask(lambda engine: together([one(engine, child) for child in range(arguments.samples)]))

    rounds = 0

    async def free() -> None:
        waiting = iter(range(arguments.trees))

        async def solve() -> None:
            for number in waiting:
                await tree(number, arguments.depth, arguments.tree_rollouts, grow)

        await asyncio.gather(*(solve() for _ in range(arguments.in_flight)))

    async def lockstep() -> None:
        nonlocal rounds
        for first in range(0, arguments.trees, arguments.in_flight):
            batch = range(first, min(first + arguments.in_flight, arguments.trees))
            lock = Lockstep(grow, len(batch))

            async def solve(number: int, lock: Lockstep) -> None:
                await tree(number, arguments.depth, arguments.tree_rollouts, lock)
                lock.leave()

            await asyncio.gather(*(solve(number, lock) for number in batch))
            rounds += lock.num_rounds

    figures: dict[str, float] = {}
    asyncio.run(tree(10**6, 1, 1, grow))
    for name, way in (("free", free), ("lockstep", lockstep)):
        written[0], steps = 0, core.counts.steps
        with Clock(core.pids) as clock:
            asyncio.run(way())
        figures |= {f"{name}_s": clock.wall, f"{name}_cpu_s": clock.cpu, f"{name}_core_share": clock.cpu / clock.wall}
        figures |= {f"{name}_engine_steps": core.counts.steps - steps, "tokens": written[0]}
    figures["rounds"] = rounds
    for name in ("s", "cpu_s", "engine_steps"):
        figures[f"ratio_{name}"] = figures[f"lockstep_{name}"] / figures[f"free_{name}"]
    return figures
