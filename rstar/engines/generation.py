"""What an engine is asked to generate and what it answers; and a sequence that waits for its turn."""

from __future__ import annotations

from dataclasses import dataclass, field

from rstar.engines.sampler import stream_keys
from rstar.engines.worker import Job


@dataclass(frozen=True, slots=True)
class Generation:
    """One finished continuation. Samples that drew the same tokens share it."""

    tokens: tuple[int, ...]
    """What was generated, the token that ended it included."""
    stop: str | None
    """Name of the stop that ended it; None for the length cap."""


@dataclass(frozen=True, slots=True)
class Generations:
    """The answer to a request."""

    samples: tuple[Generation, ...]
    """One per sample, in order; equal ones are the same object."""
    logprobs: tuple[float, ...]
    """Log-probability of each, in nats, under the model at temperature 1."""
    cached_tokens: int
    """Prompt tokens whose keys and values were not computed for this request."""


class Request(Job[Generations]):
    """A prompt to be continued `num_samples` times, each time up to a stop."""

    __slots__ = ("cached_tokens", "finished", "keys", "logprobs", "max_length", "num_left", "prompt", "temperature")

    def __init__(
        self, prompt: tuple[int, ...], num_samples: int, seed: int, temperature: float, max_new_tokens: int
    ) -> None:
        """`prompt` has at least one token; `temperature` 0 takes the most likely one each time."""
        super().__init__()
        self.prompt, self.temperature = prompt, temperature
        self.max_length = len(prompt) + max_new_tokens
        self.keys = stream_keys(seed, num_samples)
        self.finished: list[Generation | None] = [None] * num_samples
        self.logprobs = [0.0] * num_samples
        self.num_left = num_samples
        self.cached_tokens: int | None = None

    def finish(self, sample: int, generation: Generation, logprob: float) -> None:
        """Take the end of one sample, and answer when it was the last."""
        self.finished[sample] = generation
        self.logprobs[sample] = logprob
        self.num_left -= 1
        if self.num_left == 0:
            samples = tuple(each for each in self.finished if each is not None)
            self.answer(Generations(samples, tuple(self.logprobs), self.cached_tokens or 0))


@dataclass(slots=True)
class Branch:
    """Samples that are at the same point: the same tokens so far, the same rules for the next one."""

    tokens: tuple[int, ...]
    """Prompt and what was generated after it."""
    prompt_length: int
    max_length: int
    temperature: float
    samples: list[tuple[Request, int]] = field(default_factory=list)
    """Request and number of each."""
    logprobs: list[float] = field(default_factory=list)
    """What each has added up so far."""

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for branches that one row can carry."""
        return self.tokens, self.prompt_length, self.max_length, self.temperature

    def split(self, count: int) -> tuple[Branch, Branch]:
        """The first `count` samples, and the others."""
        rules = (self.tokens, self.prompt_length, self.max_length, self.temperature)
        return (
            Branch(*rules, self.samples[:count], self.logprobs[:count]),
            Branch(*rules, self.samples[count:], self.logprobs[count:]),
        )

    def join(self, other: Branch) -> None:
        """Take over the samples of a branch with the same key."""
        self.samples += other.samples
        self.logprobs += other.logprobs


def branch_of(request: Request) -> Branch:
    """A request's samples before the first token."""
    count = len(request.finished)
    samples = [(request, index) for index in range(count)]
    return Branch(request.prompt, len(request.prompt), request.max_length, request.temperature, samples, [0.0] * count)
