"""From a question to a chosen solution: the same engines and searches as `rstar run`, without a task to grade by.

A search is addressed by its question: the id that seeds it is a hash of the text. The same question with the same seed
therefore has the same answer, alone or among a thousand others.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Any

from harness.retrying import EngineFailure, Engines
from harness.serve.errors import ApiError, engine_failed, wrong_value
from harness.serve.limits import Admission, Limits
from harness.serve.metrics import Metrics
from harness.serve.request import ChatRequest
from harness.spec import RunSpec
from rstar.search.config import SearchConfig
from rstar.search.mcts import MctsConfig
from rstar.search.presets import METHODS, method_config
from rstar.search.tree import dissolve
from rstar.search.voting import choose_answer
from rstar.seeds import derive
from rstar.types import Execution, Proposal, Scores, SearchResult, Step, Trajectory, Usage
from tasks.answers import classes
from tasks.types import InputError, Problem

OnPrefix = Callable[[Trajectory], None]
"""Called with the solution so far, each longer than the one before, where it is decided step by step."""
_CHARS_PER_TOKEN = 32
"""A text of more characters per token than this is refused unread: tokenising it would hold up everybody. Chosen."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request, checked, with every default filled in."""

    problem: Problem
    spec: RunSpec
    seeds: tuple[int, ...]
    """One search for each."""
    ignored: tuple[str, ...]

    @property
    def budget(self) -> int:
        """Trajectories of each search."""
        return self.spec.config.budget

    @property
    def is_decided_by_step(self) -> bool:
        """Whether each step is final as soon as the next one is asked for: there is one trajectory, and it only grows.

        The released variant may start a tree again, beams and particles are dropped, and a DVTS descent goes on from
        the best candidate: with a budget of 1 that is one trajectory too.
        """
        config = self.spec.config
        if config.budget > 1 or self.spec.method not in ("sample", "dvts", "mcts"):
            return False
        return not isinstance(config, MctsConfig) or (config.variant != "official" and config.counts == "rollouts")


@dataclass(frozen=True, slots=True)
class Solved:
    """One search's outcome."""

    trajectory: Trajectory
    """The one that stands for the chosen answer; where there is no answer, the best-judged one."""
    answer: str | None
    value: float | None
    seed: int
    num_trajectories: int
    usage: Usage


class Solver:
    """Searches for answers with one set of engines. Belongs to one event loop."""

    def __init__(self, spec: RunSpec, engines: Engines, limits: Limits, num_threads: int = 2) -> None:
        """`spec` holds the defaults; `num_threads` choose answers, which may take a second for a hostile one."""
        self.spec, self.engines, self.limits = spec, engines, limits
        self.admission = Admission(limits)
        self.metrics = Metrics(lambda: self.admission.num_running, lambda: self.admission.num_waiting)
        self._threads = ThreadPoolExecutor(num_threads, "choosing")
        self._count_tokens = _token_counter(engines)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def question(self, request: ChatRequest) -> Question:
        """What `request` asks for. Raises ApiError, naming the field, for what cannot be or is above a limit."""
        text = request.question()
        method = request.method or self.spec.method
        if method not in METHODS:
            raise wrong_value("method", f"method: {method!r} is unknown; use {', '.join(METHODS)}")
        rule = request.rule or self.spec.rule
        if rule not in self.spec.rules:
            raise wrong_value("rule", f"rule: {rule!r} is unknown here; use {', '.join(self.spec.rules)}")
        num_searches = request.n or 1
        budget = request.budget or self.spec.config.budget
        self._check_cost(num_searches, budget, is_default=request.budget is None)
        try:
            config = self._config(method, budget)
            spec = replace(self.spec, preset="", method=method, config=config, rule=rule, budgets=(budget,))
        except InputError as error:
            raise wrong_value("method", f"method {method}: {error}") from error
        problem = Problem(f"serve/{hashlib.sha256(text.encode()).hexdigest()[:24]}", text)
        self._check_length(problem)
        first = self.spec.seeds[0] if request.seed is None else request.seed
        seeds = (first, *(derive(first, "choice", number) for number in range(1, num_searches)))
        return Question(problem, spec, seeds, tuple(request.ignored()))

    async def solve(self, question: Question, seed: int, watched: Watched) -> Solved:
        """Wait for a turn, search, and choose. Raises ApiError where an engine fails or cannot do what was asked."""
        arrived, outcome = time.monotonic(), "failed"
        try:
            async with self.admission.turn():
                self.metrics.queue_seconds.observe(time.monotonic() - arrived)
                solved = await self._search(question, seed, watched)
            outcome = "done"
            return solved
        except EngineFailure as error:
            raise engine_failed(str(error)) from error
        except InputError as error:
            raise wrong_value("method", str(error)) from error
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            watched.is_over = True
            self.metrics.searches.add(outcome=outcome)
            self.metrics.candidates.add(watched.num_candidates)
            self.metrics.tokens.add(watched.prompt_tokens, kind="prompt")
            self.metrics.tokens.add(watched.completion_tokens, kind="completion")
            self.metrics.executions.add(watched.num_executions)

    async def _search(self, question: Question, seed: int, watched: Watched) -> Solved:
        spec, config = question.spec, question.spec.config
        search = METHODS[spec.method].search
        result = await search(question.problem, watched, watched, watched, config, seed, clock=time.monotonic)
        for root in result.trees:
            dissolve(root)
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._threads, _choose, result, spec, seed)
        self.metrics.trajectories.add(len(result.trajectories))
        place = _representative(result, answer)
        return Solved(
            result.trajectories[place],
            answer,
            result.values[place] if spec.has_reward else None,
            seed,
            len(result.trajectories),
            result.usage_at[-1],
        )

    def _config(self, method: str, budget: int) -> SearchConfig:
        """The server's settings with another budget; for another method those of them that it has too."""
        base = self.spec.config
        if method == self.spec.method:
            return replace(base, budget=budget)
        known = [each.name for each in fields(METHODS[method].config)]
        shared = {each.name: getattr(base, each.name) for each in fields(base) if each.name in known}
        return method_config(method, shared | {"budget": budget})

    def _check_cost(self, num_searches: int, budget: int, *, is_default: bool) -> None:
        limit = self.limits.max_budget
        if num_searches * budget > limit:
            # What the client wrote itself is what it can change.
            name = "n" if is_default else "budget"
            each = f" x {num_searches} choices" if num_searches > 1 else ""
            raise wrong_value(
                name,
                f"budget: {budget}{each} is above the limit of {limit} trajectories a request",
                "budget_above_limit",
            )
        if num_searches > self.limits.capacity:
            raise wrong_value("n", f"n: {num_searches} searches never fit into {self.limits.capacity} places")

    def _check_length(self, problem: Problem) -> None:
        limit = self.limits.max_prompt_tokens
        chars = len(problem.question)
        count = None if chars > limit * _CHARS_PER_TOKEN else self._count_tokens(problem)
        if count is None or count > limit:
            size = f"{chars} characters" if count is None else f"{count} tokens"
            raise wrong_value(
                "messages", f"messages: the question has {size}; the limit is {limit} tokens", "context_length_exceeded"
            )


class Watched:
    """The engines as one search sees them: its cost is counted live, and nothing is asked of them once it is over."""

    def __init__(self, engines: Engines, on_prefix: OnPrefix | None = None) -> None:
        """`on_prefix` hears of every solution that the policy is asked to go on with."""
        self._engines, self._on_prefix = engines, on_prefix
        self.is_over = False
        self.num_requests = self.num_candidates = self.num_executions = 0
        self.prompt_tokens = self.completion_tokens = 0

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        """The policy's proposal."""
        self._check()
        if self._on_prefix is not None:
            self._on_prefix(prefix)
        self.num_requests += 1
        proposal = await self._engines.propose(prefix, num_candidates, seed, temperature)
        self.num_candidates += len(proposal.candidates)
        self.prompt_tokens += proposal.prompt_tokens
        self.completion_tokens += sum(candidate.num_tokens for candidate in proposal.candidates)
        return proposal

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        """The reward model's scores."""
        self._check()
        return await self._engines.score(trajectories)

    async def run(self, prefix: Sequence[Step], code: str) -> Execution:
        """The interpreter's execution."""
        self._check()
        self.num_executions += 1
        return await self._engines.run(prefix, code)

    def _check(self) -> None:
        # Where one of several requests of a search failed, the others find out here.
        if self.is_over:
            raise asyncio.CancelledError


def _choose(result: SearchResult, spec: RunSpec, seed: int) -> str | None:
    return choose_answer(result, spec.rule, spec.config.budget, classes=classes, seed=seed, top_k=spec.top_k)


def _representative(result: SearchResult, answer: str | None) -> int:
    """The best-judged trajectory with the chosen answer, or of all where there is none; of equal ones the first."""
    places = [place for place, each in enumerate(result.trajectories) if each.answer == answer]
    return max(places or range(len(result.trajectories)), key=lambda place: result.values[place])


def _token_counter(engines: Engines) -> Callable[[Problem], int]:
    """Tokens of a question's prompt: the policy's own count where it has one, else a quarter of the bytes."""
    policy: Any = engines.policy
    if hasattr(policy, "prompts"):
        return lambda problem: len(policy.prompts.of(Trajectory(problem)))
    if hasattr(policy, "source"):
        return lambda problem: int(policy.source.count_tokens(problem.question))
    return lambda problem: len(problem.question.encode()) // 4


def unknown_model(asked: str, known: str) -> ApiError:
    """404: there is one model, and it has another name."""
    return ApiError(404, f"the model {asked!r} does not exist; use {known!r}", param="model", code="model_not_found")
