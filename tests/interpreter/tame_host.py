"""Runs tame programs in a real tame runner outside any jail and looks for what they changed. Run as a script.

Reads a JSON list of programs on standard input and prints a JSON list of [index, what changed] for those that changed
something that a later program could see. Programs that the static check refuses are passed over; so are those that the
runner gives up, because it ends itself after them. Like the zygote, it forks a runner from a process that has the
libraries loaded, and forks another one whenever the runner would have retired.

--plainly: execute the programs that pass the static check with plain `exec`, none of the runner's other nets below.
--unchecked: execute every program with plain `exec`, to see that this host finds what programs change.
"""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterator

from fingerprint import FINGERPRINT

from rstar.interpreter import preload, tame_runner, tame_wire, wire
from rstar.interpreter.execution import ExecutionSettings
from rstar.interpreter.tame import is_tame

_OUTPUT_BYTES = 200_000
_IS_UNCHECKED = "--unchecked" in sys.argv
_IS_PLAIN = _IS_UNCHECKED or "--plainly" in sys.argv
_FAILED = 99
_LOOK_SECONDS = 10.0
_HEADER = """
import sympy, math, itertools, functools, copy
import numpy as np
from fractions import Fraction
x, y = sympy.symbols('x y')
n = sympy.Symbol('n', integer=True, positive=True)
"""
_VICTIMS = """
print(sympy.solve(x**2 - 2), sympy.sqrt(8), sympy.factorint(360), sympy.Rational(1, 3) + 1, sympy.pi.n(20), sympy.Integer(7) + 5)
print(sympy.integrate(x**2, x), sympy.diff(sympy.sin(x)*x, x), sympy.expand((x + y)**3), sympy.sin(sympy.pi/6), sympy.divisors(12))
print(sympy.integrate(x*sympy.exp(x), x), sympy.factor(x**4 - 1))
print(sympy.simplify(sympy.sin(x)**2 + sympy.cos(x)**2), sympy.limit(sympy.sin(x)/x, x, 0), sympy.series(sympy.exp(x), x, 0, 4))
print(n.is_positive, sympy.sqrt(2).is_real, sympy.S.Half.is_integer, sympy.pi.is_rational, (x + 1).is_real, sympy.Symbol('x').is_positive)
print(sympy.Matrix([[1, 2], [3, 4]]).det(), sympy.Matrix([[1, 2], [3, 4]]).inv(), sympy.Interval(0, 1), sympy.Triangle((0, 0), (1, 0), (0, 1)).area)
print(sympy.solveset(sympy.sin(x), x, sympy.Interval(0, 4)), sympy.Poly(x**3 - x), sympy.Eq(x, 1), sympy.latex(x/2), sympy.pretty(x/2))
print(np.arange(4) * 2, np.array([1/3, 1e-9]), np.linalg.det(np.array([[1., 2.], [3., 4.]])), np.sqrt(np.array([4.0])), np.pi)
print(math.pi, math.sqrt(2), sum([1, 2]), len('abc'), sorted([3, 1, 2]), Fraction(1, 3), list(itertools.permutations('ab')), 2 + 5)
junk = [[k] for k in range(3000)]; print(max(len(j) for j in junk), functools.reduce(lambda a, b: a + b, [1, 2]), copy.copy([1]))
""".strip().splitlines()
"""Tame programs that use what tame programs use; those that the runner gives up on are left out."""


class _Host:
    """One runner, as the zygote would have it."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        board = os.memfd_create("board")
        os.ftruncate(board, tame_wire.HEADER.size + _OUTPUT_BYTES)
        settings = ExecutionSettings(seconds=10, output_bytes=_OUTPUT_BYTES, display="plain")
        self.runner = tame_runner._Runner(settings, theirs, tame_runner.Board(board))

    def run(self, code: str) -> bool:
        """Whether the runner would stay alive after this program."""
        if _IS_PLAIN:
            # What a program prints, raises or loops for is its own affair.
            signal.signal(signal.SIGALRM, _stop)
            signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS)
            with contextlib.suppress(BaseException), contextlib.redirect_stdout(io.StringIO()):
                exec(compile(code, "<poison>", "exec"), {"__name__": "__main__"})
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            return True
        self.runner._answer((code.encode("utf-8", "surrogatepass"),))
        return not self.runner._must_retire()

    def look(self) -> list[str]:
        """Everything that another program could see, tame or not."""
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            exec(compile(FINGERPRINT, "<fingerprint>", "exec"), {"__name__": "__main__"})
        return [*shown.getvalue().splitlines(), *(self._victim(line) for line in _VICTIMS)]

    def _victim(self, line: str) -> str:
        answer = self.runner._answer((f"{_HEADER}{line}".encode(),))
        ((kind, payload),) = wire.Frames().feed(answer)
        if kind != tame_wire.ANSWER:
            self.runner._wire.is_tripped = False
            return "gave up"
        status, _, size, error = tame_wire.unpack_answer(payload)
        start = tame_wire.HEADER.size
        return repr((status, error, bytes(self.runner._board._map[start : start + size])))


def _stop(*_: object) -> None:
    raise TimeoutError


def _differences(before: list[str], after: list[str]) -> str:
    pairs = [f"{old[:150]} -> {new[:150]}" for old, new in zip(before, after, strict=False) if old != new]
    return "; ".join(pairs) or ("" if len(after) == len(before) else "more or fewer lines")


def _harm(before: list[str], host: _Host) -> str:
    try:
        return _differences(before, host.look())
    except BaseException as error:  # noqa: BLE001 - a program that keeps others from looking has done harm as well
        return f"looking fails: {type(error).__name__}"


def _life(programs: list[tuple[int, str]], before: list[str], report: int) -> None:
    """Run programs until the runner would retire; each one's index goes to `report` before and its harm after."""
    host = _Host()
    for index, code in programs:
        os.write(report, f"{json.dumps([index, None])}\n".encode())
        stays = host.run(code)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if not stays:
            return
        os.write(report, f"{json.dumps([index, ''])}\n".encode())
        signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS)
        if harm := _harm(before, host):
            os.write(report, f"{json.dumps([index, harm])}\n".encode())
            return


def _clean_look() -> list[str]:
    """What a runner's world looks like before its first program; every runner is forked from the same process."""
    exec(compile(FINGERPRINT, "<fingerprint>", "exec"), {"__name__": "__main__", "print": lambda *_: None})
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, json.dumps(_Host().look()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as text:
        found: list[str] = json.load(text)
    os.waitpid(child, 0)
    return found


def examine(programs: list[str]) -> Iterator[list[object]]:
    """[index, what changed] of every program that changed something."""
    rest = [(index, code) for index, code in enumerate(programs) if _IS_UNCHECKED or is_tame(code)]
    print(f"{len(rest)} of {len(programs)} are tame", file=sys.stderr)
    before = _clean_look()
    while rest:
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:
            os.close(reader)
            try:
                _life(rest, before, writer)
            except BaseException:  # noqa: BLE001 - nothing may return into the process that forked
                traceback.print_exc()
                os._exit(_FAILED)
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as lines:
            entries = [json.loads(line) for line in lines]
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if not entries or code == _FAILED:
            raise RuntimeError("the host itself failed")
        yield from (entry for entry in entries if entry[1])
        if code < 0 and entries[-1][1] == "":
            yield [entries[-1][0], "looking ends the process"]
        last = entries[-1][0]
        rest = [(index, code) for index, code in rest if index > last]


if __name__ == "__main__":
    preload.import_all(preload.LIGHT + preload.HEAVY)
    preload.warm_up()
    preload.settle_memory()
    print(json.dumps(list(examine(json.load(sys.stdin)))))
