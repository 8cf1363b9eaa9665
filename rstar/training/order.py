"""The order in which examples are trained on: seeded, batches of like lengths, and short ones first where asked for."""

from __future__ import annotations

import random
from collections.abc import Sequence

from rstar.seeds import generator

WINDOW = 50
"""Batches among which like lengths are put together: little padding, and still a mixed order. Chosen, not tuned."""


def training_order(lengths: Sequence[int], batch: int, epochs: float, seed: int, short_first: float = 0.0) -> list[int]:
    """Indices into `lengths` for the whole run, cut into batches of `batch` from the start; same arguments, same order.

    Every example comes once per epoch; a last, incomplete epoch takes the first part of its order. With `short_first`
    above 0 an example may not come before a point in the first epoch that grows with the rank of its length, from 0 for
    the shortest to `short_first` of the epoch for the longest: a curriculum that never stops showing short ones.
    """
    order: list[int] = []
    left = round(epochs * len(lengths))
    number = 0
    while left > 0:
        draw = generator(seed, "order", number)
        mixed = _mixed(lengths, draw, short_first if number == 0 else 0.0)
        order += _bucketed(mixed, lengths, batch, draw)[:left]
        left -= len(lengths)
        number += 1
    return order


def _mixed(lengths: Sequence[int], draw: random.Random, short_first: float) -> list[int]:
    ranked = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    times = [0.0] * len(lengths)
    for rank, index in enumerate(ranked):
        start = short_first * rank / len(ranked)
        times[index] = start + draw.random() * (1 - start)
    return sorted(range(len(lengths)), key=lambda index: times[index])


def _bucketed(order: Sequence[int], lengths: Sequence[int], batch: int, draw: random.Random) -> list[int]:
    """The order with the batches of each window made of like lengths, the batches themselves shuffled."""
    result: list[int] = []
    for start in range(0, len(order), batch * WINDOW):
        window = sorted(order[start : start + batch * WINDOW], key=lambda index: lengths[index])
        batches = [window[first : first + batch] for first in range(0, len(window), batch)]
        # The one incomplete batch stays last, so that batches are whole wherever the order is cut.
        last = [batches.pop()] if len(batches[-1]) < batch else []
        draw.shuffle(batches)
        result += [index for each in (*batches, *last) for index in each]
    return result
