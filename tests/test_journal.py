"""The journal file: what it answers, what survives, and what it refuses."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from rstar.journal import Journal, read_entries
from rstar.types import SearchResult, Step, Trajectory, Usage
from tasks.types import InputError, Problem

RESULT = SearchResult(
    "p",
    (Trajectory(Problem("p", "?"), (Step("<answer>\\boxed{7}<end_of_answer>", ""),), "answered", "7"),),
    (0.5,),
    (Usage(),),
)


def ask(journal: Journal, request: str, reply: Any = None) -> Any:
    """The journal's reply to a request that an engine would answer with `reply`; it must not be asked if None."""

    async def engine() -> Any:
        assert reply is not None, "the engine was asked for what the journal knows"
        return reply

    return asyncio.run(journal.answer("test", [request], engine))


def write(path: Path, *requests: str) -> bytes:
    with Journal(path, "p", "run") as journal:
        for request in requests:
            ask(journal, request, [request.upper()])
    return path.read_bytes()


def test_what_was_answered_is_answered_again_without_the_engine(tmp_path: Path) -> None:
    write(tmp_path / "j", "a", "b")
    with Journal(tmp_path / "j", "p", "run") as journal:
        assert [ask(journal, "b"), ask(journal, "a")] == [["B"], ["A"]]
        assert ask(journal, "c", ["C"]) == ["C"]
        assert (journal.num_replayed, journal.num_live) == (2, 1)


def test_an_answer_is_on_disk_before_it_is_used(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "p", "run") as journal:
        before = (tmp_path / "j").stat().st_size
        ask(journal, "a", ["A"])
        assert (tmp_path / "j").stat().st_size > before


def test_equal_requests_are_replayed_one_by_one(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "p", "run") as journal:
        assert [ask(journal, "a", 1), ask(journal, "a", 2)] == [1, 2]
    with Journal(tmp_path / "j", "p", "run") as journal:
        assert [ask(journal, "a"), ask(journal, "a"), ask(journal, "a", 3)] == [1, 2, 3]


@pytest.mark.parametrize("lost", range(1, 40))
def test_a_torn_tail_costs_the_last_answer_only(tmp_path: Path, lost: int) -> None:
    content = write(tmp_path / "j", "a", "b")
    last = len(content[:-1]) - content[:-1].rfind(b"\n")
    (tmp_path / "j").write_bytes(content[: -min(lost, last)])
    with Journal(tmp_path / "j", "p", "run") as journal:
        assert ask(journal, "a") == ["A"]
        assert ask(journal, "b", ["again"]) == ["again"]
    with Journal(tmp_path / "j", "p", "run") as journal:
        assert [ask(journal, "a"), ask(journal, "b")] == [["A"], ["again"]]


def test_a_header_torn_off_starts_the_journal_anew(tmp_path: Path) -> None:
    content = write(tmp_path / "j", "a")
    (tmp_path / "j").write_bytes(content[:10])
    write(tmp_path / "j", "b")
    assert len(list(read_entries(tmp_path / "j"))) == 2


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    content = write(tmp_path / "j", "a", "b")
    last_line_feed = len(content) - 1
    for position in range(last_line_feed):
        (tmp_path / "j").write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        with pytest.raises(InputError, match=r"j, line \d \(byte \d+\): is damaged; restore"):
            Journal(tmp_path / "j", "p", "run")


def test_damage_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "j", "a", "b"))
    content[20] ^= 1
    (tmp_path / "j").write_bytes(content)
    with pytest.raises(InputError):
        Journal(tmp_path / "j", "p", "run")
    assert (tmp_path / "j").read_bytes() == content


@pytest.mark.parametrize(("problem", "run"), [("p", "other"), ("q", "run")])
def test_the_journal_of_another_run_or_problem_is_refused(tmp_path: Path, problem: str, run: str) -> None:
    write(tmp_path / "j", "a")
    with pytest.raises(InputError, match="is the journal of"):
        Journal(tmp_path / "j", problem, run)


def test_a_journal_in_use_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "p", "run"), pytest.raises(InputError, match="in use"):
        Journal(tmp_path / "j", "p", "run")


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be opened"):
        Journal(tmp_path / "file" / "j", "p", "run")


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_write = os.write

    def half_a_write(descriptor: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(descriptor, data[: len(data) // 2])

    content = write(tmp_path / "j", "a")
    with Journal(tmp_path / "j", "p", "run") as journal:
        monkeypatch.setattr(os, "write", half_a_write)
        with pytest.raises(InputError, match=r"No space left on device.*make room and resume"):
            ask(journal, "b", ["B"])
        monkeypatch.undo()
        assert (tmp_path / "j").read_bytes() == content
        ask(journal, "c", ["C"])
    with Journal(tmp_path / "j", "p", "run") as journal:
        assert [ask(journal, "a"), ask(journal, "c")] == [["A"], ["C"]]


def test_an_engine_that_fails_leaves_no_entry(tmp_path: Path) -> None:
    async def broken() -> Any:
        raise ConnectionError("server is gone")

    with Journal(tmp_path / "j", "p", "run") as journal, pytest.raises(ConnectionError):
        asyncio.run(journal.answer("test", ["a"], broken))
    with Journal(tmp_path / "j", "p", "run") as journal:
        assert ask(journal, "a", ["A"]) == ["A"]


def test_level_none_leaves_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "p", "run") as journal:
        ask(journal, "a", ["A"])
        journal.finish(RESULT, "none")
    assert list(tmp_path.iterdir()) == []


def test_level_answers_leaves_the_finished_trajectories(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "p", "run") as journal:
        ask(journal, "a", ["A"])
        journal.finish(RESULT, "answers")
    assert [path.name for path in tmp_path.iterdir()] == ["j.gz"]
    _, *rest = read_entries(tmp_path / "j.gz")
    assert rest == [["trajectory", "answered", "7", 0.5, "<answer>\\boxed{7}<end_of_answer>"]]


def test_level_full_leaves_everything_and_can_be_replayed(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "p", "run") as journal:
        ask(journal, "a", ["A" * 10_000])
        journal.finish(RESULT, "full")
    assert [path.name for path in tmp_path.iterdir()] == ["j.gz"]
    assert (tmp_path / "j.gz").stat().st_size < 1000
    with Journal(tmp_path / "j", "p", "run") as journal:
        assert ask(journal, "a") == ["A" * 10_000]


def test_the_clock_goes_on_from_the_last_replayed_answer(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "p", "run") as journal:
        journal._replayed_seconds = 100.0  # as if an earlier attempt had taken as long
        ask(journal, "a", 1)
    with Journal(tmp_path / "j", "p", "run") as journal:
        assert journal.seconds() == 0.0
        ask(journal, "a")
        assert journal.seconds() == pytest.approx(100.0, abs=5.0)


def test_lone_surrogates_are_kept(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "p", "run") as journal:
        ask(journal, "\ud800", ["\udfff"])
    with Journal(tmp_path / "j", "p", "run") as journal:
        assert ask(journal, "\ud800") == ["\udfff"]


def test_a_missing_or_broken_file_is_refused_by_the_reader(tmp_path: Path) -> None:
    (tmp_path / "j.gz").write_bytes(b"not gzip")
    for name in ("j.gz", "absent"):
        with pytest.raises(InputError, match="cannot be read"):
            list(read_entries(tmp_path / name))
