"""Search on vLLM: beside plain generation, beside the same trees in lockstep, and the share of its prefix cache.

`search`    MCTS on procedural problems, programs and PPM on, all problems in flight at once. The policy is the
            package's, made `--layers` deep (`vllm_models.deepened`). The prompts and the lengths of everything that it
            generated are then given to `LLM.generate`, all at once, in a process of its own.
`lockstep`  the same trees grown freely and in lockstep (`vllm_lockstep`), on a model whose steps cost the same for few
            sequences as for many (`vllm_models.narrow`), and on the package's own with `--narrow-layers 0`.
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
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vllm_clock import Clock
from vllm_lockstep import bench_lockstep
from vllm_models import deepened, narrow

import rstar
from rstar.engines.vllm import VllmPolicy
from rstar.engines.vllm_settings import Load, engine_arguments, environment
from rstar.interpreter import SandboxInterpreter
from rstar.reward.vllm_ppm import VllmPPM
from rstar.search.mcts import MctsConfig, mcts
from rstar.types import Proposal, SearchResult, Trajectory
from tasks.catalog import load_task

MODELS = Path(rstar.__file__).parent / "models" / "tiny"
KV_BYTES = 256 << 20
"""Of an engine of the package's own models; deeper ones need as much more as they are deeper."""
OWN_LAYERS = 4
MAX_NEW_TOKENS, CONTEXT = 128, 2048
Request = tuple[list[int], int]
"""Prompt, and how many tokens were generated after it."""


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


async def searches(policy: Any, reward: Any, interpreter: Any, problems: int, config: MctsConfig) -> list[SearchResult]:
    """All problems at once."""
    chosen = load_task("procedural", "eval").problems
    picked = [chosen[number * len(chosen) // problems] for number in range(problems)]
    return await asyncio.gather(*(mcts(each, policy, reward, interpreter, config, 0) for each in picked))


def bench_search(
    policy: VllmPolicy, reward: VllmPPM, interpreter: Any, arguments: argparse.Namespace, folder: Path
) -> dict[str, float]:
    """Tokens per second of a search, and of plain generation of the same."""
    recording = Recording(policy)
    config = MctsConfig(budget=arguments.rollouts, num_candidates=arguments.candidates)
    before = policy.core.counts.generated_tokens
    with Clock(policy.core.pids) as clock:
        asyncio.run(searches(recording, reward, interpreter, arguments.problems, config))
    tokens = policy.core.counts.generated_tokens - before
    plain = plain_generation(recording.requests, folder, arguments.layers)
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


def plain_generation(requests: list[Request], policy: Path, layers: int) -> dict[str, float]:
    """The same prompts and lengths through `LLM.generate`, all at once, in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.json"
        path.write_text(json.dumps(requests))
        command = [sys.executable, __file__, "--plain", str(path), str(policy), "--layers", str(layers)]
        # Set before torch starts its threads: one, as for the engine of the search.
        variables = {**os.environ, **environment("cpu", "cpu", 1, os.environ)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        sys.exit(f"plain generation failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(lines[-1])
    return found


def plain_worker(path: Path, policy: Path, layers: int) -> None:
    """What runs in that process: one `LLM.generate` over everything, its engine in the process itself."""
    requests: list[Request] = json.loads(path.read_text())
    from vllm import LLM, SamplingParams

    load = Load(
        folder=str(policy), use="policy", platform="cpu", dtype="float32", max_context_tokens=CONTEXT,
        max_samples=256, kv_bytes=kv_bytes(layers), memory_share=0.9,
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


def kv_bytes(layers: int) -> int:
    """Memory for keys and values of a model of `layers` layers."""
    return KV_BYTES * max(1, layers // OWN_LAYERS)


def opened(folder: Path, layers: int) -> VllmPolicy:
    """The policy in `folder` on vLLM."""
    return VllmPolicy.load(
        folder,
        device="cpu",
        max_new_tokens=MAX_NEW_TOKENS,
        max_context_tokens=CONTEXT,
        kv_bytes=kv_bytes(layers),
    )


def lockstep(arguments: argparse.Namespace, made: Path) -> dict[str, float]:
    """Trees of random tokens; `made` is a path for a model."""
    layers = arguments.narrow_layers
    folder = narrow(MODELS / "policy", made, layers) if layers else MODELS / "policy"
    with opened(folder, layers) as policy:
        return bench_lockstep(policy, arguments)


def search(arguments: argparse.Namespace, made: Path) -> dict[str, float]:
    """A search of all problems at once, and the same text by `LLM.generate`."""
    is_own = arguments.layers <= OWN_LAYERS
    folder = MODELS / "policy" if is_own else deepened(MODELS / "policy", made, arguments.layers)
    with opened(folder, arguments.layers) as policy, judge() as reward, SandboxInterpreter() as interpreter:
        return bench_search(policy, reward, interpreter, arguments, folder)


def cache(arguments: argparse.Namespace, made: Path) -> dict[str, float]:
    """The package's own models; `made` stays unused."""
    del made
    with opened(MODELS / "policy", OWN_LAYERS) as policy, judge() as reward, SandboxInterpreter() as interpreter:
        return bench_cache(policy, reward, interpreter, arguments)


def judge() -> VllmPPM:
    """The package's PPM on vLLM."""
    return VllmPPM.load(MODELS / "ppm", device="cpu", max_context_tokens=CONTEXT, kv_bytes=KV_BYTES)


def main() -> None:
    """Print the figures, and write them as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("search", "lockstep", "cache"), help="leave the others out")
    parser.add_argument("--problems", type=int, default=64, help="search: in flight")
    parser.add_argument("--rollouts", type=int, default=2, help="search: of each problem")
    parser.add_argument("--candidates", type=int, default=8, help="search, cache: at each step")
    parser.add_argument("--layers", type=int, default=48, help="search: of the policy")
    parser.add_argument("--narrow-layers", type=int, default=96, help="lockstep: of the model; 0: the package's own")
    parser.add_argument("--trees", type=int, default=320, help="lockstep: problems")
    parser.add_argument("--in-flight", type=int, default=64, help="lockstep: problems at a time")
    parser.add_argument("--tree-rollouts", type=int, default=1, help="lockstep: of each problem")
    parser.add_argument("--depth", type=int, default=5, help="lockstep: most steps of a solution")
    parser.add_argument("--samples", type=int, default=2, help="lockstep: at each step")
    parser.add_argument("--spread", type=float, default=1.3, help="lockstep: of the logarithm of a step's length")
    parser.add_argument("--longest", type=int, default=800, help="lockstep: tokens of a step")
    parser.add_argument("--cache-problems", type=int, default=32)
    parser.add_argument("--cache-rollouts", type=int, default=12)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--plain", type=Path, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plain:
        plain_worker(*arguments.plain, arguments.layers)
        return
    figures: dict[str, dict[str, float]] = {}
    for name, measure in (("lockstep", lockstep), ("search", search), ("cache", cache)):
        if arguments.only in (None, name):
            with tempfile.TemporaryDirectory() as made:
                figures[name] = measure(arguments, Path(made) / "policy")
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
