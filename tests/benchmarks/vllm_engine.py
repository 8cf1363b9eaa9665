"""Search on vLLM: beside plain generation, beside the same trees in lockstep, and the share of its prefix cache.

`search`    MCTS over the package's own models on procedural problems, programs and PPM on, all problems in flight at
            once. The prompts and the lengths of everything that it generated are then given to `LLM.generate`, all at
            once, in a process of its own.
`lockstep`  trees whose steps have lengths from a log-normal distribution, grown freely with a number of problems in
            flight, and then again in lockstep, as the released solver does with a batch of that many: the next step of
            every problem of a batch is asked for together, all wait for the longest, and the next batch waits for the
            deepest. Lengths and prompts are functions of the place in the tree, so the trees are the same. On a GPU
            a step of the engine takes about as long for one sequence as for all, so the ratio of steps is shown too.
`cache`     prompt tokens of a search of 32 problems and 12 rollouts that the prefix cache held.

Wall times mean little on a machine that does other things too, so tokens per CPU-second of the engine's process are
shown beside tokens per second, and how much of a core that process got.

    make bench-vllm
    .venv-vllm/bin/python tests/benchmarks/vllm_engine.py --only search --problems 64 --json /tmp/vllm.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import rstar
from rstar.engines.vllm import VllmPolicy, last, together
from rstar.engines.vllm_admission import Prompt
from rstar.engines.vllm_settings import Load, engine_arguments, environment
from rstar.interpreter import SandboxInterpreter
from rstar.reward.vllm_ppm import VllmPPM
from rstar.search.mcts import MctsConfig, mcts
from rstar.seeds import generator
from rstar.types import Proposal, SearchResult, Trajectory
from tasks.catalog import load_task

MODELS = Path(rstar.__file__).parent / "models" / "tiny"
KV_BYTES = 256 << 20
MAX_NEW_TOKENS, CONTEXT = 128, 1024
Request = tuple[list[int], int]
"""Prompt, and how many tokens were generated after it."""
MEAN_TOKENS, SPREAD, LONGEST = 30, 1.0, 400
"""Lengths of `lockstep`: mean, standard deviation of the logarithm, cap. Chosen: a few are ten times the usual."""


@dataclass(slots=True)
class Recording:
    """A policy that keeps what it was asked for and what came of it."""

    policy: VllmPolicy
    requests: list[Request] = field(default_factory=list)

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        """The policy's proposal."""
        proposal = await self.policy.propose(prefix, num_candidates, seed, temperature)
        prompt = list(self.policy.prompts.of(prefix))
        self.requests += [(prompt, each.num_tokens) for each in proposal.candidates if each.num_tokens]
        return proposal


def cpu_seconds(pids: Sequence[int]) -> float:
    """Time that processes have had on a core so far."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


@dataclass(slots=True)
class Clock:
    """Wall seconds of a block, and CPU seconds of processes in it."""

    pids: Sequence[int]
    wall: float = 0.0
    cpu: float = 0.0

    def __enter__(self) -> Self:
        self.wall, self.cpu = time.perf_counter(), cpu_seconds(self.pids)
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self.wall, cpu_seconds(self.pids) - self.cpu


async def searches(policy: Any, reward: Any, interpreter: Any, problems: int, config: MctsConfig) -> list[SearchResult]:
    """All problems at once."""
    chosen = load_task("procedural", "eval").problems
    picked = [chosen[number * len(chosen) // problems] for number in range(problems)]
    return await asyncio.gather(*(mcts(each, policy, reward, interpreter, config, 0) for each in picked))


def bench_search(
    policy: VllmPolicy, reward: VllmPPM, interpreter: Any, arguments: argparse.Namespace
) -> dict[str, float]:
    """Tokens per second of a search, and of plain generation of the same."""
    recording = Recording(policy)
    config = MctsConfig(budget=arguments.rollouts, num_candidates=arguments.candidates)
    before = policy.core.counts.generated_tokens
    with Clock(policy.core.pids) as clock:
        asyncio.run(searches(recording, reward, interpreter, arguments.problems, config))
    tokens = policy.core.counts.generated_tokens - before
    plain = plain_generation(recording.requests)
    figures = {
        "tokens": tokens,
        "requests": len(recording.requests),
        "search_tokens_per_s": tokens / clock.wall,
        "search_tokens_per_cpu_s": tokens / clock.cpu,
        "search_core_share": clock.cpu / clock.wall,
        "mean_running": policy.core.counts.for_json()["mean_running"],
        "preemptions": policy.core.counts.preemptions,
        **plain,
    }
    figures["ratio"] = figures["search_tokens_per_s"] / figures["plain_tokens_per_s"]
    figures["cpu_ratio"] = figures["search_tokens_per_cpu_s"] / figures["plain_tokens_per_cpu_s"]
    return figures


def plain_generation(requests: list[Request]) -> dict[str, float]:
    """The same prompts and lengths through `LLM.generate`, all at once, in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.json"
        path.write_text(json.dumps(requests))
        command = [sys.executable, __file__, "--plain", str(path)]
        # Set before torch starts its threads: one, as for the engine of the search.
        variables = {**os.environ, **environment("cpu", "cpu", 1, os.environ)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        sys.exit(f"plain generation failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(lines[-1])
    return found


def plain_worker(path: Path) -> None:
    """What runs in that process: one `LLM.generate` over everything, its engine in the process itself."""
    requests: list[Request] = json.loads(path.read_text())
    from vllm import LLM, SamplingParams

    load = Load(
        folder=str(MODELS / "policy"), use="policy", platform="cpu", dtype="float32", max_context_tokens=CONTEXT,
        max_samples=256, kv_bytes=KV_BYTES, memory_share=0.9,
    )  # fmt: skip
    engine = LLM(**engine_arguments(load))
    prompts: Any = [{"prompt_token_ids": prompt} for prompt, _ in requests]
    params = [SamplingParams(max_tokens=length, ignore_eos=True, detokenize=False) for _, length in requests]
    engine.generate(prompts[:4], params[:4], use_tqdm=False)
    engine.reset_prefix_cache()
    with Clock([os.getpid()]) as clock:
        outputs = engine.generate(prompts, params, use_tqdm=False)
    tokens = sum(len(each.outputs[0].token_ids) for each in outputs)
    print(
        json.dumps(
            {
                "plain_tokens_per_s": tokens / clock.wall,
                "plain_tokens_per_cpu_s": tokens / clock.cpu,
                "plain_core_share": clock.cpu / clock.wall,
            }
        ),
        flush=True,
    )


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


def length_at(address: tuple[int, ...]) -> int:
    """The length of the step at a place of a tree."""
    draw: random.Random = generator(0, "length", *address)
    drawn = draw.lognormvariate(0, SPREAD) * MEAN_TOKENS / 2.718281828 ** (SPREAD**2 / 2)
    return max(1, min(LONGEST, round(drawn)))


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
        lengths = [length_at((*address, child)) for child in range(arguments.samples)]
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


def bench_cache(
    policy: VllmPolicy, reward: VllmPPM, interpreter: Any, arguments: argparse.Namespace
) -> dict[str, float]:
    """Shares of prompt tokens from the prefix caches, by the engines' own counts and by request."""
    config = MctsConfig(budget=arguments.cache_rollouts, num_candidates=arguments.candidates)
    counts, judged = policy.core.counts, reward.core.counts
    known = [(each.prompt_tokens, each.cached_tokens) for each in (counts, judged)]
    results = asyncio.run(searches(policy, reward, interpreter, arguments.cache_problems, config))
    usage = [each.usage_at[-1] for each in results]
    shares = [
        (each.cached_tokens - cached) / (each.prompt_tokens - prompt)
        for each, (prompt, cached) in zip((counts, judged), known, strict=True)
    ]
    return {
        "policy_share": shares[0],
        "ppm_share": shares[1],
        "policy_share_by_request": sum(each.cached_tokens for each in usage)
        / sum(each.prompt_tokens for each in usage),
        "prompt_tokens_of_a_request": sum(e.prompt_tokens for e in usage) / sum(e.requests for e in usage),
        "preemptions": counts.preemptions,
    }


def main() -> None:
    """Print the figures, and write them as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("search", "lockstep", "cache"), help="leave the others out")
    parser.add_argument("--problems", type=int, default=64, help="search: in flight")
    parser.add_argument("--rollouts", type=int, default=1, help="search: of each problem")
    parser.add_argument("--candidates", type=int, default=8, help="search, cache: at each step")
    parser.add_argument("--trees", type=int, default=48, help="lockstep: problems")
    parser.add_argument("--in-flight", type=int, default=16, help="lockstep: problems at a time")
    parser.add_argument("--tree-rollouts", type=int, default=1, help="lockstep: of each problem")
    parser.add_argument("--depth", type=int, default=5, help="lockstep: most steps of a solution")
    parser.add_argument("--samples", type=int, default=4, help="lockstep: at each step")
    parser.add_argument("--cache-problems", type=int, default=32)
    parser.add_argument("--cache-rollouts", type=int, default=12)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--plain", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plain:
        plain_worker(arguments.plain)
        return
    figures: dict[str, dict[str, float]] = {}
    wanted = [name for name in ("lockstep", "search", "cache") if arguments.only in (None, name)]
    with VllmPolicy.load(
        MODELS / "policy", device="cpu", max_new_tokens=MAX_NEW_TOKENS, max_context_tokens=CONTEXT, kv_bytes=KV_BYTES
    ) as policy:
        if "lockstep" in wanted:
            figures["lockstep"] = bench_lockstep(policy, arguments)
            show("lockstep", figures["lockstep"])
        if wanted != ["lockstep"]:
            with (
                VllmPPM.load(MODELS / "ppm", device="cpu", max_context_tokens=CONTEXT, kv_bytes=KV_BYTES) as reward,
                SandboxInterpreter() as interpreter,
            ):
                for name, bench in (("search", bench_search), ("cache", bench_cache)):
                    if name in wanted:
                        figures[name] = bench(policy, reward, interpreter, arguments)
                        show(name, figures[name])
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def show(name: str, figures: dict[str, float]) -> None:
    """One figure a line."""
    print(name)
    for label, value in figures.items():
        print(f"  {label:28}{value:,.3f}", flush=True)


if __name__ == "__main__":
    main()
