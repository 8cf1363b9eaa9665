"""How fast a worker writes and judges, by arithmetic: the roofline of its GPUs, and the share of it that is reached.

A decoding step writes one token for each of `sequences` solutions. It reads all weights and all keys and values once,
and multiplies: the slower of the two is its time. The PPM then reads what was written, with the tokens before it in its
cache. Reading the policy's own prompts is left out (the cache holds them), and so are programs (they run beside it).

Nothing reaches a roofline. The share that is reached is the great unknown of a plan. What the paper reports of rounds 2
to 4 amounts to 7, 19 and 22 % by this arithmetic (a test computes them), the programs and the lockstep of its code
included; that is where `LEAST` and `LIKELY` come from.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.gpu_table import Gpu
from harness.model_shape import ModelShape

LEAST = 0.07
"""Round 2 of the paper."""
LIKELY = 0.2
"""Rounds 3 and 4 of the paper, in which policy and PPM share a GPU as they do in a run."""
MOST = 0.6
"""Chosen, not measured: no GPU was at hand. A pilot takes the place of all three."""


@dataclass(frozen=True, slots=True)
class Range:
    """A quantity that is not known exactly: low <= likely <= high, in one unit."""

    low: float
    likely: float
    high: float

    def __mul__(self, factor: float) -> Range:
        return Range(self.low * factor, self.likely * factor, self.high * factor)

    def times(self, other: Range) -> Range:
        """The product of two that are independent and positive; the ends are those of the ends."""
        return Range(self.low * other.low, self.likely * other.likely, self.high * other.high)


def tokens_per_second(policy: ModelShape, gpu: Gpu, num_gpus: int, sequences: int, mean_tokens: float) -> float:
    """The roofline of decoding on one worker, with `sequences` solutions of `mean_tokens` in flight."""
    read = policy.weight_bytes + sequences * mean_tokens * policy.kv_bytes
    memory_seconds = read / (num_gpus * gpu.bytes_per_second)
    compute_seconds = sequences * policy.flops_per_token / (num_gpus * gpu.flops_per_second)
    return sequences / max(memory_seconds, compute_seconds)


def gpu_seconds_per_token(
    policy: ModelShape, reward: ModelShape | None, gpu: Gpu, num_gpus: int, sequences: int, mean_tokens: float
) -> float:
    """GPU-seconds, at the roofline, for one token that is written and judged."""
    writing = num_gpus / tokens_per_second(policy, gpu, num_gpus, sequences, mean_tokens)
    return writing + (0.0 if reward is None else reward.flops_per_token / gpu.flops_per_second)


def at_reached_share(seconds: float) -> Range:
    """What `seconds` at the roofline take in practice."""
    return Range(seconds / MOST, seconds / LIKELY, seconds / LEAST)
