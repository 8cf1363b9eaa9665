from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from misbehaving_grader import CannotStart, act

from harness import workers
from harness.workers import Failure, WorkerPool


def pool(limit_seconds: float = 20.0, num_workers: int = 2) -> WorkerPool[str, str]:
    return WorkerPool(act, num_workers, limit_seconds, preload=("misbehaving_grader",))


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and is not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> bool:
    for _ in range(500):
        if not is_alive(pid):
            return True
        time.sleep(0.01)
    return False


def test_results_come_in_the_order_of_the_requests() -> None:
    requests = ["slow:0.2", *(f"r{index}" for index in range(300))]
    with pool() as two:
        assert [result for _, result in two.map(requests)] == [request.upper() for request in requests]


@pytest.mark.parametrize(("request_", "reason"), [("crash", "died"), ("raise", "error"), ("hog", "error")])
def test_a_failing_request_costs_nothing_but_itself(request_: str, reason: str) -> None:
    # Two hundred before it, so that it stands in a chunk with others on either side.
    requests = [f"a{index}" for index in range(200)] + [request_] + [f"b{index}" for index in range(50)]
    with pool() as two:
        outcomes = dict(two.map(requests))
    failure = outcomes.pop(request_)
    assert isinstance(failure, Failure)
    assert failure.reason == reason
    assert outcomes == {request: request.upper() for request in requests if request != request_}


def test_a_hanging_request_times_out_and_costs_nothing_but_itself() -> None:
    requests = [f"a{index}" for index in range(200)] + ["hang"] + [f"b{index}" for index in range(50)]
    with pool(limit_seconds=0.5) as two:
        outcomes = dict(two.map(requests))
    assert outcomes.pop("hang") == Failure("timeout", "no result within 0.5 s")
    assert outcomes == {request: request.upper() for request in requests if request != "hang"}


def test_requests_that_all_crash_are_all_answered() -> None:
    with pool() as two:
        assert [type(result) for _, result in two.map(["crash"] * 20)] == [Failure] * 20


def test_the_failure_of_a_crash_names_the_exit_code() -> None:
    with pool() as two:
        assert [result for _, result in two.map(["crash"])] == [Failure("died", "the process ended with exit code 7")]


def test_no_process_is_left_after_the_block() -> None:
    with pool() as two:
        list(two.map([f"slow:{0.05 + index / 1e6}" for index in range(8)]))
        pids = [worker.process.pid or 0 for worker in two._workers]
        assert all(is_alive(pid) for pid in pids)
    assert len(pids) == 2
    assert all(wait_until_gone(pid) for pid in pids)


def test_what_a_killed_worker_has_started_ends_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pool(limit_seconds=3.0, num_workers=1) as one:
        [(_, result)] = one.map([f"spawn:{note}"])
    assert isinstance(result, Failure)
    assert wait_until_gone(int(note.read_text()))


def test_requests_are_not_read_far_ahead_of_a_slow_one() -> None:
    num_read = 0

    def requests() -> Iterator[str]:
        nonlocal num_read
        yield "slow:0.5"
        for index in range(100_000):
            num_read += 1
            yield f"r{index}"

    with pool() as two:
        next(two.map(requests()))
    assert num_read <= 2 * workers.CHUNK_SIZE * workers._BACKLOG_CHUNKS


def test_large_requests_are_held_by_their_size() -> None:
    num_read = 0

    def requests() -> Iterator[str]:
        nonlocal num_read
        yield "slow:0.5"
        for index in range(1000):
            num_read += 1
            yield f"r{index}"

    with pool() as two:
        next(two.map(requests(), size=lambda _: workers.HELD_BYTES // 4))
    assert num_read <= 4


def test_a_map_that_was_left_early_leaves_no_results_for_the_next() -> None:
    with pool() as two:
        first = two.map([f"old{index}" for index in range(100)])
        next(first)
        first.close()  # type: ignore[attr-defined]
        assert [result for _, result in two.map(["new"])] == ["NEW"]


def test_a_worker_that_never_starts_is_an_error_and_not_an_endless_loop() -> None:
    with WorkerPool(CannotStart(), 1, 5.0) as broken, pytest.raises(RuntimeError, match="does not start"):
        list(broken.map(["x"]))


def test_lone_surrogates_pass_through_a_worker() -> None:
    with pool() as two:
        assert [result for _, result in two.map(["\ud800x"])] == ["\ud800X"]


def test_at_least_one_core_is_reported() -> None:
    assert 1 <= workers.workers_available() <= (os.cpu_count() or 1)
