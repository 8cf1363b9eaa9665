"""However the supervisor ends, nothing of it stays behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jail import Jail, descendants, processor_seconds, wait_until_gone

_HERE = Path(__file__).parent
_SUPERVISOR = f"""
import sys; sys.path.insert(0, {str(_HERE)!r})
from jail import Jail
jail = Jail(seconds=300, memory_mb=1024, workers=2)
for n in range(6): jail.run(f"import os\\nx = {{n}}", "import os\\ny = x")
print("ready", flush=True)
sys.stdin.read()
"""
_STUBBORN = r"""
import ctypes, os, signal, threading
libc = ctypes.CDLL(None)
libc.prctl(1, 0)
for n in range(1, 65):
    try: signal.signal(n, signal.SIG_IGN)
    except (OSError, ValueError): pass
try: os.setsid()
except OSError: pass
try: os.closerange(0, 1024)
except OSError: pass
threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()
while True: pass
"""


def _start(after: str, wrapper: list[str] | None = None) -> tuple[subprocess.Popen[str], set[int]]:
    """A supervisor with live snapshots that does `after` when its standard input ends, and every process below it."""
    supervisor = subprocess.Popen(
        [*(wrapper or []), sys.executable, "-c", _SUPERVISOR + after],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == "ready\n"
    family = descendants(supervisor.pid)
    supervisor.stdin.close()
    time.sleep(0.5)  # until a stubborn program has had its say
    family |= descendants(supervisor.pid)
    assert family
    return supervisor, family


def _reap(supervisor: subprocess.Popen[str]) -> None:
    assert supervisor.stdout is not None
    supervisor.stdout.close()
    supervisor.wait()


_SLOWLY = [pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]


@pytest.mark.parametrize("number", [signal.SIGKILL, *_SLOWLY], ids=lambda number: number.name)
def test_nothing_survives_a_supervisor_that_gets(number: signal.Signals) -> None:
    supervisor, family = _start("import time; time.sleep(300)")
    os.kill(supervisor.pid, number)
    _reap(supervisor)
    assert wait_until_gone(family) == set()


@pytest.mark.parametrize(
    "wrapper", [[], [sys.executable, str(_HERE / "without_namespaces.py")]], ids=["here", "in a container"]
)
def test_a_stubborn_program_does_not_survive_a_killed_supervisor(wrapper: list[str]) -> None:
    supervisor, family = _start(f"jail.run({_STUBBORN!r})", wrapper)
    os.kill(supervisor.pid, signal.SIGKILL)
    _reap(supervisor)
    assert wait_until_gone(family) == set()


@pytest.mark.slow
def test_nothing_survives_a_supervisor_that_ends_without_closing() -> None:
    supervisor, family = _start("import os; os._exit(0)")
    _reap(supervisor)
    assert wait_until_gone(family) == set()


@pytest.mark.slow
def test_nothing_survives_a_supervisor_that_raises() -> None:
    supervisor, family = _start("1/0")
    _reap(supervisor)
    assert wait_until_gone(family) == set()


def test_closing_leaves_no_process_and_no_descriptor() -> None:
    before, open_before = descendants(), _open_descriptors()
    jail = Jail(seconds=30, workers=2)
    for n in range(10):
        jail.run(f"import os\nx = {n}")
    started = descendants() - before
    assert started
    jail.close()
    assert wait_until_gone(started) == set()
    assert _open_descriptors() == open_before


@pytest.mark.slow
def test_closing_twice_is_harmless() -> None:
    jail = Jail(seconds=30, workers=1)
    jail.run("print(1)")
    jail._runner.run(jail.interpreter.__aexit__(None, None, None))
    jail.close()


def test_a_program_that_timed_out_stops_using_the_processor(hasty_jail: Jail) -> None:
    for code in (
        "while True: pass",
        _STUBBORN,
        "import threading\nfor _ in range(4): threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()",
    ):
        hasty_jail.run("a = 1", code)
    assert _burning() < 0.2


def test_a_thread_left_by_a_finished_step_stops_using_the_processor(hostile_jail: Jail) -> None:
    hostile_jail.run(
        "import threading\nthreading.Thread(target=lambda: [0 for _ in iter(int, 1)], daemon=True).start()"
    )
    assert _burning() < 0.2


def _open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _burning() -> float:
    """Share of one processor that our descendants use while nothing is asked of them."""
    time.sleep(0.2)
    family = descendants()
    before = processor_seconds(family)
    time.sleep(1.0)
    return processor_seconds(family) - before


def test_every_call_is_answered_while_processes_are_killed() -> None:
    jail = Jail(seconds=30, workers=2)
    try:
        base = descendants()
        for round_ in range(2):
            for pid in sorted(descendants() & base, key=lambda pid: (pid * 7919 + round_) % 101)[:2]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            paths = [(f"import os\nr = {round_}", f"import os\nprint(r, {n})") for n in range(4)]
            answers = jail.run_all([*paths, (f"t = {round_}", "print(t)")])
            assert [answer.stdout for answer in answers if answer.status == "ok"] == [
                *[f"{round_} {n}\n" for n, answer in enumerate(answers[:4]) if answer.status == "ok"],
                *[f"{round_}\n" for answer in answers[4:] if answer.status == "ok"],
            ]
            base = descendants()
        assert jail.run("import os\nprint('alive')").stdout == "alive\n"
    finally:
        jail.close()
