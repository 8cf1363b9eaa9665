"""The rules of the variant "official", one by one: which prints are shown, what is rounded, what is cut.

docs/interpreter.md (Display) states them; they are those of the released rStar-Math code (tools/python_tool.py).
"""

from __future__ import annotations

import contextlib
import io

import pytest
from jail import Jail

from rstar.interpreter.step import Outcome, new_namespace, official_runner


def _run(*steps: str) -> tuple[Outcome, str]:
    """Outcome and text of the last step, in this process: these programs are our own."""
    captured = io.StringIO()
    shown: list[str] = []

    def capture() -> str:
        text = captured.getvalue()
        captured.seek(0)
        captured.truncate()
        return text

    run = official_runner(shown.append, capture)
    namespace = new_namespace()
    outcome: Outcome = ("ok", "")
    with contextlib.redirect_stdout(captured):
        for step in steps:
            shown.clear()
            outcome = run(step, namespace)
    return outcome, "".join(shown)


_SHOWN = {
    "one print at the end": ("x = 5\nprint('x is', x)", "x is 5\n"),
    "one print that is not last": ("print('seen')\nx = 1", ""),
    "one print before a trailing expression": ("print('seen')\n6 * 7", "42"),
    "no print": ("x = 1\ny = 2", ""),
    "nothing at all": ("", ""),
    "a trailing expression": ("x = [1, 2]\nx", "[1, 2]"),
    "a trailing expression that is None": ("x = [2, 1]\nx.sort()", ""),
    "a trailing call that prints": ("show = print\nshow('by another name')", "by another name\n"),
    "a trailing call of a function that prints and returns": ("def f():\n    print('p')\n    return 'v'\nf()", "v"),
    "a trailing call of a function that only prints": ("def f(): print('p')\nf()", "p\n"),
    "a loop that prints": ("for k in range(3):\n    print(k)", "0\n1\n2\n"),
    "several prints": ("a = 2\nprint(a)\nb = a + 1\nprint(b)", "a: 2\nb: 3\n"),
    "several prints with several arguments": ("print(1, 2)\nprint('x', sep='-')", "1, 2: 1 2\n'x', sep='-': x\n"),
    "several prints on one line": ("print(1); print(2)", "1: 1\n2: 2\n"),
    "a print whose argument holds a parenthesis": ("print(abs(-1))\nprint(2)", "abs(-1: 1\n2: 2\n"),
    "a loop among several prints": ("for k in range(2):\n    print(k)\nprint('end')", "k: 0\n1\n'end': end\n"),
    "two prints in one loop": ("for k in [7]:\n    print(k)\n    print(-k)", "7\n-7\n"),
    "an if that prints": ("if True:\n    print('yes')", "yes\n"),
    "a print two levels down": ("for k in [1]:\n    if k:\n        print('deep')\nx = 1", ""),
    "a call that prints between several prints": ("p = print\nprint(1)\np('lost')\nprint(2)", "1: 1\n2: 2\n"),
    "an expression after several prints": ("print(1)\nprint(2)\n99", "1: 1\n2: 2\n"),
    "an empty print among several": ("print()\nprint(1)", ": \n1: 1\n"),
    "a fence around the code": ("```python\nprint('inside')\n```", "inside\n"),
}


@pytest.mark.parametrize("name", _SHOWN)
def test_the_official_display_shows_for(name: str) -> None:
    code, expected = _SHOWN[name]
    assert _run(code) == (("ok", ""), expected)


_NUMBERS = {
    "print(0.123456)": "0.1235\n",
    "print(-2/3)": "-0.6667\n",
    "print(1.2e-5)": "0.0\n",
    "print(2**100)": "1.2676506002282294e+30\n",
    "print(12345)": "12345\n",
    "print(0.5)": "0.5\n",
    "print('1e3')": "1e3\n",
    "print('0.123456 m')": "0.123456 m\n",
    "print(0.123456, 0.654321)": "0.123456 0.654321\n",
    "print(10**400)": "inf\n",
    "0.123456": "0.123456",
    "'0.123456'": "0.1235\n",
    "[0.123456]": "[0.123456]",
    "print(1/3)\nprint(2/3)": "1/3: 0.3333\n2/3: 0.6667\n",
}


@pytest.mark.parametrize("code", _NUMBERS)
def test_the_official_display_rounds_a_text_that_reads_as_a_number_where_that_is_shorter(code: str) -> None:
    assert _run(code) == (("ok", ""), _NUMBERS[code])


def test_the_official_display_keeps_1024_characters() -> None:
    assert _run("print('a' * 1023)")[1] == "a" * 1023 + "\n"


@pytest.mark.parametrize("code", ["print('a' * 1000 + 'b' * 1000, end='')", "'a' * 1000 + 'b' * 1000"])
def test_the_official_display_cuts_the_middle_out_of_what_is_longer(code: str) -> None:
    assert _run(code)[1] == "a" * 512 + "..." + "b" * 512


def test_the_official_display_cuts_each_of_several_prints_for_itself() -> None:
    long = "a" * 512 + "..." + "a" * 511 + "\n"
    assert _run("s = 'a' * 2000\nprint(s)\nprint(1)")[1] == f"s: {long}1: 1\n"


def test_a_failed_step_shows_nothing_made_up() -> None:
    """A print that is not last is not shown, here as elsewhere; the error is in the execution."""
    assert _run("print('before')\n1 / 0") == (("error", "ZeroDivisionError: division by zero"), "")


def test_a_last_statement_that_fails_shows_what_it_printed() -> None:
    outcome, text = _run("for k in [1, 0]:\n    print(1 / k)")
    assert outcome[0] == "error"
    assert text == "1.0\n"


def test_a_failure_after_several_prints_keeps_those_that_were_shown() -> None:
    outcome, text = _run("print(1)\nprint(2)\nprint(1 / 0)")
    assert outcome[0] == "error"
    assert text == "1: 1\n2: 2\n"


def test_every_statement_runs_exactly_once_whatever_is_shown() -> None:
    steps = ["n = []", "n.append(1)\nprint(len(n))\nn.append(2)\nprint(len(n))\nn.append(3)", "n"]
    assert _run(*steps) == (("ok", ""), "[1, 2, 3]")


def test_only_the_step_s_own_prints_are_shown() -> None:
    assert _run("print('first')", "print('second')") == (("ok", ""), "second\n")


def test_the_official_display_is_that_of_the_whole_interpreter() -> None:
    jail = Jail(display="official", workers=1, seconds=60)
    try:
        answers = jail.walk(["x = 1/3\nprint(x)\nx = 2", "print(x)\nprint(x / 3)", "x", "print(1/0)"])
    finally:
        jail.close()
    assert [(answer.status, answer.stdout) for answer in answers] == [
        ("ok", ""),
        ("ok", "x: 2\nx / 3: 0.6667\n"),
        ("ok", "2"),
        ("error", ""),
    ]
