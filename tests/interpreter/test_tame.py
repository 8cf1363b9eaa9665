"""Programs that the static check calls tame change nothing that a later program could see.

Most tests here look into a real tame runner in a process of its own (tame_host.py); the others ask the whole
interpreter, where a tame program and a forked one must give the same answer.
"""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from honest import HONEST
from jail import Jail
from poisons import POISONS
from tame_attacks import ATTACKS
from tame_grammar import random_program

from rstar.interpreter.tame import is_tame


def _examine(programs: list[str], *flags: str) -> dict[str, str]:
    """Program → what it changed, for those that changed something."""
    host = [sys.executable, str(Path(__file__).with_name("tame_host.py")), *flags]
    answer = subprocess.run(host, input=json.dumps(programs), capture_output=True, text=True, check=True)
    return {programs[index]: harm for index, harm in json.loads(answer.stdout.splitlines()[-1])}


@pytest.mark.slow
def test_the_host_sees_what_a_poisoned_program_changes() -> None:
    found = _examine([*POISONS.values()], "--unchecked")
    assert [name for name, code in POISONS.items() if code not in found] == []


def test_attacks_on_the_check_change_nothing() -> None:
    assert _examine([*ATTACKS.values()]) == {}


def test_random_programs_that_are_tame_change_nothing() -> None:
    assert _examine([random_program(seed) for seed in range(150)]) == {}


@pytest.mark.slow
def test_many_random_programs_that_are_tame_change_nothing() -> None:
    assert _examine([random_program(seed) for seed in range(10_000, 30_000)]) == {}


_UNCLEARED = [
    "np.ndarray(5000)",
    "type(np.ones(1))(5000)",
    "np.sqrt(4.0, where=np.zeros(5000, dtype=bool))",
    "np.add(1.0, 2.0, **{'where': np.zeros(5000, dtype=bool)})",
    "np.empty(5000)",
    "np.empty_like(np.zeros(5000))",
    "np.zeros(5000)",
    "np.resize(np.array([1.0]), 5000)",
]


@pytest.mark.parametrize("expression", _UNCLEARED)
def test_memory_of_an_earlier_program_is_not_read(expression: str, poisoned_jail: Jail) -> None:
    number = 1_000_000 + _UNCLEARED.index(expression)
    for round_ in range(3):
        poisoned_jail.run(f"import numpy as np\nsecret = np.full(5000, {number}.5)\nprint(secret.sum(), {round_})")
        answer = poisoned_jail.run(
            f"import numpy as np\nfound = {expression}\nprint((found == {number}.5).sum(), {round_})"
        )
        assert answer.stdout == f"0 {round_}\n"


_FINALISERS = {
    "prints": "print('leaked')",
    "loops": "\n        while True: pass",
    "fails": "1 / 0",
}


@pytest.mark.parametrize("name", _FINALISERS)
def test_a_generator_left_behind_does_not_end_in_a_later_program_when_it(name: str, poisoned_jail: Jail) -> None:
    left = f"def g():\n    try: yield 1\n    finally: {_FINALISERS[name]}\nit = g()\nnext(it)\nring = [it]\nring.append(ring)"
    poisoned_jail.run(left)
    for round_ in range(3):
        answer = poisoned_jail.run(f"junk = [[k] for k in range(100_000)]\nprint(len(junk), {round_}, {name!r})")
        assert (answer.status, answer.stdout) == ("ok", f"100000 {round_} {name}\n")


def test_what_the_runner_refuses_cannot_be_swallowed(jail: Jail) -> None:
    code = "from sympy import *\nx = symbols('x')\ntry: found = solve('x**2 - 4')\nexcept: found = 'swallowed'\nprint(found)"
    assert jail.run(code).stdout == "[-2, 2]\n"


@pytest.mark.slow
def test_memory_that_earlier_programs_used_is_not_missing_later(hostile_jail: Jail) -> None:
    for n in range(6):
        hostile_jail.run(
            f"import sympy\nkept = [sympy.Integer(3)**(200_000 + {n}*100 + k) for k in range(100)]\nprint(len(kept))"
        )
        hostile_jail.run(f"import sympy\nprint(len(list(sympy.primerange({n + 1} * 10**5))))")
        hostile_jail.run(f"text = 'x' * (120 << 20)\nprint(len(text), {n})")
    assert hostile_jail.run("text = 'y' * (150 << 20)\nprint(len(text))").stdout == f"{150 << 20}\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", HONEST)
def test_an_honest_program_prints_the_same_where_it_is_forked(name: str, jail: Jail, clean_jail: Jail) -> None:
    """A first step that is certainly not tame makes all of it fork."""
    forked = clean_jail.walk(["import sys as certainly_not_tame", *HONEST[name]])[1:]
    free = jail.walk(HONEST[name])
    assert [(step.status, step.stdout) for step in free] == [(step.status, step.stdout) for step in forked]


def test_a_fair_share_of_honest_steps_is_tame() -> None:
    """So that the check is worth having: a check that always says no would pass every test above."""
    steps = [step for name in HONEST for step in HONEST[name][:1]]
    assert sum(is_tame(step) for step in steps) > len(steps) / 4
