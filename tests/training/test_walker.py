"""The walker prints what Python prints, and calls everything else an error."""

from __future__ import annotations

import pytest

from rstar.interpreter import SandboxInterpreter
from rstar.synthesis.walker import Walker
from tasks.procedural import FAMILIES, generate


def walk(codes: list[str]) -> list[tuple[str, str]]:
    """(status, stdout) of each step; a failed one leaves no trace."""
    walker, done, seen = Walker(), list[str](), list[tuple[str, str]]()
    for code in codes:
        execution = walker.execute(tuple(done), code)
        seen.append((execution.status, execution.stdout.strip()))
        if execution.status == "ok":
            done.append(code)
    return seen


def programs() -> list[list[str]]:
    """Per family one solution as it is, and one with the last wrong variant of every step that has one."""
    made = [generate("train", family, 5, 7) for family in FAMILIES]
    right = [[step.code for step in each.steps] for each in made]
    wrong = [[step.wrong[-1] if step.wrong else step.code for step in each.steps] for each in made]
    return right + wrong


def test_the_walker_says_what_the_sandboxed_interpreter_says_for_the_families_programs() -> None:
    with SandboxInterpreter(workers=1) as interpreter:
        for codes in programs():
            real = [(each.status, each.stdout.strip()) for each in interpreter.run_program(codes)]
            assert walk(codes) == real


def test_a_solution_as_it_is_prints_the_answer() -> None:
    for family in FAMILIES:
        made = generate("train", family, 4, 3)
        assert walk([step.code for step in made.steps])[-1] == ("ok", made.answer)


@pytest.mark.parametrize(
    "code",
    [
        "__import__('os').system('true')",
        "print(open('/etc/passwd').read())",
        "import os",
        "from os import system",
        "x = (1).__class__",
        "x = 10 ** 10 ** 10",
        "x = 'a' * 10 ** 9",
        "from math import comb\nx = comb(10 ** 9, 10 ** 8)",
        "while True: pass",
        "x = [i for i in range(9)]",
        "x = y",
        "x = 1 // 0",
        "x = ",
        "x = 3and 4",
        "(" * 5000,
    ],
)
def test_hostile_and_unknown_code_is_an_error_at_once(code: str) -> None:
    assert walk([code])[0][0] == "error"


def test_a_failed_step_leaves_no_trace() -> None:
    walker = Walker()
    assert walker.execute(("x = 1",), "x = 2\ny = z").status == "error"
    assert walker.execute(("x = 1",), "print(x)").stdout == "1\n"
