"""A run: search every problem with every seed, grade it, and append its record; resume is the same call again.

One coroutine per problem, `concurrency` of them at a time. A search is given its problem, the engines behind that
problem's journal, settings and a seed; references stay in this file and in `harness.judge`, after the search.

What happens in which order, so that a kill at any moment loses nothing: engines' replies go to the journal, the record
goes to `problems.jsonl`, then the journal is reduced to what `trees` keeps. A problem without a record is searched
again, from its journal as far as that goes. One with a record and an unreduced journal only has that reduced.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from harness.collector import rare_collections
from harness.engines import Resources, open_engines
from harness.interruption import sigterm_as_sigint
from harness.judge import judge
from harness.provenance import device_name, provenance
from harness.record_file import RecordFile, read_records
from harness.records import ProblemRecord
from harness.remote import Fleet, RemoteSearch, require_ray
from harness.retrying import EngineFailure, Engines
from harness.run_folder import RECORDS, RUN_FILE, RunRecord, Status, begin, discard, journal_path, planned
from harness.run_inputs import chosen_problems, read_inputs
from harness.run_progress import Progress, Silent
from harness.spec import RunSpec
from harness.workers import workers_available
from rstar.journal import Journal
from rstar.journaled import JournaledInterpreter, JournaledPolicy, JournaledReward
from rstar.search.presets import METHODS
from rstar.search.tree import dissolve
from rstar.types import SearchResult
from tasks.catalog import load_task
from tasks.types import InputError, Problem, Task

CONCURRENCY = 64
"""Problems at a time: with a few candidates each they fill an engine. Chosen, not tuned."""
MAX_FAILURES = 10
"""Problems in a row on which an engine failed, each after its retries, that end a run. Chosen, not tuned."""
Result = TypeVar("Result")


class EngineDown(Exception):
    """An engine failed on so many problems in a row that the run stopped; the text says on how many, and with what."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run before any work: what it is, and where it goes."""

    record: RunRecord
    folder: Path
    task: Task
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is done, none of which changes a result."""

    concurrency: int = CONCURRENCY
    resources: Resources = field(default_factory=Resources)
    max_failures: int = MAX_FAILURES
    """Problems in a row on which an engine may fail before the run stops."""
    make_engines: Callable[..., Any] = open_engines
    """(spec, resources) to a context manager of `Engines`. Tests put engines here that fail."""
    fleet: Fleet | None = None
    """Ray workers that search, each with its own engines and `concurrency` problems at a time; None: this process."""


def plan_run(spec: RunSpec, out: Path) -> Plan:
    """Load the task and name the run. Raises InputError for whatever is wrong with task, models or spec.

    A train pool is refused, and there is no way round it: what a model scores on problems that models are trained on
    is no result.
    """
    task = load_task(spec.task, "eval")
    problems = tuple(chosen_problems(task, spec.limit))
    record = planned(spec, read_inputs(spec, task), task, len(problems))
    return Plan(record, record.folder(out), task, problems)


def plan_resume(folder: Path) -> Plan:
    """The plan of the run in `folder`. Raises InputError where its task, models or grader are no longer the same."""
    found = RunRecord.read(folder)
    task = load_task(found.spec.task, "eval")
    inputs = read_inputs(found.spec, task)
    for name in type(inputs).__slots__:
        if getattr(inputs, name) != getattr(found.inputs, name):
            raise InputError(
                f"{folder}: {name} is {getattr(inputs, name)!r} now, and was {getattr(found.inputs, name)!r} when the "
                "run began; bring that back, or start a new run with 'rstar run'"
            )
    return Plan(found, folder, task, tuple(chosen_problems(task, found.spec.limit)))


def run(plan: Plan, options: Options | None = None, progress: Progress | None = None) -> RunRecord:
    """Do what is left of a run; returns its record, whose status says whether anything is still missing.

    Raises InputError for what the user can mend (a full disk, a damaged file), EngineDown where an engine keeps
    failing, KeyboardInterrupt after Ctrl-C; in all cases the same call goes on later.
    """
    options, progress = options or Options(), progress or Silent()
    is_new = not (plan.folder / RUN_FILE).exists()
    record = begin(plan.folder, plan.record)
    with RecordFile(plan.folder / RECORDS) as records:
        records.drop_failed()
        work = _work_left(plan, record.spec, progress)
        if not work:
            return _ended(record, plan, "complete") if record.status != "complete" else record
        with ExitStack() as stack:
            try:
                engines = stack.enter_context(_opened(plan, record.spec, options))
                device, sandbox = _interruptible(_started(engines, record.spec))
            except InputError:
                if is_new:
                    discard(plan.folder)
                raise
            session = provenance(device, sandbox) | {"how": _how(options, engines)}
            record = replace(record, status="unfinished", sessions=(*record.sessions, session))
            record.write(plan.folder)
            threads = stack.enter_context(ThreadPoolExecutor(workers_available(), "grading"))
            solver = Solver(plan, record.spec, engines, records, progress, threads, options.max_failures)
            places = options.fleet.num_workers if options.fleet else 1
            return _session(solver, record, work, options.concurrency * places)


def _session(solver: Solver, record: RunRecord, work: Sequence[WorkItem], concurrency: int) -> RunRecord:
    """Do `work`, and note in `run.json` how it ended and how long it took."""
    begun = time.monotonic()

    def ended(status: Status) -> RunRecord:
        record.sessions[-1]["seconds"] = round(time.monotonic() - begun, 3)
        counters = {role: dict(count()) for role, count in getattr(solver.engines, "counters", {}).items()}
        if counters:
            record.sessions[-1]["engines"] = counters
        return _ended(record, solver.plan, status)

    try:
        with rare_collections():
            _interruptible(_solve_all(solver, work, concurrency))
    except BaseException as error:
        # A disk that is full is full for this file too; what the user has to hear is what came first.
        with suppress(InputError):
            ended("partial" if isinstance(error, EngineDown) else "interrupted")
        raise
    return ended("partial" if solver.num_failed else "complete")


@dataclass(slots=True)
class Solver:
    """Takes problems from question to record."""

    plan: Plan
    spec: RunSpec
    engines: Engines | RemoteSearch
    records: RecordFile
    progress: Progress
    threads: ThreadPoolExecutor
    """Where grading and writing happen, so that neither keeps the engines waiting."""
    max_failures: int
    num_failed: int = 0
    num_failed_in_a_row: int = 0
    """In the order in which problems ended."""

    async def solve(self, item: WorkItem) -> None:
        """Search one problem with one seed, and record it."""
        path = journal_path(self.plan.folder, item.problem.id, item.seed)
        if self.spec.trees != "full" and not item.is_recorded:
            # What is kept of a reduced journal is no journal that a search could be answered from.
            path.with_name(f"{path.name}.gz").unlink(missing_ok=True)
        with Journal(path, item.problem.id, f"{self.plan.record.identity}.{item.seed}") as journal:
            try:
                result = await search(item.problem, self.spec, item.seed, self.engines, journal)
            except EngineFailure as error:
                await self._fail(item, str(error))
                return
            await self._in_thread(self._record, item, result, journal)
            self.num_failed_in_a_row = 0

    async def _fail(self, item: WorkItem, error: str) -> None:
        """Record that an engine failed on a problem. Raises EngineDown where it was one too many in a row."""
        failed = ProblemRecord(item.problem.id, item.seed, error=error)
        self.num_failed += 1
        self.num_failed_in_a_row += 1
        # Others may end while this record is written.
        in_a_row = self.num_failed_in_a_row
        await self._in_thread(self.records.append, failed)
        self.progress.add(failed)
        if in_a_row >= self.max_failures:
            raise EngineDown(f"an engine failed on {in_a_row} problems in a row, lastly with: {error}")

    def _record(self, item: WorkItem, result: SearchResult, journal: Journal) -> None:
        """Grade, append, reduce the journal: in this order. Runs in a thread, to its end."""
        if not item.is_recorded:
            record = judge(
                result,
                self.plan.task.answers[item.problem.id],
                seed=item.seed,
                rules=self.spec.rules,
                budgets=self.spec.budgets,
                top_k=self.spec.top_k,
            )
            self.records.append(record)
            self.progress.add(record)
        journal.finish(result, self.spec.trees)
        for root in result.trees:
            dissolve(root)

    async def _in_thread(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """`function` in a thread; a cancellation waits for its end, because it holds open files."""
        job = asyncio.get_running_loop().run_in_executor(self.threads, lambda: function(*arguments))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            await asyncio.wait([job])
            # Looked at, so that asyncio does not report it as overlooked; what counts is the cancellation.
            job.exception()
            raise


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One search that is not over and done."""

    problem: Problem
    seed: int
    is_recorded: bool
    """Its record is there already, and only its journal is left to be reduced."""


async def search(
    problem: Problem, spec: RunSpec, seed: int, engines: Engines | RemoteSearch, journal: Journal
) -> SearchResult:
    """The spec's search on one problem, every engine behind the problem's journal; on another machine, if need be."""
    if isinstance(engines, RemoteSearch):
        return await engines.search(problem, seed, journal)
    return await METHODS[spec.method].search(
        problem,
        JournaledPolicy(engines, journal),
        JournaledReward(engines, journal),
        JournaledInterpreter(engines, journal),
        spec.config,
        seed,
        clock=journal.seconds,
    )


async def _solve_all(solver: Solver, work: Sequence[WorkItem], concurrency: int) -> None:
    """Solve `work`, `concurrency` at a time, started in order."""
    waiting = iter(work)

    async def solve_next() -> None:
        for item in waiting:
            await solver.solve(item)

    solver.progress.start(solver.engines.meter)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(work))):
                group.create_task(solve_next())
    except BaseExceptionGroup as errors:
        # All stand for the same trouble, and one line is what a user needs.
        raise _first(errors) from None
    finally:
        solver.progress.stop()


def _work_left(plan: Plan, spec: RunSpec, progress: Progress) -> list[WorkItem]:
    """The searches that are still to be done, seed by seed in the task's order. Tells `progress` what is done."""
    known = {(problem.id, seed) for seed in spec.seeds for problem in plan.problems}
    done: set[tuple[str, int]] = set()
    progress.expect(len(known), spec)
    for record in read_records(plan.folder / RECORDS):
        if record.key not in known:
            raise InputError(
                f"{plan.folder / RECORDS}: holds problem {record.problem_id} with seed {record.seed}, which is no "
                "part of this run; restore the file, or delete that line"
            )
        done.add(record.key)
        progress.add(record, is_new=False)
    work = []
    for seed in spec.seeds:
        for problem in plan.problems:
            is_recorded = (problem.id, seed) in done
            if not is_recorded or journal_path(plan.folder, problem.id, seed).exists():
                work.append(WorkItem(problem, seed, is_recorded))
    return work


def _ended(record: RunRecord, plan: Plan, status: Status) -> RunRecord:
    record = replace(record, status=status)
    record.write(plan.folder)
    return record


def _opened(plan: Plan, spec: RunSpec, options: Options) -> AbstractContextManager[Engines | RemoteSearch]:
    """The engines of this process, or the workers that have some."""
    opened: AbstractContextManager[Engines | RemoteSearch]
    if options.fleet is None:
        opened = options.make_engines(spec, options.resources)
    else:
        require_ray()
        from harness.distributed_run import open_workers

        opened = open_workers(spec, plan.record.inputs, options)
    return opened


def _how(options: Options, engines: Engines | RemoteSearch) -> dict[str, Any]:
    """How a session is done, for its record: none of it is meant to change a result."""
    chosen = {"concurrency": options.concurrency, "max_failures": options.max_failures}
    return chosen | {name: value for name, value in asdict(options.resources).items() if value} | dict(engines.settings)


async def _started(engines: Engines | RemoteSearch, spec: RunSpec) -> tuple[str, str]:
    """Device and sandbox in words, once all that a search needs has started."""
    if isinstance(engines, RemoteSearch):
        return await engines.start()
    return device_name(spec.device), await sandbox_level(engines)


async def sandbox_level(engines: Engines) -> str:
    """Start the interpreter before any work, so that a machine that does not contain programs is found out first."""
    start: Callable[[], Awaitable[Any]] | None = getattr(engines.interpreter, "start", None)
    return "not used" if start is None else str((await start()).level)


def _interruptible(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` to its end. Ctrl-C and SIGTERM cancel it and raise KeyboardInterrupt once all its files are closed."""
    with sigterm_as_sigint():
        return asyncio.run(work)


def _first(errors: BaseExceptionGroup) -> BaseException:
    """The first exception in a group of groups."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
