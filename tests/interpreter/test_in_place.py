"""A lone step goes on in its parent's process; nobody can tell, except by the time it takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jail import Jail

_COSTLY = "import os, time\ntime.sleep(0.01)\n"
"""What makes a step worth a snapshot, and no tame one."""


@pytest.fixture(scope="module")
def alone() -> Iterator[Jail]:
    jail = Jail(seconds=60, memory_mb=1024, workers=1)
    yield jail
    jail.close()


@pytest.fixture(autouse=True)
def _whatever_it_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a busy machine does not decide what is tested."""
    monkeypatch.setattr("rstar.interpreter.supervisor.IN_PLACE_FORKS", 1e12)


def _path(name: str, count: int) -> list[str]:
    return [f"{_COSTLY}{name} = [0]", *[f"{_COSTLY}{name}.append({n})" for n in range(1, count)]]


def test_a_lone_path_lives_in_one_process(alone: Jail) -> None:
    before = alone.interpreter.statistics()["snapshots"]
    assert [step.status for step in alone.walk(_path("one", 5))] == ["ok"] * 5
    assert alone.interpreter.statistics()["snapshots"] == before + 1


def test_a_path_that_branches_later_finds_every_state_of_it(alone: Jail) -> None:
    path = _path("two", 5)
    alone.walk(path)
    for depth in (5, 3, 1, 4, 2, 3):
        shown = alone.run(*path[:depth], f"{_COSTLY}print(two, {depth})").stdout
        assert shown == f"{list(range(depth))} {depth}\n"


def test_siblings_of_a_lone_step_do_not_see_it(alone: Jail) -> None:
    parent = f"{_COSTLY}three = []"
    for n in range(4):
        assert alone.walk([parent, f"{_COSTLY}three.append({n})\nprint(three)"])[1].stdout == f"[{n}]\n"


def test_siblings_asked_for_at_once_do_not_see_each_other(alone: Jail) -> None:
    parent = f"{_COSTLY}four = []"
    alone.walk([parent])
    answers = alone.run_all([[parent, f"{_COSTLY}four.append({n})\nprint(four)"] for n in range(6)])
    assert [answer.stdout for answer in answers] == [f"[{n}]\n" for n in range(6)]


@pytest.mark.parametrize("failure", ["1 / 0", "os._exit(0)", "raise SystemExit", "os.close(1); os._exit(3)"])
def test_a_lone_step_that_fails_leaves_no_trace(failure: str, alone: Jail) -> None:
    path = [f"{_COSTLY}five = [{failure!r}]", f"{_COSTLY}five.append(1)"]
    answers = alone.walk([*path, f"{_COSTLY}five.append(2)\n{failure}", f"{_COSTLY}print(five)"])
    assert [answer.status for answer in answers] == ["ok", "ok", "error", "ok"]
    assert answers[3].stdout == f"{[failure, 1]}\n"


def test_a_thread_does_not_live_on_in_the_next_step(alone: Jail) -> None:
    leave = (
        f"{_COSTLY}import threading\nsix = []\ndef work():\n"
        "    while True:\n        time.sleep(0.02)\n        six.append(1)\n"
        "threading.Thread(target=work, daemon=True).start()"
    )
    answers = alone.walk(
        [leave, f"{_COSTLY}n = len(six)\ntime.sleep(0.3)\nprint(len(six) - n)", f"{_COSTLY}print('on')"]
    )
    assert [answer.stdout for answer in answers] == ["", "0\n", "on\n"]


def test_a_timer_does_not_ring_in_the_next_step(alone: Jail) -> None:
    answers = alone.walk(
        [
            (
                f"{_COSTLY}import signal\n"
                "signal.setitimer(signal.ITIMER_REAL, 0.3)\nsignal.setitimer(signal.ITIMER_PROF, 0.1)"
            ),
            "import time\ntime.sleep(0.6)\nsum(range(5_000_000))\nprint('quiet')",
        ]
    )
    assert answers[1].stdout == "quiet\n"


def test_a_cheap_step_in_between_keeps_the_state(alone: Jail) -> None:
    answers = alone.walk([f"{_COSTLY}seven = [1]", "import os\nseven.append(2)", f"{_COSTLY}print(seven)"])
    assert answers[2].stdout == "[1, 2]\n"


@pytest.mark.slow
def test_each_step_of_a_long_path_has_its_own_time_limit() -> None:
    """Twelve steps of a quarter of a second each: more processor time than one step may use."""
    jail = Jail(seconds=1.0, memory_mb=1024, workers=1)
    try:
        work = "import os, time\nend = time.process_time() + 0.25\nwhile time.process_time() < end: pass"
        answers = jail.walk([f"{work}\neight = {n}" for n in range(12)])
    finally:
        jail.close()
    assert {answer.status for answer in answers} <= {"ok", "timeout"}
    assert answers[-1].status == "ok" or answers[-1].seconds >= 1.0
