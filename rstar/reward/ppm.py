"""The process preference model (PPM) on transformers: a language model with a head for one number.

The value of a trajectory is tanh(logit / scale), where the logit is the head's output at the trajectory's last token.
Training works on the logit alone, as the released code does: the pairwise loss sees differences of logits, no tanh and
no scale. The scale belongs to serving: 5 as released (`tanh(logit / 5)`), unless the model's configuration has a
`value_scale` of its own. The paper has the tanh inside the model; that is a scale of 1.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rstar.engines.loading import Dtype, choose_device, choose_dtype, context_limit, load_model, load_tokenizer
from rstar.engines.prompt_tokens import PromptTokens
from rstar.engines.scoring import Logits, Scorer, ScoreRequest
from rstar.engines.transformers import MAX_CONTEXT_TOKENS, default_kv_bytes
from rstar.engines.worker import Worker
from rstar.prompts import Layout
from rstar.types import Scores, Trajectory
from tasks.types import InputError

VALUE_SCALE = 5.0
"""Released serving code: tanh(logit / 5)."""
MAX_SEQUENCES = 256
"""Trajectories that are scored in one pass. Chosen, not tuned."""


def value_of(logit: float, scale: float = VALUE_SCALE) -> float:
    """tanh(logit / scale), in [-1, 1]."""
    return math.tanh(logit / scale)


class TransformersPPM:
    """A `RewardModel`. Use it as a context manager, or call `close`: it has a thread of its own."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        layout: Layout = "rstar-sft",
        max_context_tokens: int = MAX_CONTEXT_TOKENS,
        max_sequences: int = MAX_SEQUENCES,
        kv_bytes: int | None = None,
    ) -> None:
        """`kv_bytes` None is 1 GiB on a CPU, 0.4 of what is free on a GPU.

        Raises InputError for a setting out of range, and for a model that the engine cannot run.
        """
        self.model = model
        self.scale = float(getattr(model.config, "value_scale", VALUE_SCALE))
        if not self.scale > 0:
            raise InputError(f"value_scale = {self.scale} in the model's config.json is not positive; remove or set it")
        if max_sequences < 1:
            raise InputError(f"max_sequences = {max_sequences} is less than 1")
        self.max_context_tokens = context_limit(model, max_context_tokens)
        self.num_truncated = 0
        """Trajectories longer than the context, of which only the last `max_context_tokens` tokens were read."""
        self.prompts = PromptTokens(tokenizer, layout)
        scorer = Scorer(
            model,
            max_sequences=max_sequences,
            max_length=self.max_context_tokens,
            kv_bytes=default_kv_bytes(model.device) if kv_bytes is None else kv_bytes,
        )
        self._worker: Worker[ScoreRequest] = Worker(scorer, "reward engine")

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        device: str = "auto",
        dtype: Dtype = "auto",
        layout: Layout = "rstar-sft",
        max_context_tokens: int = MAX_CONTEXT_TOKENS,
        max_sequences: int = MAX_SEQUENCES,
        kv_bytes: int | None = None,
    ) -> Self:
        """A PPM from a folder with a saved model and tokenizer. Raises InputError for one that does not serve."""
        chosen = choose_device(device)
        model = load_model(Path(folder), "reward model", chosen, choose_dtype(dtype, chosen))
        return cls(
            model,
            load_tokenizer(Path(folder), "reward model"),
            layout=layout,
            max_context_tokens=max_context_tokens,
            max_sequences=max_sequences,
            kv_bytes=kv_bytes,
        )

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """The value of each trajectory after its last step. Raises EngineError where the engine fails."""
        if not trajectories:
            return Scores((), 0, 0, 0.0)
        start = time.monotonic()
        sequences = [self._tokens(trajectory) for trajectory in trajectories]
        logits: Logits = await self._worker.ask(ScoreRequest(sequences))
        values = tuple(value_of(logit, self.scale) for logit in logits.values)
        return Scores(values, sum(map(len, sequences)), logits.cached_tokens, time.monotonic() - start)

    def close(self) -> None:
        """End the engine's thread; requests that still wait get an EngineError."""
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tokens(self, trajectory: Trajectory) -> tuple[int, ...]:
        tokens = self.prompts.of(trajectory)
        if len(tokens) > self.max_context_tokens:
            # The end is what is judged. The released server keeps the beginning, and so loses the step in question.
            self.num_truncated += 1
            return tokens[-self.max_context_tokens :]
        return tokens
