"""What a program changes stays in its own path: neither a sibling nor a later program sees it."""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

import pytest
from fingerprint import RANDOM, fingerprint
from jail import Jail
from naive import run_naively
from poisons import POISONS, RANDOM_POISONS

_PARENT = "import math\nshared = [1, 2, 3]\nprint(shared)"


def _facts(jail: Jail, *steps: str) -> list[str]:
    execution = jail.run(*steps)
    assert (execution.status, execution.error) == ("ok", "")
    return execution.stdout.splitlines()


@pytest.fixture(scope="module")
def clean_facts(clean_jail: Jail) -> list[str]:
    """What the fingerprint shows where nothing was poisoned."""
    return _facts(clean_jail, fingerprint("clean"))


@pytest.mark.parametrize("name", POISONS)
def test_a_later_program_does_not_notice_one_that(name: str, poisoned_jail: Jail, clean_facts: list[str]) -> None:
    poisoned_jail.run(POISONS[name])
    assert _facts(poisoned_jail, fingerprint(f"after {name}")) == clean_facts


_SOME = [name if number % 6 == 0 else pytest.param(name, marks=pytest.mark.slow) for number, name in enumerate(POISONS)]


@pytest.mark.parametrize("name", _SOME)
def test_a_sibling_does_not_notice_one_that(name: str, poisoned_jail: Jail, clean_facts: list[str]) -> None:
    poisoned_jail.walk([_PARENT, f"shared.append(4)\n{POISONS[name]}"])
    victim = fingerprint(f"beside {name}") + "\nprint(shared, math.floor(2.5))"
    assert _facts(poisoned_jail, _PARENT, victim) == [*clean_facts, "[1, 2, 3] 2"]


@pytest.mark.parametrize("name", RANDOM_POISONS)
def test_random_numbers_do_not_depend_on_a_program_that(name: str, poisoned_jail: Jail, clean_jail: Jail) -> None:
    poisoned_jail.run(RANDOM_POISONS[name])
    poisoned_jail.walk([_PARENT, RANDOM_POISONS[name]])
    victim = f"NONCE = {name!r}\n{RANDOM}"
    assert _facts(poisoned_jail, victim) == _facts(clean_jail, victim)
    assert _facts(poisoned_jail, _PARENT, victim) == _facts(clean_jail, _PARENT, victim)


def test_a_message_left_by_one_program_is_not_found_by_another(poisoned_jail: Jail) -> None:
    leave = """
import os, sys
places = ['/tmp', '/dev/shm', '/var/tmp', '/run', '/', '.', '/home', '/root', '/mnt', '/srv', '/dev', '/opt']
for place in places:
    for make in (lambda p: open(p, 'w').write('x'), os.mkdir, lambda p: os.symlink('x', p), os.mkfifo):
        try: make(os.path.join(place, 'red-message')); print('left')
        except Exception: pass
"""
    find = (
        "import os\nfor p in ('/tmp', '/dev/shm', '/var/tmp', '/run', '/', '.', '/home', '/root', '/mnt', '/srv', '/dev', '/opt'):\n"
        "    if os.path.lexists(os.path.join(p, 'red-message')): print('found', p)"
    )
    assert "left" not in poisoned_jail.run(leave).stdout
    assert poisoned_jail.run(find).stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", POISONS)
def test_the_fingerprint_shows_without_a_jail_that_a_program(name: str) -> None:
    """So that the tests above can fail: in one shared process the change is seen."""
    programs = [[fingerprint("1")], [fingerprint("2")], [POISONS[name]], [fingerprint("3")]]
    _, before, poison, after = run_naively(programs, 60)
    assert before is not None
    assert poison is not None
    assert poison.status == "ok"
    assert after is None or after.stdout != before.stdout
