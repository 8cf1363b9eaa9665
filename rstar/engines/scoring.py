"""Scores of many sequences at once: one number at the last token of each, with prefix reuse."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel

from rstar.engines.kv_rows import LENGTH_STEP, KVRows
from rstar.engines.prefill import Prefill
from rstar.engines.prefix_cache import PrefixCache
from rstar.engines.worker import EngineError, Job, is_out_of_memory
from tasks.types import InputError


@dataclass(frozen=True, slots=True)
class Logits:
    """The answer to a request."""

    values: tuple[float, ...]
    """What the head says at the last token of each sequence, in order."""
    cached_tokens: int
    """Tokens of the sequences whose keys and values were not computed for them."""


class ScoreRequest(Job[Logits]):
    """Sequences to be scored; each has at least one token."""

    __slots__ = ("cached_tokens", "num_left", "sequences", "values")

    def __init__(self, sequences: list[tuple[int, ...]]) -> None:
        """`sequences` is not empty."""
        super().__init__()
        self.sequences = sequences
        self.values = [0.0] * len(sequences)
        self.num_left = len(sequences)
        self.cached_tokens = 0

    def take(self, index: int, value: float, cached_tokens: int) -> None:
        """Note the score of one sequence, and answer when it was the last."""
        self.values[index] = value
        self.cached_tokens += cached_tokens
        self.num_left -= 1
        if self.num_left == 0:
            self.answer(Logits(tuple(self.values), self.cached_tokens))


class PlacesRequest(Job[Logits]):
    """One sequence to be scored at several of its places, in one pass over it."""

    __slots__ = ("places", "sequence")

    def __init__(self, sequence: tuple[int, ...], places: Sequence[int]) -> None:
        """`places` are indices of `sequence`, at least one, ascending; `sequence` has two tokens or more."""
        super().__init__()
        self.sequence, self.places = sequence, tuple(places)


class Scorer:
    """Scores for many requests at once. Belongs to one thread."""

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        max_sequences: int,
        max_length: int,
        kv_bytes: int,
        head: torch.nn.Module | None = None,
    ) -> None:
        """A quarter of `kv_bytes` is for the sequences at work, the rest for the prefix cache.

        `head` takes hidden states [rows, hidden size] to [rows, 1]; None: the model's own, named `score`. Raises
        InputError where the memory is too little, and for a model without a head for one number.
        """
        head = getattr(model, "score", None) if head is None else head
        if not isinstance(head, torch.nn.Module):
            raise InputError(f"architecture {model.config.model_type!r} has no head named `score`; use another one")
        self.head = head
        self.max_sequences, self.max_length = max_sequences, max_length
        self.kv = KVRows(model, kv_bytes // 4)
        self.cache = PrefixCache(kv_bytes - kv_bytes // 4)
        self.prefill = Prefill(self.kv, self.cache)
        if self.kv.max_rows(max_length) < 1:
            needed = 8 * self.kv.bytes_per_token * (max_length + LENGTH_STEP)
            raise InputError(
                f"kv_bytes = {kv_bytes} (kv_memory_mb = {kv_bytes >> 20}) does not hold one sequence of {max_length} "
                f"tokens; give at least {needed} ({(needed >> 20) + 1} MiB), or a smaller max_context_tokens"
            )
        self._waiting: deque[tuple[ScoreRequest, int]] = deque()
        self._places: deque[PlacesRequest] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting and not self._places

    def add(self, request: ScoreRequest | PlacesRequest) -> None:
        """Queue a request."""
        if isinstance(request, PlacesRequest):
            self._places.append(request)
            return
        self._waiting.extend((request, index) for index in range(len(request.sequences)))

    @torch.inference_mode()
    def step(self) -> None:
        """Score as many sequences as fit, those that came first; one at several places goes alone."""
        if self._places:
            # It stays in the queue until it is answered: a failure finds it there.
            self._score_places(self._places[0])
            self._places.popleft()
            return
        batch = self._take()
        if not batch:
            return
        try:
            self._score(batch)
        except Exception as error:
            self._waiting.extendleft(reversed(batch))
            if not is_out_of_memory(error) or not self._retreat():
                raise

    def abandon(self, error: EngineError) -> None:
        """Fail every request and start afresh."""
        for request in {request for request, _ in self._waiting}:
            request.fail(error)
        for marked in self._places:
            marked.fail(error)
        self._places.clear()
        self._waiting.clear()
        self.kv.clear()

    def _take(self) -> list[tuple[ScoreRequest, int]]:
        batch: list[tuple[ScoreRequest, int]] = []
        longest = 1
        while self._waiting and len(batch) < self.max_sequences:
            request, index = self._waiting[0]
            longest = max(longest, len(request.sequences[index]))
            if len(batch) >= self.kv.max_rows(longest):
                break
            self._waiting.popleft()
            if not request.future.done():
                batch.append((request, index))
        return batch

    def _score(self, batch: list[tuple[ScoreRequest, int]]) -> None:
        distinct = list(dict.fromkeys(request.sequences[index] for request, index in batch))
        if self.kv.max_rows(self.kv.length) < len(distinct):
            self.kv.clear()
        order, known = self.prefill.fill([sequence[:-1] for sequence in distinct], 0)
        starts = np.array([len(distinct[index]) - 1 for index in order])
        tokens = np.array([[distinct[index][-1]] for index in order])
        hidden = self.kv.forward(0, tokens, starts, starts + 1, body_only=True)
        logits = self.head(hidden)[:, 0].float().cpu().tolist()
        found = {distinct[index]: (logit, known[index]) for logit, index in zip(logits, order, strict=True)}
        for request, number in batch:
            sequence = request.sequences[number]
            request.take(number, *found[sequence])
            # One more of the same costs nothing but its look-up.
            found[sequence] = (found[sequence][0], len(sequence))

    def _score_places(self, request: PlacesRequest) -> None:
        if request.future.done():
            return
        self.kv.clear()
        self.kv.reserve(1, len(request.sequence) + 1)
        tokens, ends = np.array([request.sequence]), np.array([len(request.sequence)])
        hidden = self.kv.forward(0, tokens, np.array([0]), ends, body_only=True, columns=request.places)
        logits = self.head(hidden.view(len(request.places), -1))[:, 0].float().cpu().tolist()
        request.answer(Logits(tuple(logits), 0))

    def _retreat(self) -> bool:
        """After running out of memory: half as much at a time from now on; False where it was as little as can be."""
        is_least = self.max_sequences == 1 and self.prefill.max_new_tokens == 1 and not self.cache.num_bytes
        self.max_sequences = max(1, self.max_sequences // 2)
        self.prefill.max_new_tokens = max(1, self.prefill.max_new_tokens // 2)
        self.cache.shrink(self.cache.num_bytes // 2 if self.max_sequences > 1 else 0)
        self.kv.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return not is_least
