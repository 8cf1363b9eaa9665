"""What happens where memory ends: waiting, parking, eviction and smaller batches change nothing but the time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from batcher_runs import drain, make_batcher, no_stops, prompts
from tiny_models import VOCABULARY
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from rstar.engines.batcher import Batcher
from rstar.engines.generation import Request
from rstar.engines.kv_rows import KVRows
from tasks.types import InputError

BYTES_PER_TOKEN = 2 * 2 * 2 * 8 * 4
"""Of the tiny Llama: layers, keys and values, key heads, head size, bytes of fp32."""


def requests() -> list[Request]:
    return [Request(prompt, 3, seed, 1.0, 60) for seed, prompt in enumerate(prompts(8, VOCABULARY))]


@pytest.fixture(scope="module")
def expected(llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> list[list[tuple[int, ...]]]:
    """What the requests draw where there is room for all of them."""
    answers = drain(make_batcher(llama, no_stops(tokenizer, llama)), *requests())
    return [[each.tokens for each in answer.samples] for answer in answers]


def drawn(batcher: Batcher) -> list[list[tuple[int, ...]]]:
    return [[each.tokens for each in answer.samples] for answer in drain(batcher, *requests())]


@pytest.mark.parametrize("max_samples", [1, 2, 7])
def test_few_places_make_samples_wait_and_change_none(
    max_samples: int,
    llama: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    expected: list[list[tuple[int, ...]]],
) -> None:
    assert drawn(make_batcher(llama, no_stops(tokenizer, llama), max_samples=max_samples)) == expected


def test_samples_are_parked_where_memory_ends_and_go_on_as_they_would_have(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, expected: list[list[tuple[int, ...]]]
) -> None:
    """Room for 8 rows of 64 tokens, or 4 of 128; prompt and generated tokens are up to 90."""
    batcher = make_batcher(llama, no_stops(tokenizer, llama), kv_bytes=2 * 2 * BYTES_PER_TOKEN * 8 * 64)
    assert drawn(batcher) == expected
    assert batcher.counts.parked_samples > 0
    assert batcher.kv.kv.nbytes <= BYTES_PER_TOKEN * 8 * 64
    assert batcher.cache.num_bytes <= batcher.cache.max_bytes


def test_too_little_memory_for_one_sequence_is_refused(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    with pytest.raises(
        InputError, match=r"kv_bytes = 1000 .* does not hold one sequence of 96 tokens; give at least \d+"
    ):
        make_batcher(llama, no_stops(tokenizer, llama), kv_bytes=1000)


def test_without_a_prefix_cache_the_same_is_drawn(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, expected: list[list[tuple[int, ...]]]
) -> None:
    batcher = make_batcher(llama, no_stops(tokenizer, llama), max_samples=5)
    batcher.cache.max_bytes = 0
    assert drawn(batcher) == expected
    assert batcher.cache.num_bytes == 0


@pytest.mark.parametrize("kind", ["GPU", "CPU"])
def test_out_of_memory_makes_the_batch_smaller_and_changes_nothing(
    kind: str,
    llama: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    expected: list[list[tuple[int, ...]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forward = KVRows.forward

    def limited(self: KVRows, first: int, tokens: np.ndarray, *args: np.ndarray, **options: bool) -> torch.Tensor:
        if tokens.size > 6:
            if kind == "GPU":
                raise torch.OutOfMemoryError("CUDA out of memory")
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")
        return forward(self, first, tokens, *args, **options)

    monkeypatch.setattr(KVRows, "forward", limited)
    monkeypatch.setattr(KVRows, "_check", lambda _: None)
    batcher = make_batcher(llama, no_stops(tokenizer, llama))
    assert drawn(batcher) == expected
    assert batcher.counts.out_of_memory > 0
    assert batcher.max_samples <= 6


def test_out_of_memory_at_one_sample_is_an_error(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    batcher = make_batcher(llama, no_stops(tokenizer, llama))

    def never(*args: object, **options: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(KVRows, "forward", never)
    with pytest.raises(torch.OutOfMemoryError):
        drain(batcher, *requests())
