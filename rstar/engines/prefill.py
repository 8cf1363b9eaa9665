"""Fills rows with the keys and values of whole sequences: from the prefix cache where it can, computed where not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import numpy as np

from rstar.engines.kv_rows import KVRows
from rstar.engines.prefix_cache import PrefixCache, num_common

MAX_NEW_TOKENS = 2048
"""Tokens, padding included, of one forward pass. Chosen, not tuned."""
MIN_SHARED_TOKENS = 16
"""A new prefix of several sequences is computed once, beforehand, from this length on. Chosen, not tuned."""


class Prefill:
    """Fills rows of `rows`, and keeps in `cache` what it computes."""

    def __init__(self, rows: KVRows, cache: PrefixCache, max_new_tokens: int = MAX_NEW_TOKENS) -> None:
        self.rows, self.cache, self.max_new_tokens = rows, cache, max_new_tokens

    def fill(self, sequences: Sequence[tuple[int, ...]], first: int) -> tuple[list[int], list[int]]:
        """Give each sequence a row from `first` on, holding it whole.

        Returns the order, row `first + i` holds `sequences[order[i]]`, and for each sequence how many of its tokens
        were known before. A prefix that several sequences share counts as known for all but the first of them.
        """
        known = [self.cache.num_known(each) for each in sequences]
        self._fill_shared(sequences, known, first)
        missing = [len(each) - self.cache.num_known(each) for each in sequences]
        order = sorted(range(len(sequences)), key=lambda index: -missing[index])
        self._fill_in_order([sequences[index] for index in order], first)
        return order, known

    def _fill_shared(self, sequences: Sequence[tuple[int, ...]], known: list[int], first: int) -> None:
        """Compute new prefixes of several sequences, in the rows that they will take; `known` grows for the others."""
        groups: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, sequence in enumerate(sequences):
            start = sequence[: known[index] + MIN_SHARED_TOKENS]
            if len(start) == known[index] + MIN_SHARED_TOKENS:
                groups[start].append(index)
        shared: list[tuple[int, ...]] = []
        for members in groups.values():
            if len(members) > 1:
                # What the first and the last in order have in common, all have.
                lowest, highest = (choose(sequences[index] for index in members) for choose in (min, max))
                shared.append(lowest[: num_common(lowest, highest)])
                for index in members[1:]:
                    known[index] = len(shared[-1])
        # Without a cache to keep them in they would be lost again.
        if shared and self.cache.max_bytes:
            self._fill_in_order(sorted(shared, key=len, reverse=True), first)

    def _fill_in_order(self, sequences: Sequence[tuple[int, ...]], first: int) -> None:
        """Fill neighbouring rows; `sequences` come with the most new tokens first."""
        self.rows.reserve(first + len(sequences), max(map(len, sequences)) + 1)
        starts = [self._load(sequence, first + index) for index, sequence in enumerate(sequences)]
        missing = [len(sequence) - start for sequence, start in zip(sequences, starts, strict=True)]
        done = 0
        while done < len(sequences) and missing[done]:
            stop = self._end_of_pass(missing, done)
            self._compute(sequences[done:stop], starts[done:stop], first + done)
            done = stop

    def _end_of_pass(self, missing: Sequence[int], start: int) -> int:
        """Where one forward pass from `start` on ends: within `max_new_tokens`, at most half of it padding."""
        widest = missing[start]
        most = max(1, self.max_new_tokens // widest)
        stop = start + 1
        while stop < min(len(missing), start + most) and 2 * missing[stop] >= widest:
            stop += 1
        return stop

    def _load(self, sequence: tuple[int, ...], row: int) -> int:
        """Write into `row` what the cache knows of `sequence`; the first position that it does not."""
        position = 0
        for kv in self.cache.match(sequence):
            position = self.rows.put(row, position, kv)
        return position

    def _compute(self, sequences: Sequence[tuple[int, ...]], starts: list[int], first: int) -> None:
        """Run the model over what each row still lacks, and let the cache know it."""
        widest = max(len(sequence) - start for sequence, start in zip(sequences, starts, strict=True))
        tokens = np.zeros((len(sequences), widest), dtype=np.int64)
        for line, sequence, start in zip(tokens, sequences, starts, strict=True):
            line[: len(sequence) - start] = sequence[start:]
        begins = np.array(starts)
        ends = np.array([len(sequence) for sequence in sequences])
        step = max(1, self.max_new_tokens // len(sequences))
        for column in range(0, widest, step):
            part = tokens[:, column : column + step]
            self.rows.forward(first, part, begins + column, ends, body_only=True)
        for offset, sequence in enumerate(sequences):
            self.cache.insert(sequence, partial(self.rows.cut, first + offset))
