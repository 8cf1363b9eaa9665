"""The last tier: sums, products, integrals and limits that have no plain numeric value, in a worker that can be killed.

The worker gets a tree of numbers and names, never a text to parse, and lives under limits of time and memory.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tasks.answers.expression import (
    Call,
    Constant,
    Expr,
    Number,
    Power,
    Product,
    Series,
    Sum,
    Symbol,
    nodes,
)
from tasks.answers.limits import (
    MAX_SYMBOLIC_BITS,
    MAX_SYMBOLIC_NODES,
    SYMBOLIC_SECONDS,
    Undecided,
)

_WORKER = Path(__file__).with_name("symbolic_worker.py")


class _Worker:
    """One process, started when it is first needed and again after a kill."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0
        self.lock = threading.Lock()

    def ask(self, question: bytes) -> Any:
        """The worker's answer to one line; raises `Undecided` when it takes too long or dies."""
        deadline = time.monotonic() + SYMBOLIC_SECONDS
        if not self.lock.acquire(timeout=SYMBOLIC_SECONDS):
            raise Undecided("the symbolic worker is busy")
        try:
            process = self._running()
            assert process.stdin is not None
            process.stdin.write(question + b"\n")
            process.stdin.flush()
            return json.loads(self._line(process, deadline))
        except (OSError, ValueError) as error:
            self.stop()
            raise Undecided("the symbolic worker died") from error
        except Undecided:
            self.stop()
            raise
        finally:
            self.lock.release()

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is not None and (self.owner != os.getpid() or self.process.poll() is not None):
            self.process = None  # it belongs to the process that forked us, or has ended
        if self.process is None:
            self.owner = os.getpid()
            self.process = subprocess.Popen(
                [sys.executable, "-I", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"OPENBLAS_NUM_THREADS": "1"},
            )
        return self.process

    @staticmethod
    def _line(process: subprocess.Popen[bytes], deadline: float) -> bytes:
        assert process.stdout is not None
        received = b""
        while not received.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise Undecided(f"no symbolic answer within {SYMBOLIC_SECONDS:g} s")
            chunk = os.read(process.stdout.fileno(), 65_536)
            if not chunk:
                raise Undecided("the symbolic worker died")
            received += chunk
        return received

    def stop(self) -> None:
        """Kill the worker, if it is ours."""
        process, self.process = self.process, None
        if process is not None and self.owner == os.getpid():
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()


_worker = _Worker()
atexit.register(_worker.stop)


def same_by_symbols(left: Expr, right: Expr) -> bool:
    """Whether two expressions with a sum, product, integral or limit are equal.

    Raises `Undecided` for anything else, for expressions too large, and when the worker cannot tell in time.
    """
    parts = [*nodes(left), *nodes(right)]
    if not any(isinstance(n, Series) for n in parts):
        raise Undecided("no numeric value and nothing to work out symbolically")
    if len(parts) > MAX_SYMBOLIC_NODES:
        raise Undecided("too large for the symbolic tier")
    question = json.dumps({"left": encode(left), "right": encode(right)}).encode()
    answer = _worker.ask(question)
    if not isinstance(answer, bool):
        raise Undecided("symbolic mathematics cannot tell")
    return answer


def encode(expr: Expr) -> list[Any]:
    """The tree as nested lists of texts; the worker knows these heads and nothing else."""
    match expr:
        case Number():
            top, bottom = expr.value.numerator, expr.value.denominator
            if max(top.bit_length(), bottom.bit_length()) > MAX_SYMBOLIC_BITS:
                raise Undecided("number too large for the symbolic tier")
            return ["number", str(top), str(bottom)]
        case Symbol():
            return ["symbol", expr.name]
        case Constant():
            return ["constant", expr.name]
        case Sum():
            return ["add", *(encode(t) for t in expr.terms)]
        case Product():
            return ["multiply", *(encode(f) for f in expr.factors)]
        case Power():
            return ["power", encode(expr.base), encode(expr.exponent)]
        case Call():
            return ["call", expr.name, *(encode(a) for a in expr.args)]
        case Series():
            return [expr.kind, expr.variable, encode(expr.lower), encode(expr.upper), encode(expr.body)]
    raise Undecided("not an expression")
