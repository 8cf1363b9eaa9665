"""What a search costs beside its engines: time, memory and tokens of MCTS over a stand-in policy.

The settings are those of the released evaluation: `official` rules, K candidates, R rollouts, one tree a problem, one
policy seed (100003 x seed) for every request. `--interpreter scripted` walks the syntax tree of each program in this
process; `sandbox` runs them for real.

    python tests/benchmarks/search.py --problems 32 --samples 32 --rollouts 12 --seed 0 --json /tmp/search.json
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import itertools
import json
import resource
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from fake_source import DEFAULT_PATH, load_source

from harness.collector import rare_collections
from rstar.engines.arithmetic import Arithmetic
from rstar.engines.scripted import ScriptedInterpreter, ScriptedPolicy, ScriptedReward
from rstar.journal import Journal
from rstar.journaled import JournaledInterpreter, JournaledPolicy, JournaledReward
from rstar.prompts import solution_text
from rstar.protocols import Interpreter
from rstar.search.mcts import MctsConfig, mcts
from rstar.search.tree import Node, dissolve
from rstar.types import Execution, Proposal, Scores, SearchResult, Step, Trajectory
from tasks.types import Problem

OFFICIAL = {32: (27_121, 153.0, 221.0)}
"""Problems to (nodes, CPU seconds, wall seconds) of the released code at 32 x 12, seed 0, on 2 cores (issue 4)."""
POLICY_SEED = 100_003
"""Times the run's seed: the one seed of a released run (shared/data/parity/README.md)."""


@dataclass(slots=True)
class Timed:
    """The engines of one run, with the CPU seconds of this process that were spent inside them."""

    policy: ScriptedPolicy
    reward: ScriptedReward
    interpreter: Interpreter
    engine_seconds: float = 0.0
    program_seconds: float = 0.0

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        """The policy's reply."""
        start = time.process_time()
        reply = await self.policy.propose(prefix, num_candidates, seed, temperature)
        self.engine_seconds += time.process_time() - start
        return reply

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """The reward model's reply."""
        start = time.process_time()
        reply = await self.reward.score(trajectories)
        self.engine_seconds += time.process_time() - start
        return reply

    async def run(self, prefix: Sequence[Step], code: str) -> Execution:
        """The interpreter's reply."""
        start = time.process_time()
        reply = await self.interpreter.run(prefix, code)
        self.program_seconds += time.process_time() - start
        return reply


def engines(source: ModuleType, interpreter: Interpreter, seed: int) -> Timed:
    """Fresh engines over the stand-in policy."""
    return Timed(ScriptedPolicy(source, fixed_seed=POLICY_SEED * seed), ScriptedReward(source), interpreter)


async def search(problem: Problem, timed: Timed, config: MctsConfig, journals: Path | None) -> SearchResult:
    """One problem, behind a journal of its own where `journals` names a folder."""
    if journals is None:
        return await mcts(problem, timed, timed, timed, config, seed=0)
    with Journal(journals / f"{problem.id}.journal", problem.id, "benchmark") as journal:
        policy, reward = JournaledPolicy(timed, journal), JournaledReward(timed, journal)
        interpreter = JournaledInterpreter(timed, journal)
        return await mcts(problem, policy, reward, interpreter, config, seed=0, clock=journal.seconds)


async def search_all(
    problems: Sequence[Problem],
    references: Sequence[str],
    timed: Timed,
    config: MctsConfig,
    arguments: argparse.Namespace,
) -> Counter[str]:
    """All problems, some at a time. As in a run, a result is dropped when what it says has been counted."""
    slots = asyncio.Semaphore(arguments.concurrency)

    async def one(problem: Problem, reference: str) -> Counter[str]:
        async with slots:
            result = await search(problem, timed, config, arguments.journals)
            counted = counts(result, reference)
            for root in result.trees:
                dissolve(root)
            return counted

    return sum(await asyncio.gather(*map(one, problems, references)), Counter())


def counts(result: SearchResult, reference: str) -> Counter[str]:
    """The figures of `shared/bench/README.md` that do not depend on time, for one problem."""
    usage = result.usage_at[-1]
    ends = [node.trajectory for node in tree_nodes(result) if node.trajectory.answer]
    answers = {solution_text(trajectory): trajectory.answer for trajectory in ends}
    return Counter(
        {
            "nodes": sum(1 for _ in tree_nodes(result)) - len(result.trees),
            "code_execs": usage.executions,
            "engine_calls": usage.requests,
            "sequences": usage.candidates,
            "completion_tokens": usage.completion_tokens,
            "prompt_tokens": usage.prompt_tokens,
            "cached_prompt_tokens": usage.cached_tokens,
            "rm_prompts": usage.scored,
            "rm_tokens": usage.reward_tokens,
            "terminals": len(ends),
            "distinct_trajectories": len(answers),
            "distinct_right": sum(answer == reference for answer in answers.values()),
        }
    )


def tree_nodes(result: SearchResult) -> Iterator[Node]:
    """All nodes of a result, roots included."""
    return itertools.chain.from_iterable(root.walk() for root in result.trees)


def bytes_per_node(source: ModuleType, problems: Sequence[Problem], config: MctsConfig, seed: int) -> float:
    """Memory that the results of a few problems hold, trees included, over their nodes; engines' caches not counted."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    timed = engines(source, ScriptedInterpreter(Arithmetic()), seed)
    results = [asyncio.run(search(problem, timed, config, None)) for problem in problems]
    del timed
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return held / sum(1 for result in results for _ in tree_nodes(result))


def cpu_seconds() -> float:
    """User and system time of this process and of its ended children."""
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in times)


@contextlib.contextmanager
def chosen_interpreter(name: str) -> Iterator[Interpreter]:
    """The interpreter that `--interpreter` names."""
    if name == "scripted":
        yield ScriptedInterpreter(Arithmetic())
        return
    from rstar.interpreter import SandboxInterpreter

    with SandboxInterpreter() as interpreter:
        yield interpreter


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """One run as the command line describes it."""
    source = load_source(arguments.fake_policy)
    rows = source.make_problems(arguments.problems, arguments.seed, arguments.family)
    problems = [Problem(f"fake/{number}", row["question"]) for number, row in enumerate(rows)]
    references = [row["answer"] for row in rows]
    config = MctsConfig(
        variant=arguments.variant,
        budget=1 if arguments.variant == "official" else arguments.rollouts,
        counts="trees" if arguments.variant == "official" else "rollouts",
        num_candidates=arguments.samples,
        rollouts_per_tree=arguments.rollouts,
    )
    memory = bytes_per_node(source, problems[:2], config, arguments.seed)
    cpu, wall = cpu_seconds(), time.perf_counter()
    # As `harness.run` does.
    with chosen_interpreter(arguments.interpreter) as interpreter, rare_collections():
        timed = engines(source, interpreter, arguments.seed)
        counted = asyncio.run(search_all(problems, references, timed, config, arguments))
    figures: dict[str, float] = {"wall_s": time.perf_counter() - wall, "cpu_s": cpu_seconds() - cpu, **counted}
    figures["tokens_per_distinct_trajectory"] = counted["completion_tokens"] / max(1, counted["distinct_trajectories"])
    figures["engine_cpu_s"] = timed.engine_seconds
    if arguments.interpreter == "scripted":
        # Elsewhere many programs are awaited at once, and what they cost cannot be told apart here.
        own = figures["cpu_s"] - timed.engine_seconds - timed.program_seconds
        figures["program_cpu_s"], figures["own_us_per_node"] = timed.program_seconds, 1e6 * own / figures["nodes"]
    figures["bytes_per_node"] = memory
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    figures["peak_rss_mb"] = sum(peaks) / 1024
    return figures


def main() -> None:
    """Print the figures as one JSON line, and beside the released code's where that was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fake-policy", type=Path, default=DEFAULT_PATH, help="the stand-in policy's file")
    parser.add_argument("--problems", type=int, default=8)
    parser.add_argument("--samples", type=int, default=32, help="candidates at each expansion")
    parser.add_argument("--rollouts", type=int, default=12, help="rollouts of each tree")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--family", default="arith", choices=["arith", "mixed"])
    parser.add_argument("--variant", default="official", choices=["official", "paper"])
    parser.add_argument("--interpreter", default="scripted", choices=["scripted", "sandbox"])
    parser.add_argument("--concurrency", type=int, default=64, help="problems at a time")
    parser.add_argument("--journals", type=Path, help="keep a journal of each problem in this folder")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    figures = measure(arguments)
    print(json.dumps({key: round(value, 3) for key, value in figures.items()}))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures) + "\n")
    released = OFFICIAL.get(arguments.problems)
    if released and (arguments.samples, arguments.rollouts, arguments.seed, arguments.variant) == (
        32,
        12,
        0,
        "official",
    ):
        print(
            f"released code: {released[0]} nodes (here {figures['nodes']}), {released[1]} CPU-s: "
            f"{released[1] / figures['cpu_s']:.1f} times ours; {released[2]} s of wall time: "
            f"{released[2] / figures['wall_s']:.1f} times ours"
        )


if __name__ == "__main__":
    main()
