"""What a Ray worker does, tried without Ray: journals that go out line by line, orders that are taken up half done."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sum_runs import flags, rstar, spec, timeless, write_task

from harness.cli_fleet import fleet_of
from harness.distributed_cluster import _reach, _room
from harness.distributed_worker import Ended, Facts, News, Order, Worker
from harness.engines import open_engines
from harness.judge import judge
from harness.remote import Fleet
from harness.retrying import Engines, Meter
from harness.run import search
from harness.spec import RunSpec
from rstar.journal import Journal
from tasks.catalog import load_task
from tasks.types import InputError, Problem


class SearchJob:
    """The job of `harness.distributed_run`, which itself needs Ray."""

    def __init__(self, spec: RunSpec, spoil: Callable[[Engines], Engines] = lambda engines: engines) -> None:
        self.spec, self.spoil = spec, spoil

    def enter(self, stack: ExitStack, share: int) -> Engines:
        assert share == 1
        return self.spoil(stack.enter_context(open_engines(self.spec)))

    async def facts(self, engines: Engines) -> Facts:
        return Facts("cpu", "not used", dict(engines.settings))

    def meter(self, engines: Engines) -> Meter:
        return replace(engines.meter)

    def counters(self, engines: Engines) -> dict[str, Any]:
        return dict(engines.counters)

    async def do(self, engines: Engines, payload: Problem, journal: Journal) -> Any:
        return replace(await search(payload, self.spec, 0, engines, journal), trees=())


@pytest.fixture
def one(tmp_path: Path) -> tuple[RunSpec, Problem, Any]:
    """A spec, a problem and its reference."""
    made = spec(write_task(tmp_path / "sums.jsonl", 1))
    task = load_task(made.task, "eval")
    return made, task.problems[0], task.answers[task.problems[0].id]


@contextmanager
def loop() -> Iterator[Callable[[Any], Any]]:
    with asyncio.Runner() as runner:
        yield runner.run


async def done(worker: Worker, *orders: Order) -> tuple[dict[int, bytes], list[Ended], News]:
    """All lines and ends of some orders, and the last news."""
    await worker.begin(orders)
    lines: dict[int, bytes] = {}
    ended: list[Ended] = []
    while True:
        news = await worker.news()
        assert not any(each.number in news.lines for each in ended), "lines came after the end"
        for number, new in news.lines.items():
            lines[number] = lines.get(number, b"") + new
        ended += news.ended
        if len(ended) == len(orders):
            return lines, ended, news


def order(problem: Problem, journal: bytes = b"", number: int = 0) -> Order:
    return Order(number, problem.id, "run", journal, problem)


def test_the_lines_that_a_worker_ships_are_the_journal_of_a_search_here(one: Any, tmp_path: Path) -> None:
    made, problem, reference = one
    with loop() as run:
        worker = Worker(SearchJob(made), 1)
        run(worker.start())
        lines, [ended], news = run(done(worker, order(problem)))
        run(worker.close())
    assert ended.outcome == "done"
    assert news.meter.tokens > 0
    (tmp_path / "journal").write_bytes(lines[0])
    with Journal(tmp_path / "journal", problem.id, "run") as journal, open_engines(made) as engines, loop() as run:
        here = run(search(problem, made, 0, engines, journal))
        assert journal.num_live == 0, "the shipped journal lacked a reply"
    how = {"seed": 0, "rules": made.rules, "budgets": made.budgets, "top_k": made.top_k}
    assert timeless(judge(ended.value, reference, **how)) == timeless(judge(here, reference, **how))


def test_an_order_with_half_a_journal_asks_only_for_the_rest(one: Any) -> None:
    made, problem, _ = one
    with loop() as run:
        first = Worker(SearchJob(made), 1)
        run(first.start())
        lines, _, whole = run(done(first, order(problem)))
        run(first.close())
        entries = lines[0].splitlines(keepends=True)
        half = b"".join(entries[: len(entries) // 2])
        second = Worker(SearchJob(made), 1)
        run(second.start())
        rest, [ended], news = run(done(second, order(problem, half)))
        run(second.close())
    assert ended.outcome == "done"
    assert 0 < news.meter.tokens < whole.meter.tokens
    assert len(rest[0].splitlines()) == len(entries) - len(entries) // 2


def test_many_orders_at_a_time_keep_their_lines_apart(tmp_path: Path) -> None:
    made = spec(write_task(tmp_path / "sums.jsonl", 12))
    problems = load_task(made.task, "eval").problems
    with loop() as run:
        worker = Worker(SearchJob(made), 1)
        run(worker.start())
        orders = [order(problem, number=number) for number, problem in enumerate(problems)]
        lines, ended, _ = run(done(worker, *orders))
        run(worker.close())
    assert sorted(each.number for each in ended) == list(range(12))
    for number, problem in enumerate(problems):
        (tmp_path / "journal").write_bytes(lines[number])
        with Journal(tmp_path / "journal", problem.id, "run"):
            "A header of another problem, or a torn line, is an error."


def failing(error: Exception) -> Callable[[Engines], Engines]:
    """Engines whose policy always fails."""

    class Policy:
        async def propose(self, *_: Any) -> Any:
            raise error

    return lambda engines: replace(engines, policy=Policy(), pause_seconds=0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "outcome", "text"),
    [
        (RuntimeError("CUDA error"), "failed", "policy: RuntimeError: CUDA error"),
        (InputError("the disk is full"), "refused", "the disk is full"),
    ],
)
def test_what_fails_in_a_worker_comes_back_as_a_named_value(
    one: Any, error: Exception, outcome: str, text: str
) -> None:
    with loop() as run:
        worker = Worker(SearchJob(one[0], failing(error)), 1)
        run(worker.start())
        _, [ended], _ = run(done(worker, order(one[1])))
        run(worker.close())
    assert ended.outcome == outcome
    assert text in ended.value


def test_engines_that_do_not_open_are_an_answer_and_no_death(one: Any) -> None:
    def refuse(_: Engines) -> Engines:
        raise InputError("--policy m: is no model")

    with loop() as run:
        assert run(Worker(SearchJob(one[0], refuse), 1).start()) == "--policy m: is no model"


def test_a_worker_leaves_no_files_behind(one: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(tmp_path.iterdir())
    with loop() as run:
        worker = Worker(SearchJob(one[0]), 1)
        run(worker.start())
        run(done(worker, order(one[1])))
        assert set(tmp_path.iterdir()) > before
        run(worker.close())
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--ray-address", "auto"), "--ray-address means nothing without --workers"),
        (("--workers", "2", "--gpus-per-worker", "1.5"), "--gpus-per-worker 1.5: use a whole number"),
        (("--workers", "2", "--cpus-per-worker", "-1"), "--cpus-per-worker -1: is negative"),
    ],
)
def test_flags_that_cannot_be_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], text: str
) -> None:
    assert rstar("run", *flags(write_task(tmp_path / "sums.jsonl", 1), tmp_path), *arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert text in line


def test_workers_without_ray_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("ray") is not None:
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert rstar("run", *flags(write_task(tmp_path / "sums.jsonl", 1), tmp_path), "--workers", 2) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: --workers needs the package ray; install it")
    assert not list(tmp_path.glob("sums*/*/run.json")), "a run was begun"


def test_a_file_may_set_what_the_flags_set() -> None:
    assert fleet_of(4, "auto", gpus_per_worker=2) == Fleet(num_workers=4, address="auto", gpus_per_worker=2)
    assert fleet_of() is None
    with pytest.raises(InputError, match="'workers': '4' is no whole number"):
        fleet_of("4")


@pytest.mark.parametrize(
    ("node", "cpus", "gpus", "room"),
    [
        ({"CPU": 2.0}, 1, 0, 2),
        ({"CPU": 2.0}, 0.5, 0, 4),
        ({"CPU": 0.0, "GPU": 8.0}, 1, 1, 0),
        ({"CPU": 64.0, "GPU": 8.0}, 4, 2, 4),
        ({"CPU": 64.0, "GPU": 8.0}, 4, 0.3, 16),
        ({"CPU": 640.0, "GPU": 8.0}, 4, 0.3, 24),
        ({}, 0, 0, 99),
    ],
)
def test_a_node_has_room_for_what_its_scarcest_resource_carries(
    node: dict[str, float], cpus: float, gpus: float, room: int
) -> None:
    assert _room(node, cpus, gpus, 99) == room


def test_an_address_where_nothing_listens_is_one_line() -> None:
    with pytest.raises(InputError, match=r"--ray-address 127.0.0.1:1: no Ray cluster answers there"):
        _reach("127.0.0.1:1")
    with pytest.raises(InputError, match="is no address; write auto or HOST:6379"):
        _reach("nonsense")
