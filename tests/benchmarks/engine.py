"""Tokens per second of the transformers engine beside `model.generate`, and the share of its prompts that is cached.

The model has the shape of the embedded default and random weights. Some token ids end a step, so that steps have the
lengths of real ones, about 25 tokens. `flat` weights give nearly uniform tokens, no two samples alike: the worst case
for an engine that shares what samples have in common. `peaked` weights are the same, the logits scaled up: 1.3 nats a
token at a factor of 20, and steps that run to the cap of 64 tokens.

Load 1: 64 requests at a time for one candidate each, then 64 for the continuations of those, and so on: prompts are
paths in 64 trees. `generate` gets them as one batch with padding on the left. Load 2: 32 searches of 12 rollouts side
by side, each expanding one node at a time; children are scored by a model of the same shape.

Rates are per CPU-second of one thread, so that what else the machine does counts little.

    python tests/benchmarks/engine.py --repeats 5 --json /tmp/engine.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from rstar.engines.batcher import Batcher
from rstar.engines.generation import Generations, Request
from rstar.engines.sampler import Truncation
from rstar.engines.scoring import Logits, Scorer, ScoreRequest
from rstar.engines.stops import make_stops
from rstar.engines.worker import Worker

VOCABULARY, NUM_ENDS = 800, 32
"""tiny.md: 640 to 1,000 tokens; 32 of 800 end a step, so a step of uniform tokens has 25 on average."""
SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 192,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "intermediate_size": 512,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": True,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}
"""tiny.md, "Recipe that worked"."""
ENDS = list(range(VOCABULARY - NUM_ENDS, VOCABULARY))
MAX_NEW_TOKENS = 64
Tokens = tuple[int, ...]
Propose = Callable[[Sequence[Tokens], int], list[list[Tokens]]]
"""(prompts, seed) to the candidates of each."""


def make_model(kind: type[PreTrainedModel], sharpness: float) -> PreTrainedModel:
    """Random weights; `sharpness` scales the logits."""
    torch.manual_seed(0)
    model = kind(LlamaConfig(**SHAPE, num_labels=1)).eval()
    with torch.no_grad():
        model.model.norm.weight.mul_(sharpness)
    return model


def make_batcher(model: PreTrainedModel, max_samples: int) -> Batcher:
    """An engine whose stops are the token ids of `ENDS`."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()))
    stops = make_stops(tokenizer, (), ENDS, VOCABULARY)
    return Batcher(model, stops, Truncation(), max_samples=max_samples, max_length=1024, kv_bytes=1 << 30)


def engine(batcher: Batcher, num_candidates: int) -> Propose:
    """The engine, driven in this thread."""

    def propose(prompts: Sequence[Tokens], seed: int) -> list[list[Tokens]]:
        requests = [
            Request(prompt, num_candidates, 1000 * seed + index, 1.0, MAX_NEW_TOKENS)
            for index, prompt in enumerate(prompts)
        ]
        for request in requests:
            batcher.add(request)
        while not batcher.is_idle:
            batcher.step()
        return [[each.tokens for each in request.future.result().samples] for request in requests]

    return propose


def plain(model: PreTrainedModel, num_candidates: int) -> Propose:
    """`model.generate` over all prompts at once, padded on the left."""

    def propose(prompts: Sequence[Tokens], seed: int) -> list[list[Tokens]]:
        torch.manual_seed(seed)
        longest = max(map(len, prompts))
        inputs = torch.tensor([[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        with torch.inference_mode():
            output = model.generate(
                inputs,
                attention_mask=mask,
                do_sample=True,
                top_k=0,
                num_return_sequences=num_candidates,
                max_new_tokens=MAX_NEW_TOKENS,
                eos_token_id=ENDS,
                pad_token_id=0,
            )
        steps = [up_to_end(line) for line in output[:, longest:].tolist()]
        return [steps[start : start + num_candidates] for start in range(0, len(steps), num_candidates)]

    return propose


def up_to_end(tokens: list[int]) -> Tokens:
    """The tokens up to the first that ends a step, that one included."""
    end = next((index for index, token in enumerate(tokens) if token >= ENDS[0]), len(tokens) - 1)
    return tuple(tokens[: end + 1])


def tokens_per_second(propose: Propose, num_requests: int, depth: int, seed: int) -> tuple[float, float]:
    """Load 1: generated tokens of all candidates over CPU seconds of this process, and over wall seconds."""
    generator = random.Random(seed)
    prompts: list[Tokens] = [random_tokens(generator, 40, 90) for _ in range(num_requests)]
    count, start, cpu = 0, time.perf_counter(), time.process_time()
    for level in range(depth):
        candidates = propose(prompts, seed * 100 + level)
        count += sum(len(step) for steps in candidates for step in steps)
        # What a program has printed follows some of the steps.
        prompts = [
            prompt + steps[0] + random_tokens(generator, 0, 8)
            for prompt, steps in zip(prompts, candidates, strict=True)
        ]
    return count / (time.process_time() - cpu), count / (time.perf_counter() - start)


def random_tokens(generator: random.Random, least: int, most: int) -> Tokens:
    """Between `least` and `most` tokens that do not end a step."""
    return tuple(generator.randrange(1, ENDS[0]) for _ in range(generator.randint(least, most)))


@dataclass(slots=True)
class _Node:
    tokens: Tokens
    children: list[_Node] = field(default_factory=list)
    visits: int = 0


async def search(
    number: int,
    policy: Worker[Request],
    reward: Worker[ScoreRequest],
    rollouts: int,
    num_candidates: int,
    depth: int,
    usage: dict[str, int],
) -> None:
    """Load 2, one tree: go down to the least visited child, expand where there are none, score the children."""
    generator = random.Random(number)
    root = _Node(random_tokens(generator, 40, 90))
    for rollout in range(rollouts):
        node, level = root, 0
        while level < depth:
            if not node.children:
                request = Request(node.tokens, num_candidates, generator.getrandbits(60), 1.0, MAX_NEW_TOKENS)
                answer: Generations = await policy.ask(request)
                usage["prompt"] += len(node.tokens)
                usage["cached"] += answer.cached_tokens
                usage["written"] += sum(len(each.tokens) for each in answer.samples)
                steps = dict.fromkeys(each.tokens for each in answer.samples)
                node.children = [_Node(node.tokens + step + random_tokens(generator, 0, 8)) for step in steps]
                scores: Logits = await reward.ask(ScoreRequest([child.tokens for child in node.children]))
                usage["read"] += sum(len(child.tokens) for child in node.children)
                usage["cached_read"] += scores.cached_tokens
            # A third of the rollouts leave the path of the best child near the root, as searches do.
            node = min(node.children, key=lambda child: child.visits if rollout % 3 else -child.visits)
            node.visits += 1
            level += 1


async def searches(arguments: argparse.Namespace, policy: PreTrainedModel, reward: PreTrainedModel) -> dict[str, float]:
    """Load 2: all trees side by side."""
    batcher = make_batcher(policy, 512)
    first: Worker[Request] = Worker(batcher, "policy engine")
    scorer = Scorer(reward, max_sequences=256, max_length=1024, kv_bytes=1 << 30)
    second: Worker[ScoreRequest] = Worker(scorer, "reward engine")
    usage = dict.fromkeys(("prompt", "cached", "written", "read", "cached_read"), 0)
    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(
        *(
            search(number, first, second, arguments.rollouts, arguments.candidates, arguments.depth, usage)
            for number in range(arguments.problems)
        )
    )
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    first.close()
    second.close()
    return {
        "wall_s": wall,
        "cpu_s": cpu,
        "policy_tokens_per_cpu_s": usage["written"] / cpu,
        "policy_reuse": usage["cached"] / usage["prompt"],
        "reward_reuse": usage["cached_read"] / usage["read"],
        "shared_samples": batcher.counts.sampled_tokens / batcher.counts.computed_tokens,
    }


def compare(arguments: argparse.Namespace, sharpness: float, num_candidates: int) -> dict[str, float]:
    """Load 1 by both, alternating; medians over the repeats after one that warms up."""
    ours, theirs = (make_model(LlamaForCausalLM, sharpness) for _ in range(2))
    # One engine for all repeats: each repeat has prompts of its own, so nothing of an earlier one is in its cache.
    batcher = make_batcher(ours, 512)
    rates: dict[str, list[tuple[float, float]]] = {"engine": [], "generate": []}
    for repeat in range(arguments.repeats + 1):
        for name, propose in (
            ("engine", engine(batcher, num_candidates)),
            ("generate", plain(theirs, num_candidates)),
        ):
            rate = tokens_per_second(propose, arguments.requests, arguments.depth, repeat)
            if repeat:
                rates[name].append(rate)
    counts = batcher.counts
    cpu, wall = ({name: statistics.median(rate[i] for rate in each) for name, each in rates.items()} for i in (0, 1))
    return {
        **cpu,
        "ratio": cpu["engine"] / cpu["generate"],
        "wall_ratio": wall["engine"] / wall["generate"],
        "reuse": counts.cached_tokens / counts.prompt_tokens,
        "shared_samples": counts.sampled_tokens / counts.computed_tokens,
    }


def main() -> None:
    """Print a table, and write it as JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=64, help="load 1: at a time")
    parser.add_argument("--depth", type=int, default=6, help="steps from the question to the end")
    parser.add_argument("--candidates", type=int, default=8, help="of each request of load 2")
    parser.add_argument("--problems", type=int, default=32, help="load 2: searches side by side; 0 leaves it out")
    parser.add_argument("--rollouts", type=int, default=12, help="load 2: of each search")
    parser.add_argument("--repeats", type=int, default=3, help="load 1: medians over these")
    parser.add_argument("--sharpness", type=float, default=20.0, help="factor on the logits of `peaked`")
    parser.add_argument(
        "--wide", action="store_true", help="load 1 also with --candidates, which `generate` is slow at"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    figures: dict[str, dict[str, float]] = {}
    for weights, sharpness in (("flat", 1.0), ("peaked", arguments.sharpness)):
        for num_candidates in (1, arguments.candidates) if arguments.wide else (1,):
            row = compare(arguments, sharpness, num_candidates)
            figures[f"{weights}, {num_candidates} candidates"] = row
            print(
                f"{weights:6} {arguments.requests} requests x {num_candidates:2} candidates: "
                f"engine {row['engine']:7.0f} tokens per CPU-s, generate {row['generate']:6.0f}, "
                f"ratio {row['ratio']:5.1f} (by the wall clock {row['wall_ratio']:.1f}); "
                f"{row['reuse']:.0%} of prompt tokens cached, {row['shared_samples']:.2f} samples per computed token",
                flush=True,
            )
        if not arguments.problems:
            continue
        models = make_model(LlamaForCausalLM, sharpness), make_model(LlamaForSequenceClassification, sharpness)
        row = asyncio.run(searches(arguments, *models))
        figures[f"{weights}, search"] = row
        print(
            f"{weights:6} {arguments.problems} x {arguments.rollouts} searches: {row['wall_s']:.1f} s wall, "
            f"{row['cpu_s']:.1f} CPU-s with rewards, {row['policy_tokens_per_cpu_s']:.0f} policy tokens per CPU-s; "
            f"cached: policy {row['policy_reuse']:.1%}, reward {row['reward_reuse']:.1%} of prompt tokens; "
            f"{row['shared_samples']:.2f} samples per computed token",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
