"""A reward read at the last token of a sequence: what all reward models on transformers have in common.

The value is tanh(logit / scale), where the logit is what a head says of the model's last hidden state at that token. A
probability p as value, 2 p - 1, is the same thing: with p = sigmoid(logit), 2 p - 1 = tanh(logit / 2), a scale of 2.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import torch
from transformers import PreTrainedModel

from rstar.engines.loading import context_limit
from rstar.engines.scoring import Logits, PlacesRequest, Scorer, ScoreRequest
from rstar.engines.transformers import MAX_CONTEXT_TOKENS, default_kv_bytes
from rstar.engines.worker import Worker
from rstar.types import Scores, Trajectory
from tasks.types import InputError

MAX_SEQUENCES = 256
"""Trajectories that are scored in one pass. Chosen, not tuned."""


def value_of(logit: float, scale: float) -> float:
    """tanh(logit / scale), in [-1, 1]."""
    return math.tanh(logit / scale)


class LastTokenReward(ABC):
    """A `RewardModel`. Use it as a context manager, or call `close`: it has a thread of its own."""

    def __init__(
        self,
        model: PreTrainedModel,
        scale: float,
        *,
        head: torch.nn.Module | None = None,
        max_context_tokens: int = MAX_CONTEXT_TOKENS,
        max_sequences: int = MAX_SEQUENCES,
        kv_bytes: int | None = None,
    ) -> None:
        """`head` takes hidden states [rows, hidden size] to logits [rows, 1]; None: the model's own, named `score`.

        `kv_bytes` None is 1 GiB on a CPU, 0.4 of what is free on a GPU. Raises InputError for a setting out of range,
        and for a model that the engine cannot run.
        """
        if max_sequences < 1:
            raise InputError(f"max_sequences = {max_sequences} is less than 1")
        self.model, self.scale = model, scale
        self.max_context_tokens = context_limit(model, max_context_tokens)
        self.num_truncated = 0
        """Trajectories longer than the context, of which only the last `max_context_tokens` tokens were read."""
        scorer = Scorer(
            model,
            head=head,
            max_sequences=max_sequences,
            max_length=self.max_context_tokens,
            kv_bytes=default_kv_bytes(model.device) if kv_bytes is None else kv_bytes,
        )
        self._worker: Worker[ScoreRequest | PlacesRequest] = Worker(scorer, "reward engine")

    @abstractmethod
    def sequence(self, trajectory: Trajectory) -> tuple[int, ...]:
        """The token ids of a trajectory, up to the one at which its last step is judged."""

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """The value of each trajectory after its last step. Raises EngineError where the engine fails."""
        if not trajectories:
            return Scores((), 0, 0, 0.0)
        start = time.monotonic()
        read = [self._last(self.sequence(trajectory)) for trajectory in trajectories]
        return await self._answer(ScoreRequest(read), sum(map(len, read)), start)

    async def score_places(self, sequence: tuple[int, ...], places: Sequence[int]) -> Scores:
        """The values at several tokens of one sequence, `places` ascending, in one pass over it.

        Raises EngineError where the engine fails, ValueError for a sequence longer than the context.
        """
        if len(sequence) > self.max_context_tokens:
            raise ValueError(f"{len(sequence)} tokens are more than max_context_tokens = {self.max_context_tokens}")
        return await self._answer(PlacesRequest(sequence, places), len(sequence), time.monotonic())

    async def _answer(self, request: ScoreRequest | PlacesRequest, num_tokens: int, start: float) -> Scores:
        logits: Logits = await self._worker.ask(request)
        values = tuple(value_of(logit, self.scale) for logit in logits.values)
        return Scores(values, num_tokens, logits.cached_tokens, time.monotonic() - start)

    def close(self) -> None:
        """End the engine's thread; requests that still wait get an EngineError."""
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _last(self, sequence: tuple[int, ...]) -> tuple[int, ...]:
        if len(sequence) > self.max_context_tokens:
            # The end is what is judged. The released server keeps the beginning, and so loses the step in question.
            self.num_truncated += 1
            return sequence[-self.max_context_tokens :]
        return sequence
