"""What the sandboxed interpreter is compared with: a bare fork, a fresh Python, and exec in the same process."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

import interpreter_clock as clock

_NUMBERS = itertools.count(10_000_000)

_FORK_SERVER = r"""
import contextlib, io, json, os, sys
from rstar.interpreter import preload
preload.import_all(preload.LIGHT + (preload.HEAVY if sys.argv[1] == 'heavy' else ()))
preload.warm_up()
preload.settle_memory()

def run(code):
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            exec(compile(code, '<step>', 'exec'), {'__name__': '__main__'})
        os.write(w, shown.getvalue().encode())
        os._exit(0)
    os.close(w)
    out = b''
    while piece := os.read(r, 65536):
        out += piece
    os.close(r)
    os.waitpid(pid, 0)
    return out

for line in sys.stdin:
    codes = json.loads(line)
    outputs = [run(code) for code in codes]
    assert all(outputs), outputs
    print('done', flush=True)
"""


class BareFork:
    """A process with the same libraries, settled in the same way, that forks once per program: no layer at all."""

    def __init__(self, library: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _FORK_SERVER, library], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        self.batch("print({n})", 1)(0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._process.communicate()

    def batch(self, template: str, count: int) -> Callable[[int], float]:
        """A function that runs `count` programs and returns seconds per program."""

        def run(_: int) -> float:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            codes = [template.replace("{n}", str(next(_NUMBERS))) for _ in range(count)]
            started = clock.start()
            self._process.stdin.write(json.dumps(codes) + "\n")
            self._process.stdin.flush()
            if not self._process.stdout.readline():
                raise RuntimeError("the bare fork server ended")
            return clock.since(started, count)

        return run


def fresh_python_seconds(code: str, count: int) -> float:
    """Seconds per program of `python -c`."""
    started = clock.start()
    for _ in range(count):
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return clock.since(started, count)


def exec_seconds(template: str, count: int) -> float:
    """Seconds per program of exec in this process, output caught, which is what the released code does."""
    codes = [template.replace("{n}", str(next(_NUMBERS))) for _ in range(count)]
    started = clock.start()
    for code in codes:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, "<step>", "exec"), {"__name__": "__main__"})
    return clock.since(started, count)
