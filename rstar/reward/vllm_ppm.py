"""The process preference model (PPM) on vLLM: its pooling engine gives the head's output at the last token.

The same model, prompt and convention as `rstar.reward.ppm`: tanh(logit / scale), the logit without any activation of
vLLM's. An outcome reward model has the same head and is served by the same class.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rstar.engines.loading import load_config, load_tokenizer
from rstar.engines.prompt_tokens import PromptTokens
from rstar.engines.vllm import MAX_CONTEXT_TOKENS, last, together
from rstar.engines.vllm_admission import Prompt
from rstar.engines.vllm_core import VllmCore
from rstar.engines.vllm_installed import choose_platform
from rstar.engines.vllm_loading import model_context, open_core
from rstar.engines.vllm_settings import VllmSettings
from rstar.engines.worker import EngineError
from rstar.prompts import Layout
from rstar.reward.last_token import value_of
from rstar.reward.ppm import VALUE_SCALE
from rstar.reward.released_ppm import servable
from rstar.types import Scores, Trajectory
from tasks.types import InputError

if TYPE_CHECKING:
    from vllm.v1.engine.async_llm import AsyncLLM

MAX_SEQUENCES = 256
"""Trajectories that are scored at once: vLLM's own default of `max_num_seqs`."""


class VllmPPM:
    """A `RewardModel`. Use it as a context manager, or call `close`: it has a process and a thread of its own."""

    def __init__(self, core: VllmCore, prompts: PromptTokens, scale: float, max_context_tokens: int) -> None:
        """Made by `load`."""
        self.core, self.prompts, self.scale = core, prompts, scale
        self.max_context_tokens = max_context_tokens
        self.num_truncated = 0
        """Trajectories longer than the context, of which only the last `max_context_tokens` tokens were read."""
        self._numbers = itertools.count()

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        layout: Layout = "rstar-sft",
        max_context_tokens: int = MAX_CONTEXT_TOKENS,
        max_sequences: int = MAX_SEQUENCES,
        kv_bytes: int | None = None,
        settings: VllmSettings | None = None,
        is_shared: bool = False,
    ) -> Self:
        """A PPM from a folder with a saved model and tokenizer, in our layout or the released one (`value_head.bin`).

        `device` is the policy's: `settings.ppm_device` goes before it. `is_shared`: another model is on the same GPU.
        Raises InputError for a folder, a machine or a setting that does not serve.
        """
        if max_sequences < 1:
            raise InputError(f"max_sequences = {max_sequences} is less than 1")
        settings = settings or VllmSettings()
        device = settings.ppm_device or device
        platform = choose_platform(device)
        path = servable(Path(folder))
        config = load_config(path, "reward model")
        longest = model_context(path, config, "reward model", max_context_tokens)
        prompts = PromptTokens(load_tokenizer(path, "reward model"), layout)
        core = open_core(
            path,
            "reward",
            platform=platform,
            device=device,
            dtype=dtype,
            max_context_tokens=longest,
            max_samples=max_sequences,
            max_new_tokens=0,
            kv_bytes=kv_bytes,
            settings=settings,
            is_shared=is_shared,
        )
        return cls(core, prompts, value_scale(config), longest)

    def counters(self) -> dict[str, Any]:
        """What the engine has done so far, the prefix cache's share included."""
        return self.core.counts.for_json()

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """The value of each trajectory after its last step. Raises EngineError where the engine fails."""
        if not trajectories:
            return Scores((), 0, 0, 0.0)
        start = time.monotonic()
        sequences = [self._tokens(trajectory) for trajectory in trajectories]
        logits: list[tuple[float, int]] = await self.core.ask(
            lambda engine: together([self._logit(engine, list(sequence)) for sequence in sequences])
        )
        values = tuple(value_of(logit, self.scale) for logit, _ in logits)
        cached = sum(cached for _, cached in logits)
        return Scores(values, sum(map(len, sequences)), cached, time.monotonic() - start)

    def close(self) -> None:
        """End the engine; requests that still wait get an EngineError."""
        self.core.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _logit(self, engine: AsyncLLM, sequence: list[int]) -> tuple[float, int]:
        """What the head says at the last token, and how many tokens the prefix cache held."""
        from vllm import PoolingParams

        # `use_activation` False: the head's own output, not its sigmoid.
        params = PoolingParams(task="classify", use_activation=False)
        async with self.core.admission.place(Prompt(len(sequence))):
            request: Any = {"type": "token", "prompt_token_ids": sequence}
            output = await last(engine.encode(request, params, request_id=str(next(self._numbers))))
        logit = float(output.outputs.data.reshape(-1)[-1])
        if not math.isfinite(logit):
            raise EngineError(f"the reward model gave {logit} for a sequence of {len(sequence)} tokens")
        return logit, output.num_cached_tokens or 0

    def _tokens(self, trajectory: Trajectory) -> tuple[int, ...]:
        tokens = self.prompts.of(trajectory)
        if len(tokens) > self.max_context_tokens:
            # The end is what is judged, as in `rstar.reward.last_token`.
            self.num_truncated += 1
            return tokens[-self.max_context_tokens :]
        return tokens


def value_scale(config: Any) -> float:
    """The scale in a model's configuration, 5 where it has none. Raises InputError for one that is not positive."""
    scale = float(getattr(config, "value_scale", VALUE_SCALE))
    if not scale > 0:
        raise InputError(f"value_scale = {scale} in the model's config.json is not positive; remove or set it")
    return scale
