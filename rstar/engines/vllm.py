"""A policy on vLLM: token ids in and out, seeds by address, prompts from its prefix cache.

Every sample is a request of its own with a seed of its own, derived from that of the proposal. So what a sample draws
does not depend on how many were asked for, nor on what else is in the batch as far as floating-point sums do not; and
each says what the prefix cache held of its prompt. vLLM never sees text: prompts are the tokens of
`rstar.engines.prompt_tokens`, replies are decoded here.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from transformers import PreTrainedTokenizerBase

from rstar.engines.loading import load_config, load_tokenizer
from rstar.engines.prompt_tokens import PromptTokens
from rstar.engines.sampler import Truncation
from rstar.engines.stops import EOS, Stops, make_stops, written
from rstar.engines.vllm_admission import Prompt
from rstar.engines.vllm_core import Aborted, VllmCore
from rstar.engines.vllm_installed import choose_platform, installed_version
from rstar.engines.vllm_loading import check_stops, model_context, open_core
from rstar.engines.vllm_settings import VllmSettings
from rstar.prompts import Layout, settled_stop, stops_of
from rstar.seeds import derive
from rstar.types import Candidate, Proposal, Trajectory
from tasks.types import InputError

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.v1.engine.async_llm import AsyncLLM

MAX_NEW_TOKENS = 2048
"""Of one step: released `sft_eval_mcts.yaml`."""
MAX_CONTEXT_TOKENS = 4096
"""Of prompt and solution: model length of the released configurations."""
MAX_TEMPERATURE = 2.0
"""`SamplingParams` of vLLM 0.32 refuses more."""
MAX_SAMPLES = 256
"""Candidates that are generated at once: vLLM's own default of `max_num_seqs`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What vLLM wrote for one candidate."""

    tokens: tuple[int, ...]
    """The token that ended it included."""
    stop: str | None
    logprob: float | None
    cached_tokens: int


class VllmPolicy:
    """A `Policy`. Use it as a context manager, or call `close`: it has a process and a thread of its own."""

    def __init__(
        self,
        core: VllmCore,
        tokenizer: PreTrainedTokenizerBase,
        stops: Stops,
        prompts: PromptTokens,
        *,
        max_new_tokens: int,
        max_context_tokens: int,
        truncation: Truncation,
        with_logprobs: bool,
    ) -> None:
        """Made by `load`."""
        self.core, self.tokenizer, self.stops, self.prompts = core, tokenizer, stops, prompts
        self.max_new_tokens, self.max_context_tokens = max_new_tokens, max_context_tokens
        self.truncation, self.with_logprobs = truncation, with_logprobs
        self._numbers = itertools.count()

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        layout: Layout = "rstar-sft",
        chat_template: str = "",
        stops: tuple[str, ...] | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
        max_context_tokens: int = MAX_CONTEXT_TOKENS,
        max_samples: int = MAX_SAMPLES,
        kv_bytes: int | None = None,
        top_k: int = 0,
        top_p: float = 1.0,
        with_logprobs: bool = False,
        settings: VllmSettings | None = None,
        is_shared: bool = False,
    ) -> Self:
        """A policy from a folder with a saved model and tokenizer; `is_shared`: another model is on the same GPU.

        `stops` None are those of the layout. `with_logprobs` asks for the candidates' log-probabilities, which cost
        speed (docs/vllm.md). Raises InputError for a folder, a machine or a setting that does not serve.
        """
        settings, path = settings or VllmSettings(), Path(folder)
        for name, value in (("max_new_tokens", max_new_tokens), ("max_samples", max_samples)):
            if value < 1:
                raise InputError(f"{name} = {value} is less than 1")
        platform = choose_platform(device)
        config = load_config(path, "policy")
        longest = model_context(path, config, "policy", max_context_tokens)
        tokenizer = load_tokenizer(path, "policy")
        prompts = PromptTokens(tokenizer, layout, is_writer=True, template=chat_template)
        if stops is None and layout == "rstar-sft":
            check_stops(path, tokenizer)
        known = make_stops(
            tokenizer,
            stops_of(layout) if stops is None else stops,
            end_tokens(path, config, tokenizer),
            int(config.get_text_config().vocab_size),
        )
        core = open_core(
            path,
            "policy",
            platform=platform,
            device=device,
            dtype=dtype,
            max_context_tokens=longest,
            max_samples=max_samples,
            max_new_tokens=max_new_tokens,
            kv_bytes=kv_bytes,
            settings=settings,
            is_shared=is_shared,
        )
        return cls(
            core,
            tokenizer,
            known,
            prompts,
            max_new_tokens=max_new_tokens,
            max_context_tokens=longest,
            truncation=Truncation(top_k, top_p),
            with_logprobs=with_logprobs,
        )

    def settings(self) -> dict[str, Any]:
        """What it runs with, for a record: as chosen, where a setting was left open."""
        return {
            "vllm_version": installed_version(),
            "dtype": self.core.dtype,
            "kv_tokens": self.core.capacity_tokens,
            "max_samples": self.core.admission.max_samples,
            "max_context_tokens": self.max_context_tokens,
        }

    def counters(self) -> dict[str, Any]:
        """What the engine has done so far, preemptions and the prefix cache's share included."""
        return self.core.counts.for_json() | {"most_admitted": self.core.admission.most_inside}

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        """`num_candidates` next steps. A prefix that fills the context gets empty ones, as cut off by the length cap.

        Raises EngineError where the engine fails.
        """
        if num_candidates < 1 or temperature < 0:
            raise ValueError(f"num_candidates = {num_candidates}, temperature = {temperature}")
        if temperature > MAX_TEMPERATURE:
            raise InputError(
                f"temperature = {temperature} is more than vLLM takes ({MAX_TEMPERATURE:g}); use less, or --engine "
                "transformers"
            )
        start = time.monotonic()
        prompt = self.prompts.of(prefix)
        if len(prompt) >= self.max_context_tokens:
            empty = Candidate("", (), 0, 0.0, None)
            return Proposal((empty,) * num_candidates, len(prompt), len(prompt), time.monotonic() - start)
        samples = await self.core.ask(
            lambda engine: self._samples(engine, list(prompt), num_candidates, seed, temperature)
        )
        candidates = self._candidates(prompt[-1], samples)
        # The first sample to run pays for what all share.
        cached = min(sample.cached_tokens for sample in samples)
        return Proposal(candidates, len(prompt), cached, time.monotonic() - start)

    def close(self) -> None:
        """End the engine; requests that still wait get an EngineError."""
        self.core.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _samples(
        self, engine: AsyncLLM, prompt: list[int], count: int, seed: int, temperature: float
    ) -> list[Sample]:
        """The samples of one proposal. Where the most likely tokens are asked for, one stands for all."""
        shared = Prompt(len(prompt))
        if temperature == 0:
            return [await self._sample(engine, prompt, shared, self._params(len(prompt), seed, 0.0))] * count
        return await together(
            [
                self._sample(
                    engine,
                    prompt,
                    shared,
                    self._params(len(prompt), derive(seed, index), temperature),
                )
                for index in range(count)
            ]
        )

    async def _sample(self, engine: AsyncLLM, prompt: list[int], shared: Prompt, params: SamplingParams) -> Sample:
        admission = self.core.admission
        async with admission.place(shared):
            request: Any = {"type": "token", "prompt_token_ids": prompt}
            output = await last(engine.generate(request, params, request_id=str(next(self._numbers))))
            completion = output.outputs[0]
            if completion.finish_reason not in ("stop", "length"):
                raise Aborted(f"finish reason {completion.finish_reason}")
            admission.note_length(len(completion.token_ids))
        return Sample(
            tuple(completion.token_ids),
            self._stop_of(completion),
            completion.cumulative_logprob if self.with_logprobs else None,
            output.num_cached_tokens or 0,
        )

    def _params(self, prompt_tokens: int, seed: int, temperature: float) -> SamplingParams:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            temperature=temperature,
            top_p=self.truncation.top_p,
            top_k=self.truncation.top_k,
            seed=seed,
            max_tokens=min(self.max_new_tokens, self.max_context_tokens - prompt_tokens),
            stop_token_ids=list(self.stops.by_token),
            stop=list(self.stops.texts),
            detokenize=bool(self.stops.texts),
            include_stop_str_in_output=True,
            # A stop string that is spelled by special tokens is seen only where these are written out.
            skip_special_tokens=False,
            logprobs=0 if self.with_logprobs else None,
            output_kind=RequestOutputKind.FINAL_ONLY,
            skip_clone=True,
        )

    def _stop_of(self, output: Any) -> str | None:
        """Name of what ended a sample: a stop string, `eos`, or None for the length cap."""
        if output.finish_reason == "length":
            return None
        if isinstance(output.stop_reason, int):
            return self.stops.by_token.get(output.stop_reason, EOS)
        return output.stop_reason or self.stops.by_token.get(output.token_ids[-1], EOS)

    def _candidates(self, last_token: int, samples: Sequence[Sample]) -> tuple[Candidate, ...]:
        found = []
        for sample in samples:
            text, tokens = written(self.stops, last_token, sample.tokens, sample.stop)
            stop = settled_stop(text, sample.stop, self.prompts.layout)
            found.append(Candidate(text, tokens, len(sample.tokens), sample.logprob, stop))
        return tuple(found)


async def last(outputs: AsyncIterator[Any]) -> Any:
    """The last of a request's outputs, which is the whole one."""
    output = None
    async for output in outputs:  # noqa: B007 - what is left of it after the loop is the point
        pass
    return output


async def together(samples: Sequence[Any]) -> list[Any]:
    """All results, in order; the first failure ends the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(sample) for sample in samples]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


def end_tokens(folder: Path, config: Any, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The end-of-text tokens that model and tokenizer name."""
    from transformers import GenerationConfig

    sources = [config.get_text_config(), tokenizer]
    if (folder / "generation_config.json").is_file():
        sources.append(GenerationConfig.from_pretrained(folder))
    named: set[int] = set()
    for source in sources:
        token = getattr(source, "eos_token_id", None)
        named.update([token] if isinstance(token, int) else token or [])
    return sorted(named)
