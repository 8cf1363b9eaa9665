"""A synthesis: search every problem of a pool with labels, and keep the trees in shards. Resume is the same call again.

`concurrency` problems are searched at a time, in the pool's order. What happens in which order, so that a kill loses
nothing: engines' replies go to the problem's journal, the finished problem to its shard's spill, and when the last
problem of a shard is there, the shard is written whole and its spill deleted. Shards hold problems in the pool's order
and no clocks, so an interrupted synthesis ends with the same bytes as one that was not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rstar.journal import Journal
from rstar.journaled import JournaledInterpreter, JournaledPolicy, JournaledReward
from rstar.protocols import Interpreter, Policy, RewardModel
from rstar.reward.answer_reward import Grader
from rstar.search.presets import METHODS
from rstar.seeds import derive
from rstar.synthesis.admission import PoolFacts, admitted
from rstar.synthesis.coverage import Coverage
from rstar.synthesis.folder import Status, SynthesisFolder
from rstar.synthesis.labels import Labels, guided_by
from rstar.synthesis.pools import Pool, Pooled
from rstar.synthesis.settings import SynthesisSpec
from rstar.synthesis.shards import read_outcomes, write_shard
from rstar.synthesis.spill import Spill
from rstar.synthesis.trees import ProblemTrees, problem_trees
from rstar.types import SearchResult
from tasks.answers import grade as grade_answer
from tasks.types import InputError

CONCURRENCY = 64
"""Problems at a time: with a few candidates each they fill an engine. Chosen, not tuned."""
MAX_FAILURES = 10
"""Problems in a row on which an engine fails before the synthesis stops, as in a run. Chosen, not tuned."""


class EngineDown(Exception):
    """An engine failed on so many problems in a row that the others would fail too."""


@dataclass(frozen=True, slots=True)
class Guides:
    """What a search is handed beside its problem."""

    policy: Policy
    interpreter: Interpreter
    ppm: RewardModel | None = None
    """Judges open steps in a PPM-augmented synthesis."""
    grade: Grader = grade_answer


Grower = Callable[[Pooled, Labels, Journal], Awaitable[ProblemTrees]]
"""Grows the trees of one problem behind its journal, in this process or elsewhere."""


@dataclass(slots=True)
class Watched:
    """How far a synthesis is. `on_change` is called after every problem."""

    total: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    num_new: int = 0
    """Problems of this session."""
    num_nodes: int = 0
    """Of this session."""
    num_grader_errors: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    """Problem id to what the engine said, for those that a later call has to do."""
    stopped: str = ""
    """Why the call ended early; empty where it did not."""
    on_change: Callable[[Watched], None] = lambda _: None


def synthesize(
    pool: Pool,
    facts: PoolFacts,
    guides: Guides | Grower,
    spec: SynthesisSpec,
    out: Path,
    *,
    concurrency: int = CONCURRENCY,
    engine_errors: tuple[type[Exception], ...] = (),
    watched: Watched | None = None,
) -> Watched:
    """Do what is left of a synthesis of an examined pool; returns the counts of all of it.

    `guides` are the engines, or a function that does one problem where they are (the grader is then ours alone).
    Exceptions of the types `engine_errors` cost one problem each, which the next call tries again, and end the call
    when `MAX_FAILURES` come in a row; all others end it at once. Raises InputError where `out` holds another synthesis
    or something torn.
    """
    watched = watched or Watched()
    folder = SynthesisFolder(out, spec)
    with folder.locked():
        shards = folder.finished_shards()
        folder.write("unfinished", facts)
        watched.total = facts.num_problems
        for path in shards.values():
            for row in read_outcomes(path):
                watched.coverage.add(row, row.level, row.subject)
        grower, grade = _grower(guides, spec)
        work = _Work(folder, spec, grower, grade, watched, engine_errors, facts.num_problems, set(shards))
        try:
            asyncio.run(work.do(admitted(pool, facts), concurrency))
        except EngineDown as error:
            watched.stopped = str(error)
        status: Status = "partial" if watched.failures else "complete"
        more = {"failures": watched.failures} if watched.failures else {"shards": folder.hashes()}
        folder.write(status, facts, coverage=watched.coverage.as_fields(), **more)
    return watched


def _grower(guides: Guides | Grower, spec: SynthesisSpec) -> tuple[Grower, Grader]:
    if not isinstance(guides, Guides):
        return guides, grade_answer
    return lambda pooled, labels, journal: grow(pooled, guides, labels, spec, journal), guides.grade


@dataclass(slots=True)
class _Work:
    """The problems that are left, and the shards they go to."""

    folder: SynthesisFolder
    spec: SynthesisSpec
    grower: Grower
    grade: Grader
    watched: Watched
    engine_errors: tuple[type[Exception], ...]
    num_problems: int
    done: set[int]
    """Numbers of the shards that are written."""
    _spills: dict[int, Spill] = field(default_factory=dict)
    _num_failed_in_a_row: int = 0

    async def do(self, problems: Iterator[Pooled], concurrency: int) -> None:
        """Search what is left, `concurrency` problems at a time."""
        waiting = self._left(problems)

        async def next_ones() -> None:
            for place, pooled in waiting:
                await self._solve(place, pooled)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, self.num_problems)):
                    group.create_task(next_ones())
        except BaseExceptionGroup as errors:
            # All stand for the same trouble, and one line is what a user needs.
            raise _first(errors) from None

    def _left(self, problems: Iterator[Pooled]) -> Iterator[tuple[int, Pooled]]:
        for place, pooled in enumerate(problems):
            number = place // self.spec.shard_problems
            if number in self.done:
                continue
            if number not in self._spills:
                self._open(number)
            if number in self.done or place in self._spills[number].places:
                continue
            yield place, pooled

    def _open(self, number: int) -> None:
        """Take up a shard that an earlier call may have begun."""
        spill = self._spills[number] = self.folder.spill(number)
        for row in spill.rows() if spill.places else ():
            self.watched.coverage.add(row, row.problem.level, row.problem.subject)
        if len(spill.places) == self._size(number):
            # Killed between the last problem and the shard.
            self._write(number)

    def _size(self, number: int) -> int:
        """Problems of shard `number`."""
        return min(self.spec.shard_problems, self.num_problems - number * self.spec.shard_problems)

    async def _solve(self, place: int, pooled: Pooled) -> None:
        labels = Labels(pooled.problem, pooled.reference, self.grade)
        with Journal(self.folder.journal(place), pooled.problem.id, self.spec.sha256) as journal:
            try:
                row = await self.grower(pooled, labels, journal)
            except self.engine_errors as error:
                if isinstance(error, InputError):
                    raise
                self._fail(pooled, error)
                return
            number = place // self.spec.shard_problems
            spill = self._spills[number]
            spill.add(place, row)
            journal.path.unlink(missing_ok=True)
        self._count(row, labels)
        if len(spill.places) == self._size(number):
            await asyncio.to_thread(self._write, number)

    def _fail(self, pooled: Pooled, error: Exception) -> None:
        self.watched.failures[pooled.problem.id] = str(error)
        self._num_failed_in_a_row += 1
        if self._num_failed_in_a_row >= MAX_FAILURES:
            raise EngineDown(f"an engine failed on {MAX_FAILURES} problems in a row, lastly with: {error}")

    def _write(self, number: int) -> None:
        spill = self._spills[number]
        write_shard(self.folder.shard(number), spill.rows(), self.spec.sha256)
        spill.remove()
        first = number * self.spec.shard_problems
        for place in range(first, first + self._size(number)):
            # A kill between spill and journal leaves one behind.
            self.folder.journal(place).unlink(missing_ok=True)
        self.done.add(number)
        del self._spills[number]

    def _count(self, row: ProblemTrees, labels: Labels) -> None:
        watched = self.watched
        self._num_failed_in_a_row = 0
        watched.coverage.add(row, row.problem.level, row.problem.subject)
        watched.num_new += 1
        watched.num_nodes += len(row.nodes)
        watched.num_grader_errors += labels.num_grader_errors
        watched.on_change(watched)


async def grow(pooled: Pooled, guides: Guides, labels: Labels, spec: SynthesisSpec, journal: Journal) -> ProblemTrees:
    """The trees of one problem: a search, and while no trajectory is right, the extra ones with seeds of their own."""
    ppm = None if guides.ppm is None else JournaledReward(guides.ppm, journal)
    reward = guided_by(labels, ppm)
    results: list[tuple[int, SearchResult]] = []
    for number, budget in enumerate((spec.config.budget, *spec.extra)):
        seed = spec.seed if number == 0 else derive(spec.seed, "extra", number)
        result = await METHODS[spec.method].search(
            pooled.problem,
            JournaledPolicy(guides.policy, journal),
            reward,
            JournaledInterpreter(guides.interpreter, journal),
            replace(spec.config, budget=budget),
            seed,
            clock=journal.seconds,
        )
        results.append((seed, result))
        if _has_right(result):
            break
    return problem_trees(pooled.problem, pooled.reference, results, is_synthetic=pooled.is_synthetic)


def _has_right(result: SearchResult) -> bool:
    answered: Sequence[tuple[str, float]] = [
        (each.ending, value) for each, value in zip(result.trajectories, result.values, strict=True)
    ]
    return any(ending == "answered" and value > 0 for ending, value in answered)


def _first(errors: BaseExceptionGroup) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
