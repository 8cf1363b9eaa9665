"""The radix tree over token ids, against a plain dictionary of prefixes."""

from __future__ import annotations

import random

import torch

from rstar.engines.prefix_cache import PrefixCache

BYTES_PER_TOKEN = 4


def kv_of(tokens: tuple[int, ...]) -> torch.Tensor:
    """Keys and values that can be told: each token's is a hash of the prefix that ends with it."""
    marks = [float(hash(tokens[: end + 1]) % 100_003) for end in range(len(tokens))]
    return torch.tensor(marks).view(1, 1, 1, -1, 1)


def insert(cache: PrefixCache, tokens: tuple[int, ...]) -> None:
    whole = kv_of(tokens)
    cache.insert(tokens, lambda start, stop: whole[:, :, :, start:stop].clone())


def found(cache: PrefixCache, tokens: tuple[int, ...]) -> list[float]:
    runs = cache.match(tokens)
    return torch.cat(runs, dim=3).flatten().tolist() if runs else []


def test_the_longest_known_prefix_is_found_with_its_own_values() -> None:
    generator = random.Random(0)
    cache = PrefixCache(1 << 20)
    known: set[tuple[int, ...]] = set()
    for _ in range(400):
        tokens = tuple(generator.choices(range(3), k=generator.randint(1, 12)))
        expected = max((end for end in range(len(tokens) + 1) if tokens[:end] in known or end == 0), default=0)
        assert cache.num_known(tokens) == expected
        assert found(cache, tokens) == kv_of(tokens).flatten().tolist()[:expected]
        if generator.random() < 0.5:
            insert(cache, tokens)
            known |= {tokens[:end] for end in range(1, len(tokens) + 1)}
    assert cache.num_bytes == BYTES_PER_TOKEN * len(known)


def test_the_least_recently_used_goes_first() -> None:
    cache = PrefixCache(9 * BYTES_PER_TOKEN)
    insert(cache, (1, 2, 3))
    insert(cache, (4, 5, 6))
    insert(cache, (7, 8, 9))
    cache.match((1, 2, 3))
    insert(cache, (10,))
    assert [cache.num_known(each) for each in [(1, 2, 3), (4, 5, 6), (7, 8, 9), (10,)]] == [3, 0, 3, 1]


def test_a_prefix_outlives_what_continues_it() -> None:
    cache = PrefixCache(6 * BYTES_PER_TOKEN)
    insert(cache, (1, 2, 3, 4))
    insert(cache, (1, 2, 5, 6))
    insert(cache, (7,))
    assert [cache.num_known(each) for each in [(1, 2, 3, 4), (1, 2, 5, 6), (7,)]] == [2, 4, 1]


def test_the_bound_in_bytes_holds_after_every_insertion() -> None:
    generator = random.Random(1)
    cache = PrefixCache(50 * BYTES_PER_TOKEN)
    for _ in range(500):
        tokens = tuple(generator.choices(range(3), k=generator.randint(1, 30)))
        insert(cache, tokens)
        assert cache.num_bytes <= cache.max_bytes
        assert found(cache, tokens) == kv_of(tokens).flatten().tolist()


def test_a_sequence_larger_than_the_cache_is_not_kept() -> None:
    cache = PrefixCache(2 * BYTES_PER_TOKEN)
    insert(cache, (1, 2, 3))
    assert cache.num_bytes == 0
    assert found(cache, (1, 2, 3)) == []
