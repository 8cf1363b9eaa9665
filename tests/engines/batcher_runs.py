"""Batchers, driven step by step in the test's own thread, and what is asked of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from rstar.engines.batcher import Batcher
from rstar.engines.generation import Generations, Request
from rstar.engines.sampler import Truncation
from rstar.engines.stops import Stops, make_stops


def no_stops(tokenizer: PreTrainedTokenizerFast, model: PreTrainedModel, eos: tuple[int, ...] = ()) -> Stops:
    return make_stops(tokenizer, (), eos, model.config.vocab_size)


def make_batcher(model: PreTrainedModel, stops: Stops, **settings: Any) -> Batcher:
    truncation = settings.pop("truncation", Truncation())
    return Batcher(model, stops, truncation, **{"max_samples": 64, "max_length": 96, "kv_bytes": 1 << 24, **settings})


def drain(batcher: Batcher, *requests: Request) -> list[Generations]:
    """Add all requests and step until they are answered."""
    for request in requests:
        batcher.add(request)
    for _ in range(10_000):
        if batcher.is_idle:
            break
        batcher.step()
    return [request.future.result(timeout=0) for request in requests]


def prompts(count: int, vocabulary: int, seed: int = 0) -> list[tuple[int, ...]]:
    """Random prompts of 1 to 30 tokens."""
    generator = np.random.default_rng(seed)
    return [tuple(generator.integers(1, vocabulary, generator.integers(1, 31)).tolist()) for _ in range(count)]
