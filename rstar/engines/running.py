"""The samples that an engine is generating now, as arrays: which row each is in, and what each row has come to.

A row is one sequence of tokens and its keys and values. Samples that have drawn the same tokens so far share a row, so
what they have in common is computed once; a row splits where its samples part. The first `num_rows` rows are in use.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rstar.engines.generation import Branch, Request
from rstar.engines.kv_rows import KVRows

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Running:
    """Up to `max_samples` samples over rows of `kv`."""

    def __init__(self, kv: KVRows, max_samples: int, max_length: int) -> None:
        """`max_length` is the most tokens of a sequence."""
        self.kv = kv
        self.num_rows = 0
        self.tokens = np.zeros((max_samples, max_length), dtype=np.int64)
        self.length = np.zeros(max_samples, dtype=np.int64)
        """Tokens of each row, the one that is fed next included; those before it are in `kv`."""
        self.prompt_length = np.zeros(max_samples, dtype=np.int64)
        self.max_length = np.zeros(max_samples, dtype=np.int64)
        self.temperature = np.zeros(max_samples)
        self.rows = np.zeros(0, dtype=np.int64)
        """Row of each sample."""
        self.keys = np.zeros(0, dtype=np.uint64)
        self.logprobs = np.zeros(0)
        self.owners: list[tuple[Request, int]] = []
        """Request and number of each sample."""

    @property
    def num_samples(self) -> int:
        """Samples that are being generated."""
        return len(self.rows)

    def append(self, branches: Sequence[Branch]) -> None:
        """Take over branches whose keys and values lie, in order, in the rows after those in use."""
        first = self.num_rows
        for row, branch in enumerate(branches, start=first):
            self.tokens[row, : len(branch.tokens)] = branch.tokens
            self.length[row] = len(branch.tokens)
            self.prompt_length[row], self.max_length[row] = branch.prompt_length, branch.max_length
            self.temperature[row] = branch.temperature
        self.num_rows += len(branches)
        counts = [len(branch.samples) for branch in branches]
        self.rows = np.concatenate((self.rows, np.repeat(np.arange(first, self.num_rows), counts)))
        owners = [owner for branch in branches for owner in branch.samples]
        keys = np.array([request.keys[number] for request, number in owners], dtype=np.uint64)
        self.keys = np.concatenate((self.keys, keys))
        self.logprobs = np.concatenate((self.logprobs, *(branch.logprobs for branch in branches)))
        self.owners += owners

    def sequence(self, row: int) -> tuple[int, ...]:
        """Prompt and generated tokens of a row."""
        return tuple(self.tokens[row, : self.length[row]].tolist())

    def extend(self, sources: Ints, tokens: Ints, kept: Flags, branch_of_kept: Ints) -> None:
        """Let each branch, a row and the token that follows it, be a row; drop the samples that are not `kept`.

        `sources` is ascending; `branch_of_kept` says for each kept sample which branch it takes.
        """
        targets = self._rearrange(sources)
        self.tokens[targets, self.length[targets]] = tokens
        self.length[targets] += 1
        self._keep(kept)
        self.rows = targets[branch_of_kept]

    def take_out(self, leaving: Flags) -> list[Branch]:
        """Stop generating some samples, and give them as branches that can go on later."""
        branches: dict[int, Branch] = {}
        for sample in np.flatnonzero(leaving).tolist():
            row = int(self.rows[sample])
            if row not in branches:
                limits = int(self.prompt_length[row]), int(self.max_length[row])
                branches[row] = Branch(self.sequence(row), *limits, float(self.temperature[row]))
            branches[row].samples.append(self.owners[sample])
            branches[row].logprobs.append(float(self.logprobs[sample]))
        self._keep(~leaving)
        sources, inverse = np.unique(self.rows, return_inverse=True)
        self.rows = self._rearrange(sources)[inverse]
        return list(branches.values())

    def _keep(self, kept: Flags) -> None:
        if kept.all():
            return
        self.rows, self.keys, self.logprobs = self.rows[kept], self.keys[kept], self.logprobs[kept]
        self.owners = [owner for owner, is_kept in zip(self.owners, kept.tolist(), strict=True) if is_kept]

    def _rearrange(self, sources: Ints) -> Ints:
        """Make rows 0, 1, ... of copies of the rows `sources`, ascending and perhaps repeated; where each one went.

        The first use of a row that may stay where it is does so. All others go to rows that are no source, so no copy
        overwrites what another one reads.
        """
        count = len(sources)
        is_first = np.ones(count, dtype=np.bool_)
        is_first[1:] = sources[1:] != sources[:-1]
        stays = is_first & (sources < count)
        self.num_rows = count
        if stays.all():
            return sources
        is_free = np.ones(count, dtype=np.bool_)
        is_free[sources[stays]] = False
        targets = sources.copy()
        targets[~stays] = np.flatnonzero(is_free)
        old, new = sources[~stays], targets[~stays]
        longest = int(self.length[old].max())
        self.kv.copy_rows(zip(old.tolist(), new.tolist(), strict=True), longest)
        self.tokens[new, :longest] = self.tokens[old, :longest]
        for each in (self.length, self.prompt_length, self.max_length):
            each[new] = each[old]
        self.temperature[new] = self.temperature[old]
        return targets
