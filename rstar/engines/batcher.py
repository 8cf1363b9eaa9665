"""Continuous batching: requests join and leave a running batch between two tokens.

Each step feeds the newest token of every row at once. A request joins as soon as there is room: the keys and values of
its prompt come from the prefix cache or are computed, once for all of its samples and for any other request with the
same prompt. Where memory gets short the samples that came last are taken out, with their tokens, and go on later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from transformers import PreTrainedModel

from rstar.engines.generation import Branch, Generation, Request, branch_of
from rstar.engines.kv_rows import LENGTH_STEP, KVRows, rounded
from rstar.engines.prefill import Prefill
from rstar.engines.prefix_cache import PrefixCache
from rstar.engines.running import Flags, Ints, Running
from rstar.engines.sampler import Truncation, draw, uniforms
from rstar.engines.stops import Stops
from rstar.engines.worker import EngineError, is_out_of_memory
from tasks.types import InputError

CANCEL_STEPS = 8
"""Steps from one look for cancelled requests to the next: a look takes a lock for each. Chosen, not tuned."""


@dataclass(slots=True)
class BatchCounts:
    """What a batcher has done so far."""

    prompt_tokens: int = 0
    """Of all requests, each once."""
    cached_tokens: int = 0
    """The part of `prompt_tokens` that was not computed."""
    sampled_tokens: int = 0
    """Over all samples."""
    computed_tokens: int = 0
    """Fed one by one; fewer than `sampled_tokens` where samples share rows."""
    steps: int = 0
    parked_samples: int = 0
    """Taken out for lack of memory, to go on later."""
    out_of_memory: int = 0


class Batcher:
    """Generates for many requests at once. Belongs to one thread."""

    def __init__(
        self,
        model: PreTrainedModel,
        stops: Stops,
        truncation: Truncation,
        *,
        max_samples: int,
        max_length: int,
        kv_bytes: int,
    ) -> None:
        """Half of `kv_bytes` is for running sequences, half for the prefix cache; InputError if that is too little."""
        self.stops, self.truncation = stops, truncation
        self.max_samples, self.max_length = max_samples, max_length
        self.kv = KVRows(model, kv_bytes // 2)
        self.cache = PrefixCache(kv_bytes // 2)
        self.prefill = Prefill(self.kv, self.cache)
        if self.kv.max_rows(max_length) < 1:
            needed = 4 * self.kv.bytes_per_token * (max_length + LENGTH_STEP)
            raise InputError(
                f"kv_bytes = {kv_bytes} (kv_memory_mb = {kv_bytes >> 20}) does not hold one sequence of {max_length} "
                f"tokens; give at least {needed} ({(needed >> 20) + 1} MiB), or a smaller max_context_tokens"
            )
        self.counts = BatchCounts()
        self._num_calls = 0
        self._requests: set[Request] = set()
        self._waiting: deque[Branch] = deque()
        self._running = Running(self.kv, max_samples, max_length + 1)

    @property
    def is_idle(self) -> bool:
        """Whether no request waits or runs."""
        return not self._requests

    def add(self, request: Request) -> None:
        """Queue a request."""
        if len(request.prompt) >= self.max_length:
            request.fail(EngineError(f"a prompt of {len(request.prompt)} tokens leaves no room in {self.max_length}"))
            return
        request.max_length = min(request.max_length, self.max_length)
        self._requests.add(request)
        self._waiting.append(branch_of(request))

    @torch.inference_mode()
    def step(self) -> None:
        """One more token for every running sample, after letting in who waits."""
        try:
            if self._num_calls % CANCEL_STEPS == 0:
                self._drop_cancelled()
            self._num_calls += 1
            self._admit()
            if self._running.num_samples:
                self._make_room()
                self._decode()
        except RuntimeError as error:
            if not is_out_of_memory(error) or not self._retreat():
                raise

    def abandon(self, error: EngineError) -> None:
        """Fail every request and start afresh."""
        for request in self._requests:
            request.fail(error)
        self._requests.clear()
        self._waiting.clear()
        self.kv.clear()
        self._running = Running(self.kv, self._running.tokens.shape[0], self.max_length + 1)

    def _drop_cancelled(self) -> None:
        """Forget requests for which nobody waits."""
        cancelled = {request for request in self._requests if request.is_cancelled}
        if not cancelled:
            return
        self._requests -= cancelled
        for branch in self._waiting:
            pairs = zip(branch.samples, branch.logprobs, strict=True)
            kept = [(owner, logprob) for owner, logprob in pairs if owner[0] not in cancelled]
            branch.samples, branch.logprobs = [owner for owner, _ in kept], [logprob for _, logprob in kept]
        self._waiting = deque(branch for branch in self._waiting if branch.samples)
        self._running.take_out(np.array([owner[0] in cancelled for owner in self._running.owners], dtype=np.bool_))

    def _admit(self) -> None:
        """Let those in who came first, as many samples as there is room for."""
        if not self._waiting:
            return
        if self._running.num_samples == 0:
            # Rows far longer than what waits would leave room for too few of them.
            longest = max(len(branch.tokens) for branch in self._waiting)
            if self.kv.length > 2 * rounded(longest + LENGTH_STEP):
                self.kv.clear()
        joining: dict[tuple[object, ...], Branch] = {}
        count = 0
        while self._waiting:
            room = self._room(self._waiting[0]) - count
            if room <= 0:
                break
            branch = self._waiting.popleft()
            if len(branch.samples) > room:
                branch, rest = branch.split(room)
                self._waiting.appendleft(rest)
            count += len(branch.samples)
            if branch.key in joining:
                joining[branch.key].join(branch)
            else:
                joining[branch.key] = branch
        if joining:
            self._start(list(joining.values()))

    def _room(self, branch: Branch) -> int:
        """Samples that may join now if `branch` is among them; at least one where nothing runs."""
        running = self._running.num_samples
        length = max(self.kv.length, min(len(branch.tokens) + LENGTH_STEP, branch.max_length))
        room = min(self.max_samples, self.kv.max_rows(length)) - running
        return max(room, 1) if running == 0 else room

    def _start(self, branches: list[Branch]) -> None:
        """Fill rows for branches and let them run; they wait again if that fails."""
        try:
            order, known = self.prefill.fill([branch.tokens[:-1] for branch in branches], self._running.num_rows)
        except BaseException:
            self._waiting.extendleft(reversed(branches))
            raise
        for branch, cached in zip(branches, known, strict=True):
            self._count_prompts(branch, cached)
        self._running.append([branches[index] for index in order])

    def _count_prompts(self, branch: Branch, cached: int) -> None:
        """Note what the requests in a branch found in the cache; the first paid for what they share."""
        for request, _ in branch.samples:
            if request.cached_tokens is None:
                request.cached_tokens = min(cached, len(request.prompt) - 1)
                self.counts.prompt_tokens += len(request.prompt)
                self.counts.cached_tokens += request.cached_tokens
                cached = len(request.prompt) - 1

    def _make_room(self) -> None:
        """Have memory for the next token of every row, and for every sample to part from its row."""
        running = self._running
        needed = int(running.length[: running.num_rows].max())
        allowed = max(1, self.kv.max_rows(max(needed, self.kv.length)))
        if running.num_samples > allowed:
            self._park(running.num_samples - allowed, remember=True)
            needed = int(running.length[: running.num_rows].max())
        self.kv.reserve(running.num_samples, needed)

    def _park(self, count: int, remember: bool) -> None:
        """Take out the last `count` samples; with `remember` the prefix cache keeps what they have computed."""
        running = self._running
        leaving = np.arange(running.num_samples) >= running.num_samples - count
        if remember:
            for row in np.unique(running.rows[leaving]).tolist():
                self.cache.insert(running.sequence(row)[:-1], partial(self.kv.cut, row))
        self._waiting.extendleft(reversed(running.take_out(leaving)))
        self.counts.parked_samples += count

    def _retreat(self) -> bool:
        """After running out of memory: half as much at a time from now on; False where it was as little as can be."""
        self.counts.out_of_memory += 1
        is_least = self.max_samples == 1 and self.prefill.max_new_tokens == 1 and not self.cache.num_bytes
        self.max_samples = max(1, min(self.max_samples, max(1, self._running.num_samples)) // 2)
        self.prefill.max_new_tokens = max(1, self.prefill.max_new_tokens // 2)
        self.cache.shrink(self.cache.num_bytes // 2 if self.max_samples > 1 else 0)
        if self._running.num_samples > self.max_samples:
            self._park(self._running.num_samples - self.max_samples, remember=False)
        if self._running.num_samples == 0:
            self.kv.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return not is_least

    def _decode(self) -> None:
        """Feed the newest token of every row, draw the next one of every sample, and end those that are done."""
        running = self._running
        count = running.num_rows
        starts = running.length[:count] - 1
        tokens = running.tokens[np.arange(count), starts][:, None]
        logits = self.kv.forward(0, tokens, starts, starts + 1)
        positions = running.length[running.rows] - running.prompt_length[running.rows]
        noise = uniforms(running.keys, positions)
        drawn, logprobs = draw(logits, running.temperature[:count], running.rows, noise, self.truncation)
        # Branches: the distinct (row, token) pairs, ascending by row.
        pairs, branch_of_sample = np.unique(running.rows * logits.shape[-1] + drawn, return_inverse=True)
        rows, tokens = np.divmod(pairs, logits.shape[-1])
        stops = self._stops(rows, tokens)
        is_done = np.array([stop is not None for stop in stops]) | (
            running.length[rows] + 1 >= running.max_length[rows]
        )
        for row in np.unique(rows[is_done]).tolist():
            self.cache.insert(running.sequence(row), partial(self.kv.cut, row))
        running.logprobs = running.logprobs + logprobs
        self._finish(rows, tokens, stops, is_done, branch_of_sample)
        number = np.cumsum(~is_done) - 1
        kept = ~is_done[branch_of_sample]
        running.extend(rows[~is_done], tokens[~is_done], kept, number[branch_of_sample[kept]])
        self.counts.steps += 1
        self.counts.computed_tokens += count
        self.counts.sampled_tokens += len(drawn)

    def _stops(self, rows: Ints, tokens: Ints) -> list[str | None]:
        """The stop that each branch has come to, None while it goes on."""
        stops: list[str | None] = [None] * len(rows)
        running = self._running
        for index in np.flatnonzero(self.stops.is_stop[tokens]).tolist():
            stops[index] = self.stops.by_token[int(tokens[index])]
        for index in np.flatnonzero(self.stops.may_complete[tokens] & ~self.stops.is_stop[tokens]).tolist():
            row = rows[index]
            generated = running.tokens[row, running.prompt_length[row] : running.length[row]].tolist()
            stops[index] = self.stops.spelled([*generated, int(tokens[index])])
        return stops

    def _finish(
        self, rows: Ints, tokens: Ints, stops: Sequence[str | None], is_done: Flags, branch_of_sample: Ints
    ) -> None:
        """Hand the samples that are done to their requests."""
        running = self._running
        ended: dict[int, Generation] = {}
        for index in np.flatnonzero(is_done).tolist():
            row = rows[index]
            generated = running.tokens[row, running.prompt_length[row] : running.length[row]].tolist()
            ended[index] = Generation((*generated, int(tokens[index])), stops[index])
        for sample in np.flatnonzero(is_done[branch_of_sample]).tolist():
            request, number = running.owners[sample]
            request.finish(number, ended[int(branch_of_sample[sample])], float(running.logprobs[sample]))
            if request.num_left == 0:
                self._requests.discard(request)
