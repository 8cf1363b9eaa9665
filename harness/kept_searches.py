"""What a run kept of its searches: the finished solutions, or every reply, from which a search is grown again.

`--trees answers` keeps the solutions, `--trees full` every reply. Growing a search again is the same search, answered
from its journal and by no model (`rstar.journal`). A run's folder is only read here.
"""

from __future__ import annotations

import asyncio
import gzip
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from harness.records import ProblemRecord
from harness.run_folder import RunRecord, journal_path
from rstar.journal import Journal, read_entries
from rstar.journaled import JournaledInterpreter, JournaledPolicy, JournaledReward
from rstar.prompts import solution_text
from rstar.search.presets import METHODS
from rstar.types import Scores, SearchResult, Trajectory
from tasks.types import InputError, Problem

_CURE = "restore the file, or leave what was kept out with --max-trees 0 or --no-solutions"


@dataclass(frozen=True, slots=True)
class Call:
    """One question to the reward, and its answer."""

    trajectories: tuple[Trajectory, ...]
    values: tuple[float, ...]


def kept_journal(folder: Path, problem_id: str, seed: int) -> Path | None:
    """The journal that a finished search left behind; None where it kept none."""
    path = journal_path(folder, problem_id, seed)
    kept = path.with_name(f"{path.name}.gz")
    return kept if kept.is_file() else None


def kept_solutions(folder: Path, run: RunRecord, record: ProblemRecord) -> list[str] | None:
    """The text of every trajectory of `record`, in order, programs' outputs included; None where none was kept.

    Raises InputError where the journal is damaged or of another search.
    """
    path = kept_journal(folder, record.problem_id, record.seed)
    if path is None or run.spec.trees == "none" or record.error:
        return None
    if run.spec.trees == "full":
        result, _ = grow_again(path, record, run)
        return [solution_text(each) for each in result.trajectories]
    kept = [entry for entry in read_entries(path) if entry[0] == "trajectory"]
    if [entry[3] for entry in kept] != list(record.values):
        raise InputError(f"{path}: does not belong to the record of {record.problem_id}; {_CURE}")
    return [entry[4] for entry in kept]


def grow_again(path: Path, record: ProblemRecord, run: RunRecord) -> tuple[SearchResult, list[Call]]:
    """The search of `record` and every question that it asked the reward, from its kept journal alone.

    Raises InputError where the journal is damaged, of another run, or does not lead to the record.
    """
    with tempfile.TemporaryDirectory(prefix="rstar-anatomy-") as scratch:
        # A journal is opened for writing, and a run's folder is only read here.
        copy = Path(scratch) / "journal"
        try:
            copy.write_bytes(gzip.decompress(path.read_bytes()))
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path}: cannot be read ({error}); {_CURE}") from error
        calls: list[Call] = []
        with Journal(copy, record.problem_id, f"{run.identity}.{record.seed}") as journal:
            result = asyncio.run(_search(record, run, journal, calls, path))
    if result.values != record.values or tuple(each.ending for each in result.trajectories) != record.endings:
        raise InputError(f"{path}: does not lead to the record of {record.problem_id}; {_CURE}")
    return result, calls


async def _search(
    record: ProblemRecord, run: RunRecord, journal: Journal, calls: list[Call], path: Path
) -> SearchResult:
    absent: Any = _Absent(path)
    return await METHODS[run.spec.method].search(
        # Requests are told apart by what was written so far, not by the question, which a record does not hold.
        Problem(record.problem_id, ""),
        JournaledPolicy(absent, journal),
        _Listening(JournaledReward(absent, journal), calls),
        JournaledInterpreter(absent, journal),
        run.spec.config,
        record.seed,
        clock=journal.seconds,
    )


@dataclass(frozen=True, slots=True)
class _Listening:
    """A reward whose questions and answers are noted."""

    reward: JournaledReward
    calls: list[Call]

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        scores = await self.reward.score(trajectories)
        self.calls.append(Call(tuple(trajectories), scores.values))
        return scores


@dataclass(frozen=True, slots=True)
class _Absent:
    """Stands where an engine was: whatever the journal does not know is an error."""

    path: Path

    async def propose(self, *_: object) -> NoReturn:
        self._fail()

    async def score(self, *_: object) -> NoReturn:
        self._fail()

    async def run(self, *_: object) -> NoReturn:
        self._fail()

    def _fail(self) -> NoReturn:
        raise InputError(f"{self.path}: does not hold the whole search; {_CURE}")
