"""A policy on any causal language model of transformers: continuous batching, prefix reuse, addressed randomness.

What a request draws is a function of its seed and its own logits (see `rstar.engines.sampler`), so it does not depend
on what else is in the batch, as far as floating-point sums do not.
"""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rstar.engines.batcher import BatchCounts, Batcher
from rstar.engines.generation import Generation, Generations, Request
from rstar.engines.loading import Dtype, choose_device, choose_dtype, context_limit, load_model, load_tokenizer
from rstar.engines.prompt_tokens import PromptTokens
from rstar.engines.sampler import Truncation
from rstar.engines.stops import Stops, make_stops, written
from rstar.engines.worker import Worker
from rstar.prompts import Layout, settled_stop, stops_of
from rstar.types import Candidate, Proposal, Trajectory
from tasks.types import InputError

MAX_NEW_TOKENS = 2048
"""Of one step: released `sft_eval_mcts.yaml`."""
MAX_CONTEXT_TOKENS = 4096
"""Of prompt and solution: model length of the released configurations."""
MAX_SAMPLES = 512
"""Candidates that are generated at once. Chosen, not tuned."""
CPU_KV_BYTES = 1 << 30
"""For keys and values on a CPU. Chosen, not tuned."""
GPU_KV_SHARE = 0.4
"""Share of a GPU's free memory for keys and values, so that a policy and a reward model fit. Chosen, not tuned."""


class TransformersPolicy:
    """A `Policy`. Use it as a context manager, or call `close`: it has a thread of its own."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        layout: Layout = "rstar-sft",
        chat_template: str = "",
        stops: tuple[str, ...] | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
        max_context_tokens: int = MAX_CONTEXT_TOKENS,
        max_samples: int = MAX_SAMPLES,
        kv_bytes: int | None = None,
        top_k: int = 0,
        top_p: float = 1.0,
    ) -> None:
        """`stops` None are those of the layout; `kv_bytes` None is 1 GiB on a CPU, 0.4 of what is free on a GPU.

        `chat_template` names one (see `rstar.chat`) in place of the tokenizer's own. Raises InputError for a setting
        out of range, and for a model that the engine cannot run.
        """
        for name, value in (("max_new_tokens", max_new_tokens), ("max_samples", max_samples)):
            if value < 1:
                raise InputError(f"{name} = {value} is less than 1")
        self.model, self.tokenizer = model, tokenizer
        self.max_new_tokens = max_new_tokens
        self.max_context_tokens = context_limit(model, max_context_tokens)
        self.prompts = PromptTokens(tokenizer, layout, is_writer=True, template=chat_template)
        strings = stops_of(layout) if stops is None else stops
        self.kv_bytes = default_kv_bytes(model.device) if kv_bytes is None else kv_bytes
        """Memory for keys and values, in bytes."""
        vocabulary = model.get_output_embeddings().weight.shape[0]  # type: ignore[no-untyped-call]
        self.stops: Stops = make_stops(tokenizer, strings, end_tokens(model, tokenizer), vocabulary)
        self._batcher = Batcher(
            model,
            self.stops,
            Truncation(top_k, top_p),
            max_samples=max_samples,
            max_length=self.max_context_tokens,
            kv_bytes=self.kv_bytes,
        )
        self._worker: Worker[Request] = Worker(self._batcher, "policy engine")

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        device: str = "auto",
        dtype: Dtype = "auto",
        layout: Layout = "rstar-sft",
        chat_template: str = "",
        stops: tuple[str, ...] | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
        max_context_tokens: int = MAX_CONTEXT_TOKENS,
        max_samples: int = MAX_SAMPLES,
        kv_bytes: int | None = None,
        top_k: int = 0,
        top_p: float = 1.0,
    ) -> Self:
        """A policy from a folder with a saved model and tokenizer. Raises InputError for one that does not serve."""
        chosen = choose_device(device)
        model = load_model(Path(folder), "policy", chosen, choose_dtype(dtype, chosen))
        return cls(
            model,
            load_tokenizer(Path(folder), "policy"),
            layout=layout,
            chat_template=chat_template,
            stops=stops,
            max_new_tokens=max_new_tokens,
            max_context_tokens=max_context_tokens,
            max_samples=max_samples,
            kv_bytes=kv_bytes,
            top_k=top_k,
            top_p=top_p,
        )

    @property
    def counts(self) -> BatchCounts:
        """What the engine has done so far."""
        return self._batcher.counts

    def settings(self) -> dict[str, Any]:
        """What it runs with, for a record: as chosen, where a setting was left open."""
        return {
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "kv_memory_mb": self.kv_bytes >> 20,
            "max_samples": self._batcher.max_samples,
            "max_context_tokens": self.max_context_tokens,
        }

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        """`num_candidates` next steps. A prefix that fills the context gets empty ones, as cut off by the length cap.

        Raises EngineError where the engine fails.
        """
        if num_candidates < 1 or temperature < 0:
            raise ValueError(f"num_candidates = {num_candidates}, temperature = {temperature}")
        start = time.monotonic()
        prompt = self.prompts.of(prefix)
        if len(prompt) >= self.max_context_tokens:
            empty = Candidate("", (), 0, 0.0, None)
            return Proposal((empty,) * num_candidates, len(prompt), len(prompt), time.monotonic() - start)
        request = Request(prompt, num_candidates, seed, temperature, self.max_new_tokens)
        generations: Generations = await self._worker.ask(request)
        candidates = self._candidates(prompt[-1], generations)
        return Proposal(candidates, len(prompt), generations.cached_tokens, time.monotonic() - start)

    def close(self) -> None:
        """End the engine's thread; requests that still wait get an EngineError."""
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _candidates(self, last_token: int, generations: Generations) -> tuple[Candidate, ...]:
        written: dict[int, tuple[str, tuple[int, ...]]] = {}
        for each in generations.samples:
            if id(each) not in written:
                written[id(each)] = self._written(last_token, each)
        return tuple(
            Candidate(
                *written[id(each)],
                len(each.tokens),
                logprob,
                settled_stop(written[id(each)][0], each.stop, self.prompts.layout),
            )
            for each, logprob in zip(generations.samples, generations.logprobs, strict=True)
        )

    def _written(self, last_token: int, generation: Generation) -> tuple[str, tuple[int, ...]]:
        """The text of a generation, and its tokens; none where the text ends inside of one."""
        return written(self.stops, last_token, generation.tokens, generation.stop)


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The end-of-text tokens that model and tokenizer name."""
    named: set[int] = set()
    for source in (model.generation_config, model.config.get_text_config(), tokenizer):
        token = getattr(source, "eos_token_id", None)
        named.update([token] if isinstance(token, int) else token or [])
    return sorted(named)


def default_kv_bytes(device: torch.device) -> int:
    """Memory for keys and values where the user has not said how much."""
    if device.type != "cuda":
        return CPU_KV_BYTES
    free, _ = torch.cuda.mem_get_info(device)
    return int(free * GPU_KV_SHARE)
