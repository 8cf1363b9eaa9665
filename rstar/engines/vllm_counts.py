"""What a vLLM engine has done: counted by its own scheduler, step by step, and by what starts and restarts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class EngineCounts:
    """Over all of an engine's lives. What was under way when it died is counted again when it is sent again."""

    prompt_tokens: int = 0
    """Of all sequences, each sample's own prompt counted; those of samples thrown out and begun again left out."""
    cached_tokens: int = 0
    """The part of `prompt_tokens` that the prefix cache held."""
    generated_tokens: int = 0
    preemptions: int = 0
    """Running samples that were thrown out for lack of memory, to be computed again later."""
    steps: int = 0
    restarts: int = 0
    resent: int = 0
    """Requests that were sent again because the engine had died."""
    most_running: int = 0
    running_sum: int = 0
    """Sequences in a step, summed over the steps."""

    @property
    def hit_rate(self) -> float:
        """Share of the prompt tokens that the prefix cache held, 0 to 1."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else 0.0

    def for_json(self) -> dict[str, Any]:
        """All counts, with the two ratios that a reader wants."""
        counts = asdict(self)
        total = counts.pop("running_sum")
        mean = round(total / self.steps, 2) if self.steps else 0.0
        return counts | {"cache_hit_rate": round(self.hit_rate, 4), "mean_running": mean}

    def record(self, scheduler_stats: Any, iteration_stats: Any) -> int:
        """Add one step, as vLLM reports it; how many samples were thrown out in it."""
        thrown = 0
        if scheduler_stats is not None:
            cache = scheduler_stats.prefix_cache_stats
            if cache is not None:
                self.prompt_tokens += cache.queries
                self.cached_tokens += cache.hits
            self.steps += 1
            self.running_sum += scheduler_stats.num_running_reqs
            self.most_running = max(self.most_running, scheduler_stats.num_running_reqs)
        if iteration_stats is not None:
            thrown = iteration_stats.num_preempted_reqs
            self.preemptions += thrown
            self.generated_tokens += iteration_stats.num_generation_tokens
        return thrown


def stat_logger(counts: EngineCounts, on_preemption: Callable[[], None]) -> Callable[..., Any]:
    """What vLLM makes its statistics' reader of: one that adds them to `counts`."""
    from vllm.v1.metrics.loggers import StatLoggerBase

    class Counting(StatLoggerBase):  # type: ignore[misc]
        """Reads every step's statistics."""

        def __init__(self, vllm_config: Any, engine_index: int = 0) -> None:
            """Called by vLLM, once for each of its lives."""

        def record(self, scheduler_stats: Any, iteration_stats: Any, *_: Any, **__: Any) -> None:
            """Called by vLLM after each step."""
            if counts.record(scheduler_stats, iteration_stats):
                on_preemption()

        def log_engine_initialized(self) -> None:
            """Called by vLLM; nothing to say."""

    return Counting
