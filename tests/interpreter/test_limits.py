"""What goes too far has a name, and what is wrong with the settings is one clear error."""

from __future__ import annotations

import math

import pytest
from jail import Jail

from rstar.interpreter import SandboxInterpreter, run_program
from tasks.types import InputError


def test_a_loop_is_a_timeout(hasty_jail: Jail) -> None:
    answer = hasty_jail.run("x = 1", "print('before')\nwhile True: x += 1")
    assert (answer.status, answer.stdout) == ("timeout", "before\n")
    assert answer.error
    assert 0.2 < answer.seconds < 60


def test_a_sleep_is_a_timeout(hasty_jail: Jail) -> None:
    assert hasty_jail.run("import time\ntime.sleep(1000)").status == "timeout"


def test_a_tame_loop_is_a_timeout(hasty_jail: Jail) -> None:
    assert hasty_jail.run("n = 0\nwhile n >= 0: n += 1").status == "timeout"


def test_too_much_memory_is_memory(hostile_jail: Jail) -> None:
    answer = hostile_jail.run("print('before')\nx = bytearray(700 << 20)")
    assert (answer.status, answer.stdout) == ("memory", "before\n")
    assert answer.error


def test_too_much_memory_in_small_pieces_is_memory(hostile_jail: Jail) -> None:
    assert hostile_jail.run("x = []\nwhile len(x) < 700: x.append(bytes(1 << 20))").status == "memory"


def test_memory_below_the_limit_is_allowed(hostile_jail: Jail) -> None:
    assert hostile_jail.run("x = bytearray(100 << 20)\nprint(len(x))").stdout == f"{100 << 20}\n"


def test_the_memory_limit_holds_for_each_step_of_a_deep_path(hostile_jail: Jail) -> None:
    answers = hostile_jail.walk([f"x{n} = bytearray(20 << 20)" for n in range(5)])
    assert [answer.status for answer in answers] == ["ok"] * 5


def test_a_raised_exception_is_an_error_with_type_and_message(jail: Jail) -> None:
    answer = jail.run("print('before')\nraise ValueError('what happened')")
    assert (answer.status, answer.stdout, answer.error) == ("error", "before\n", "ValueError: what happened")


def test_an_output_that_says_error_is_ok(jail: Jail) -> None:
    answer = jail.run("print('standard error: 0.5, Traceback (most recent call last), TimeoutError, MemoryError')")
    assert (answer.status, answer.error) == ("ok", "")


def test_a_long_output_is_capped_and_its_beginning_kept(jail: Jail) -> None:
    answer = jail.run("for n in range(200_000): print('line', n)")
    assert answer.stdout.startswith("line 0\nline 1\n")
    assert len(answer.stdout) < 4_000_000


def test_output_within_the_cap_is_complete(jail: Jail) -> None:
    assert jail.run("print('x' * 10_000)\nprint('end')").stdout == "x" * 10_000 + "\nend\n"


def test_seconds_is_the_time_of_the_program(jail: Jail) -> None:
    assert 0.15 <= jail.run("import time\ntime.sleep(0.2)").seconds < 10


@pytest.mark.parametrize("seconds", [0, 0.0, -1, -0.5, math.nan, math.inf, -math.inf])
def test_a_time_limit_that_is_no_time_is_an_input_error(seconds: float) -> None:
    with pytest.raises(InputError, match="seconds"):
        SandboxInterpreter(seconds=seconds)
    with pytest.raises(InputError, match="seconds"):
        run_program(["print(1)"], seconds=seconds)


@pytest.mark.parametrize("memory_mb", [0, -1])
def test_a_memory_limit_that_is_none_is_an_input_error(memory_mb: int) -> None:
    with pytest.raises(InputError, match="memory"):
        SandboxInterpreter(memory_mb=memory_mb)
    with pytest.raises(InputError, match="memory"):
        run_program(["print(1)"], memory_mb=memory_mb)


@pytest.mark.parametrize("workers", [0, -2])
def test_a_count_of_workers_that_is_none_is_an_input_error(workers: int) -> None:
    with pytest.raises(InputError, match="workers"):
        SandboxInterpreter(workers=workers)


def test_an_unknown_display_is_an_input_error() -> None:
    with pytest.raises(InputError, match="display"):
        SandboxInterpreter(display="fancy")


def test_an_unknown_sandbox_level_is_an_input_error() -> None:
    with pytest.raises(InputError, match="sandbox"):
        SandboxInterpreter(require_sandbox="titanium")
