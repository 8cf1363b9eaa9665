"""Whatever text arrives as code, the answer is an execution, never an exception in the search."""

from __future__ import annotations

import pytest
from jail import Jail

from rstar.interpreter import run_program
from rstar.interpreter.tame import is_tame

_DEEP = 100_000
BAD: dict[str, str] = {
    "a syntax error": "print(",
    "prose": "Let us compute the answer.",
    "a fence": "```python\nprint(1)\n```",
    "zero bytes": "print(1)\0print(2)",
    "only zero bytes": "\0" * 100,
    "a lone surrogate": "print('\ud800')",
    "a lone surrogate as a name": "\udfff = 1",
    "a lone surrogate in a comment": "x = 1 # \ud912",
    "a byte order mark": "\ufeffprint(",
    "mixed tabs": "if 1:\n\tx = 1\n        y = 2\n",
    "an indented start": "    x = 1\n  y = 2",
    "a wrong coding line": "# -*- coding: nonsense -*-\nprint(",
    "a form feed": "\f\n\v x",
    "an unterminated string": "x = '''" + "a" * 1000,
    "a return at the top": "return 5",
    "an await at the top": "await x",
    "a yield at the top": "yield 5",
    "a broken f-string": "print(f'{')",
    "a line continuation at the end": "x = 1 \\",
    "a huge number": "x = " + "9" * 5000,
    "deep parentheses": "(" * _DEEP + ")" * _DEEP,
    "deep brackets": "[" * 150 + "]" * 150 + "\nx = " + "[" * 5000 + "]" * 5000,
    "deep minus signs": "x = " + "-" * _DEEP + "1",
    "deep nots": "x = " + "not " * _DEEP + "1",
    "a deep power": "x = " + "2**" * 5000 + "2\n(",
    "deep attributes": "x = a" + ".b" * _DEEP + "\n",
    "deep calls": "x = f" + "()" * _DEEP + "\n",
    "deep lambdas": "x = " + "lambda: " * 20_000 + "1/0\nx(",
    "deep blocks": "\n".join(" " * n + "if 1:" for n in range(200)),
    "deep comprehensions": "x = " + "[" * 90 + "y" + " for y in z]" * 90,
    "deep f-strings": "x = " + "f'{" * 4 + "1" + "}'" * 4,
    "a deep conditional": "x = " + "1 if 0 else " * _DEEP + "undefined_name",
    "many arguments that fail": "f(" + "1, " * 50_000 + ")",
    "one megabyte of sums": "x = " + "1+" * 500_000 + "undefined_name",
    "one megabyte of names": " ".join(["name"] * 200_000),
    "one megabyte of quotes": "'" * 1_000_001,
    "ten megabytes": "undefined_name\n" + "# filler\n" * 1_200_000,
    "many lines": "\n".join(f"x{n} = {n}" for n in range(20_000)) + "\nundefined_name",
    "a name of one megabyte": "x" * 1_000_000,
    "a misleading newline": "x = 1\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029 y",
}
EMPTY = {"nothing": "", "a newline": "\n", "a comment": "# nothing", "spaces": "   \n\t\n"}
FINE: dict[str, tuple[str, str]] = {
    "one megabyte of comment": ("# " + "x" * 1_000_000 + "\nprint(1)", "1\n"),
    "one megabyte of string": ("x = '" + "y" * 1_000_000 + "'\nprint(len(x))", "1000000\n"),
    "carriage returns": ("x = 1\r\nprint(x)\r\n", "1\n"),
    "a semicolon at the end": ("print(3);", "3\n"),
    "unicode names": ("größe = 3; 数 = 4; print(größe * 数)", "12\n"),
    "text that looks like a marker": (
        "print(r'<end_of_step> <code> ``` \\boxed{1}')",
        "<end_of_step> <code> ``` \\boxed{1}\n",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_code_is_a_status(name: str, jail: Jail) -> None:
    answer = jail.run(BAD[name])
    assert answer.status in ("error", "refused", "memory")
    assert 0 < len(answer.error) < 100_000
    answer.error.encode()
    answer.stdout.encode()


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_bad_code_in_the_prefix_is_a_status(name: str, jail: Jail) -> None:
    assert jail.run("x = 1", BAD[name], "print(x)").status in ("ok", "error", "refused", "memory")


@pytest.mark.parametrize("name", EMPTY)
def test_empty_code_prints_nothing(name: str, jail: Jail) -> None:
    answer = jail.run(EMPTY[name])
    assert answer.stdout == ""
    assert answer.status in ("ok", "refused")


@pytest.mark.parametrize("name", FINE)
def test_unusual_code_that_is_valid_runs(name: str, jail: Jail) -> None:
    code, expected = FINE[name]
    answer = jail.run(code)
    assert (answer.status, answer.stdout) == ("ok", expected)


@pytest.mark.parametrize("name", [*BAD, *EMPTY, *FINE])
def test_the_tame_check_answers_for_any_text(name: str) -> None:
    code = {**BAD, **EMPTY}.get(name) or (FINE[name][0] if name in FINE else "")
    assert is_tame(code) in (True, False)


def test_the_blocking_call_answers_for_bad_code() -> None:
    statuses = [step.status for step in run_program(["x = (", "print(1)\0", ""], seconds=30)]
    assert len(statuses) == 3
    assert statuses[0] in ("error", "refused")


def test_no_steps_give_no_executions() -> None:
    assert run_program([]) == []
