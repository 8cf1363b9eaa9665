"""Resume is replay: a search that is cut off anywhere and runs again ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import json
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from digits import PROBLEM, engines, outline, search

from rstar.journal import Journal
from rstar.journaled import JournaledInterpreter, JournaledPolicy, JournaledReward
from rstar.types import Candidate, Execution, Proposal, Scores, SearchResult, Step, Trajectory

SETTINGS: dict[str, dict[str, Any]] = {
    "mcts": {"budget": 12, "num_candidates": 4},
    "sample": {"budget": 8},
    "beam": {"budget": 6, "width": 3, "num_candidates": 3},
    "dvts": {"budget": 6},
    "particle": {"budget": 8},
}


class Slow:
    """Engines that each take a while, so that a process can be killed between any two of their answers."""

    def __init__(self, seconds: float) -> None:
        self.policy, self.reward, self.interpreter = engines()
        self.seconds = seconds

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        await asyncio.sleep(self.seconds)
        return await self.policy.propose(prefix, num_candidates, seed, temperature)

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        await asyncio.sleep(self.seconds)
        return await self.reward.score(trajectories)

    async def run(self, prefix: Sequence[Step], code: str) -> Execution:
        await asyncio.sleep(self.seconds)
        return await self.interpreter.run(prefix, code)


def journaled(path: Path, method: str, engine: Any = None) -> tuple[SearchResult, Journal]:
    policy, reward, interpreter = engine or engines()
    with Journal(path, PROBLEM.id, "run") as journal:
        behind = (
            JournaledPolicy(policy, journal),
            JournaledReward(reward, journal),
            JournaledInterpreter(interpreter, journal),
        )
        return asyncio.run(search(method, SETTINGS[method], behind)), journal


@pytest.mark.parametrize("method", SETTINGS)
def test_a_journal_changes_nothing(tmp_path: Path, method: str) -> None:
    result, _ = journaled(tmp_path / "j", method)
    assert outline(result) == outline(asyncio.run(search(method, SETTINGS[method])))


@pytest.mark.parametrize("method", SETTINGS)
def test_a_search_cut_off_at_any_byte_ends_the_same(tmp_path: Path, method: str) -> None:
    whole, _ = journaled(tmp_path / "j", method)
    content = (tmp_path / "j").read_bytes()
    rng = random.Random(method)
    for _ in range(30):
        cut = rng.randrange(len(content))
        (tmp_path / "j").write_bytes(content[:cut])
        resumed, journal = journaled(tmp_path / "j", method)
        assert outline(resumed) == outline(whole)
        assert journal.num_replayed == max(0, content[:cut].count(b"\n") - 1)
        assert replies((tmp_path / "j").read_bytes()) == replies(content)


def replies(content: bytes) -> dict[str, Any]:
    """The replies of a journal under their keys, whenever they came."""
    return {entry[1]: entry[3] for entry in (json.loads(line[9:]) for line in content.splitlines()[1:])}


class Whole:
    """A policy and reward that fill every field of their replies."""

    async def propose(self, *_: object) -> Proposal:
        candidate = Candidate("x = 1\n<end_of_step>", (5, 6), 2, -0.1 - 0.2, "<end_of_step>")
        return Proposal((candidate, Candidate("", (), 0, None, None)), 7, 3, 0.1)

    async def score(self, *_: object) -> Scores:
        return Scores((0.1 + 0.2, -1.0), 9, 4, 0.7)

    async def run(self, *_: object) -> Execution:
        return Execution("timeout", "é\n", "more than 5 s", 5.0)


def test_every_field_of_a_reply_is_replayed(tmp_path: Path) -> None:
    async def replies_of(journal: Journal, engine: Any) -> list[Any]:
        start = Trajectory(PROBLEM)
        return [
            await JournaledPolicy(engine, journal).propose(start, 2, 0),
            await JournaledReward(engine, journal).score([start, start]),
            await JournaledInterpreter(engine, journal).run([], "x"),
        ]

    seen = []
    for engine in (Whole(), None):
        with Journal(tmp_path / "j", PROBLEM.id, "run") as journal:
            seen.append(asyncio.run(replies_of(journal, engine)))
    assert seen[0] == seen[1]


def test_requests_that_differ_in_one_argument_are_different(tmp_path: Path) -> None:
    async def ask(journal: Journal) -> None:
        policy, start = JournaledPolicy(engines()[0], journal), Trajectory(PROBLEM)
        for arguments in [(2, 0, 1.0), (3, 0, 1.0), (2, 1, 1.0), (2, 0, 0.5)]:
            await policy.propose(start, *arguments)

    with Journal(tmp_path / "j", PROBLEM.id, "run") as journal:
        asyncio.run(ask(journal))
    keys = {key.split(".")[0] for key in replies((tmp_path / "j").read_bytes())}
    assert len(keys) == 4


def test_a_complete_journal_needs_no_engine(tmp_path: Path) -> None:
    whole, first = journaled(tmp_path / "j", "mcts")
    again, second = journaled(tmp_path / "j", "mcts", (None, None, None))
    assert outline(again) == outline(whole)
    assert (second.num_live, second.num_replayed) == (0, first.num_live)


def worker(folder: str) -> None:
    """The search of `test_a_killed_process_...` in a process of its own; writes its result when it is done."""
    slow = Slow(0.002)
    result, _ = journaled(Path(folder) / "j", "mcts", (slow, slow, slow))
    temporary = Path(folder) / "part"
    temporary.write_bytes(pickle.dumps(outline(result)[:5]))
    temporary.replace(Path(folder) / "done")


@pytest.mark.slow
def test_a_killed_process_resumes_to_the_same_end(tmp_path: Path) -> None:
    """kill -9 at 50 random moments, over as many searches as that takes."""
    expected = outline(asyncio.run(search("mcts", SETTINGS["mcts"])))[:5]
    rng = random.Random(0)
    kills = finished = 0
    while kills < 50 or finished == 0:
        folder = tmp_path / str(finished)
        folder.mkdir(exist_ok=True)
        size = written(folder)
        process = subprocess.Popen([sys.executable, __file__, str(folder)])
        # Not before it has gone on: how long a start takes is the machine's affair.
        while process.poll() is None and written(folder) == size:
            time.sleep(0.001)
        deadline = time.monotonic() + rng.uniform(0.0, 0.15)
        while process.poll() is None and (time.monotonic() < deadline or kills >= 50):
            time.sleep(0.001)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        if process.returncode == 0:
            assert pickle.loads((folder / "done").read_bytes()) == expected
            finished += 1
        else:
            assert process.returncode == -signal.SIGKILL


def written(folder: Path) -> int:
    """Bytes of the journal in `folder`."""
    return (folder / "j").stat().st_size if (folder / "j").exists() else 0


if __name__ == "__main__":
    worker(sys.argv[1])
