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

from rstar.interpreter.tame import is_tame, is_tame_program


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


def test_a_comparison_of_a_decimal_with_a_float_leaves_no_flag() -> None:
    program = "from decimal import Decimal\nprint(Decimal('1.5') < 2.5)"
    assert is_tame(program)
    assert _examine([program]) == {}


@pytest.mark.slow
def test_attacks_on_the_check_change_nothing_where_they_are_simply_executed() -> None:
    """The check alone, without the nets of the runner."""
    assert _examine([*ATTACKS.values()], "--plainly") == {}


def test_random_programs_that_are_tame_change_nothing() -> None:
    programs = [random_program(seed) for seed in range(500)]
    assert sum(map(is_tame, programs)) > 10
    assert _examine(programs) == {}


@pytest.mark.slow
def test_random_programs_that_are_tame_change_nothing_where_they_are_simply_executed() -> None:
    assert _examine([random_program(seed) for seed in range(2_000, 8_000)], "--plainly") == {}


@pytest.mark.slow
def test_many_random_programs_that_are_tame_change_nothing() -> None:
    assert _examine([random_program(seed) for seed in range(10_000, 30_000)]) == {}


_CLASS_OR_TEXT = [name for name in ATTACKS if name.startswith(("finds a builtin", "makes a class", "evaluates a text"))]


@pytest.mark.parametrize("name", _CLASS_OR_TEXT)
def test_the_check_alone_refuses_a_program_that(name: str) -> None:
    assert not is_tame(ATTACKS[name])


_LATER = {
    "keeps text before sympy comes in": ["t = 'setattr'", "import sympy\nprint(sympy.S(t))"],
    "makes text in a function": ["def f(n): return chr(n)", "from sympy import *\nS(f(40))"],
    "catches a message": ["def f(): return e", "from sympy import *\ntry: 1/0\nexcept Exception as e: S(f())"],
    "binds a name of sympy's anew": ["from sympy import *\nx = symbols('x')", "symbols = S"],
    "binds a name of sympy's before": ["symbols = [1]", "from sympy import symbols, S\nx = symbols('x')"],
    "renames Function": ["def f(): return F('E', (), {})", "from sympy import Function as F\nf()"],
}


@pytest.mark.parametrize("name", _LATER)
def test_a_later_step_is_not_tame_where_the_path(name: str) -> None:
    assert is_tame_program(_LATER[name][:1])
    assert not is_tame_program(_LATER[name])


_TAME = [
    "kind = type(3) == int\nprint(type(3), str(type('a')), f'{type([])}', isinstance(2, type(1)))",
    "text = 'a (b)'\nfor letter in text: print(letter.upper(), ord(letter), repr(text))",
    "import sympy as sp\nx, y = sp.symbols('x y', positive=True)\nprint('x (positive) =', sp.solve(x - 2, x), f'{x + y}')",
    "from sympy import *\nn = symbols('n', integer=True)\nf = Function('f')\nprint(dsolve(f(n).diff(n) - f(n)), 'done.')",
    "from sympy import *\nx = symbols('x')\nprint(limit(1/x, x, 0, '+'), Rational('1/3'), groebner([x**2 - 1], x, order='lex'))",
    "from sympy import *\nf, g = symbols('f g', cls=Function)\nx = symbols('x')\nprint(f(x).diff(x), latex(g(x)))",
    "import sympy\nn = sympy.factorial(20)\nprint(sum(map(int, str(n))), len(str(n)), str(n) == str(n)[::-1], str(n).count('0'))",
    "from sympy import isprime\nprint(', '.join(str(k) for k in range(20) if isprime(k)), '-' * 20, '%d primes' % 8)",
    "import sympy\ntry:\n    print(1 / sympy.S(0), 1 / 0)\nexcept ZeroDivisionError as error:\n    print('failed:', error)",
    "import sympy\ndef f(n: int) -> str:\n    'A text (with marks).'\n    assert n, 'no n'\n    return n\nif __name__ == '__main__': print(f(2))",
]


@pytest.mark.parametrize("code", _TAME)
def test_honest_use_of_types_and_text_is_tame(code: str, jail: Jail, clean_jail: Jail) -> None:
    assert is_tame(code)
    forked = clean_jail.run("import sys as certainly_not_tame", code)
    assert jail.run(code).stdout == forked.stdout != ""


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
