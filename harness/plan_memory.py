"""Whether a policy and its reward model fit on the GPUs of one worker, and how many solutions are then in flight.

weights       2 bytes a parameter (bfloat16), divided by the GPUs of a worker (tensor parallel)
activations   of the largest batch that is read at once: tokens x (2 x feed-forward + 4 x width) x 2 bytes
logits        sequences x vocabulary x 4 bytes
runtime       CUDA context, compiled graphs, the allocator's waste
keys, values  what is left, shared out by bytes per token; each model keeps its own
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.gpu_table import Gpu
from harness.model_shape import ModelShape

ROOM = 0.92
"""Share of a device's memory that is filled, as `rstar.training.memory.ROOM`. Chosen, not tuned."""
BATCH_TOKENS = 8192
"""Read at once: vLLM's `max_num_batched_tokens` on large GPUs (its documentation)."""
MAX_SEQUENCES = 256
"""Written at once: vLLM's `max_num_seqs` (its documentation)."""
RUNTIME_BYTES = 1.5e9
"""Chosen, not measured here."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Bytes of one worker, over all of its GPUs."""

    room: float
    policy: float
    reward: float
    working: float
    """Activations, logits and runtime."""
    sequences: int
    """Solutions of the mean length in the cache at a time, 0 where nothing is left."""
    full_sequences: int
    """The same for solutions of the greatest length."""

    @property
    def left(self) -> float:
        """For keys and values; below 0 where it does not fit."""
        return self.room - self.policy - self.reward - self.working

    @property
    def is_enough(self) -> bool:
        """Whether at least one solution of the greatest length fits."""
        return self.full_sequences >= 1


def fit(
    policy: ModelShape, reward: ModelShape | None, gpu: Gpu, num_gpus: int, mean_tokens: float, max_tokens: int
) -> Fit:
    """The memory of one worker with `num_gpus` GPUs, for contexts of `mean_tokens` and at most `max_tokens`."""
    models = [policy] if reward is None else [policy, reward]
    activations = max(BATCH_TOKENS * (2 * each.feed_forward + 4 * each.hidden) * 2.0 for each in models)
    working = activations + MAX_SEQUENCES * policy.vocabulary * 4.0 + RUNTIME_BYTES * num_gpus * len(models)
    room = ROOM * gpu.memory_bytes * num_gpus
    left = room - sum(each.weight_bytes for each in models) - working
    per_token = sum(each.kv_bytes for each in models)
    return Fit(
        room,
        policy.weight_bytes,
        0.0 if reward is None else reward.weight_bytes,
        working,
        max(0, int(left // (per_token * mean_tokens))),
        max(0, int(left // (per_token * max_tokens))),
    )


def smallest_worker(policy: ModelShape, reward: ModelShape | None, gpu: Gpu, max_tokens: int) -> int | None:
    """GPUs of a worker, a power of two up to 16, from which on one solution fits; None: not even then."""
    return next((n for n in (1, 2, 4, 8, 16) if fit(policy, reward, gpu, n, max_tokens, max_tokens).is_enough), None)
