"""A process of the jail that runs tame programs one after the other, at the speed of plain exec.

Three nets, one below the other: the static check (tame.py); here, the builtins that are not listed do not exist, and
anything that the interpreter audits (compiling or executing text, importing, opening, frames, system calls) ends the
attempt, after which the program is forked as if it had never been tame; and the jail, the same as for everyone.

Each program gets a fresh namespace, and the steps of its path run again in it: they are cheap, or the supervisor would
have asked for a fork. What libraries remember between two programs is emptied.
"""

from __future__ import annotations

import builtins
import decimal
import fractions
import io
import mmap
import numbers
import os
import re
import resource
import signal
import socket
import sys
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from rstar.interpreter import tame_wire, wire
from rstar.interpreter.chance import SEED
from rstar.interpreter.execution import ExecutionSettings
from rstar.interpreter.step import (
    Outcome,
    Prepared,
    allow_recursion,
    as_text,
    classify_error,
    new_namespace,
    prepare,
    prepared_runner,
)
from rstar.interpreter.tame import MAX_TAME_CHARS, Scope, parse
from rstar.interpreter.tame_names import BUILTINS

MAX_PATHS = 256
"""Prefixes whose check and compilation are remembered. Chosen, not tuned."""
MAX_GROWTH_KIB = 256 << 10
"""Growth after which a runner retires and another one is forked. Chosen, not tuned."""
_MEASURE_EVERY = 32
"""Answers between two looks at the memory in use."""
_HARMLESS = frozenset({"builtins.id", "object.__getattr__", "array.__new__", "time.sleep", "sys._getframe"})
"""Audited events that libraries cause on the way of honest work; a program's text cannot (see tame.py)."""
_TEMPLATE = re.compile(
    rb"def monomial_(?:mul|pow|mulpow|ldiv|div|lcm|gcd)\([ABk, ]*\):\n"
    rb"(?:    (?:\((?:[abc]\d+, ?)*(?:[abc]\d+,?)?\) = [AB]|[abcr]\d+ = [-+*abck\d ]+|if [abcr]\d+ < 0: return None"
    rb"|return \([-+*abckr\d, ]*(?:a\d+ if a\d+ [<>]=? b\d+ else b\d+,? ?)*\))\n)*\s*"
)
"""The functions that sympy's polynomials write for each number of variables (sympy/polys/monomials.py, 1.14)."""
_ADDRESS = b" at 0x"
"""Output that shows an address depends on what ran here before, so such a program is forked."""


_PLAIN_CLASSES = frozenset(
    {int, float, complex, bool, str, list, tuple, dict, set, frozenset, range, type(None), fractions.Fraction}
)


def _is_number_class(kind: type) -> bool:
    """Whether objects of this class are sympy expressions or numpy scalars."""
    package = kind.__module__.partition(".")[0]
    return (package == "sympy" and not issubclass(kind, type)) or (
        package == "numpy" and issubclass(kind, numbers.Number)
    )


class UntameError(BaseException):
    """The program did what no tame program does. Not an Exception, so that no handler for those swallows it."""


class Board(io.RawIOBase):
    """Output into the shared file; drops, silently, what does not fit."""

    def __init__(self, descriptor: int) -> None:
        self._map = mmap.mmap(descriptor, 0)
        self._end = tame_wire.HEADER.size

    def reset(self) -> None:
        """Start anew, for the next step."""
        self._end = tame_wire.HEADER.size
        tame_wire.HEADER.pack_into(self._map, 0, 0)

    def shows_address(self) -> bool:
        """Whether an object's address was printed."""
        return self._map.find(_ADDRESS, tame_wire.HEADER.size, self._end) >= 0

    @property
    def num_bytes(self) -> int:
        """Size of the output so far."""
        return self._end - tame_wire.HEADER.size

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = len(data)
        fitting = data[: len(self._map) - self._end]
        end = self._end + len(fitting)
        self._map[self._end : end] = bytes(fitting)
        self._end = end
        tame_wire.HEADER.pack_into(self._map, 0, end - tame_wire.HEADER.size)
        return size


class _Tripwire:
    """Knows whether a program is running, and notes what it may not do."""

    def __init__(self) -> None:
        self.is_armed = False
        self.is_tripped = False
        self.expected: set[int] = set()
        """Identities of the code objects that are about to be executed by us."""
        self._is_template = False
        sys.addaudithook(self._audit)

    def trip(self) -> NoReturn:
        self.is_tripped = True
        raise UntameError

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_armed or event in _HARMLESS:
            return
        if event == "exec" and (self._is_template or id(arguments[0]) in self.expected):
            self._is_template = False
            return
        if event == "compile" and isinstance(arguments[0], bytes) and _TEMPLATE.fullmatch(arguments[0]):
            self._is_template = True
            return
        self.trip()


@dataclass(frozen=True, slots=True)
class _Path:
    """A prefix that was admitted."""

    steps: tuple[Prepared, ...]
    scope: Scope


@dataclass(frozen=True, slots=True)
class TameSettings:
    """What a tame runner needs to know."""

    execution: ExecutionSettings

    def serve(self, channel: int, board: int) -> NoReturn:
        """Answer the supervisor until it closes the channel."""
        _Runner(self.execution, socket.socket(fileno=channel), Board(board)).serve()


class _Runner:
    def __init__(self, settings: ExecutionSettings, channel: socket.socket, board: Board) -> None:
        self._seconds = settings.seconds
        self._channel = channel
        self._board = board
        self._wire = _Tripwire()
        self._paths: OrderedDict[tuple[bytes, ...], _Path] = OrderedDict()
        stream = as_text(board)
        sys.stdout = sys.__stdout__ = stream  # type: ignore[misc]
        self._run = prepared_runner(stream.write)
        self._builtins = self._make_builtins()
        self._num_answers = 0
        self._start_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._reset_libraries = _library_reset()
        # Comparing a decimal with a float raises a flag that stays.
        self._clear_decimal_flags = decimal.getcontext().clear_flags
        _guard_classes(self._wire)
        # A warning would be shown on standard error, which nobody reads, after opening the source file.
        warnings.simplefilter("ignore")
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def serve(self) -> NoReturn:
        incoming = wire.Frames()
        allow_recursion(frames_between=4)
        while True:
            data = self._channel.recv(1 << 18)
            if not data:
                os._exit(0)
            for _, payload in incoming.feed(data):
                answer = self._answer(tame_wire.unpack_codes(payload))
                self._channel.sendall(answer)
                if self._must_retire():
                    os._exit(0)

    def _must_retire(self) -> bool:
        self._num_answers += 1
        if self._wire.is_tripped:
            return True
        if self._num_answers % _MEASURE_EVERY:
            return False
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self._start_kib
        return grown > MAX_GROWTH_KIB

    def _answer(self, codes: tuple[bytes, ...]) -> bytes:
        try:
            path = self._admit_path(codes[:-1])
            if path is None:
                return wire.frame(tame_wire.UNTAME)
            step, scope = self._admit(codes[-1], path.scope)
        except (SyntaxError, ValueError) as error:
            # Not Python: a fork would say the same.
            self._board.reset()
            return wire.frame(tame_wire.ANSWER, tame_wire.pack_answer("error", 0.0, classify_error(error)[1], 0))
        except (RecursionError, MemoryError):
            return wire.frame(tame_wire.UNTAME)
        if step is None:
            return wire.frame(tame_wire.UNTAME)
        return self._execute(path, step, scope)

    def _admit_path(self, codes: tuple[bytes, ...]) -> _Path | None:
        """The prefix, compiled; None where it is not tame."""
        if not codes:
            return _Path((), Scope())
        known = self._paths.get(codes)
        if known is not None:
            return known
        parent = self._admit_path(codes[:-1])
        if parent is None:
            return None
        step, scope = self._admit(codes[-1], parent.scope)
        if step is None:
            return None
        known = self._paths[codes] = _Path((*parent.steps, step), scope)
        if len(self._paths) > MAX_PATHS:
            self._paths.popitem(last=False)
        return known

    def _admit(self, code: bytes, scope: Scope) -> tuple[Prepared | None, Scope]:
        """The step, compiled, and the scope after it; (None, scope) where it is not tame."""
        if len(code) > MAX_TAME_CHARS:
            return None, scope
        tree = parse(code.decode("utf-8", "surrogatepass"))
        after = scope.copy()
        if not after.admits(tree):
            return None, scope
        return prepare(tree), after

    def _execute(self, path: _Path, step: Prepared, scope: Scope) -> bytes:
        namespace = new_namespace()
        namespace["__builtins__"] = dict(self._builtins)
        self._reset_libraries(scope)
        self._expect((*path.steps, step))
        signal.setitimer(signal.ITIMER_REAL, self._seconds)
        outcome, seconds = self._run_all(path.steps, step, namespace)
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._clear_decimal_flags()
        if outcome is None or self._wire.is_tripped or self._board.shows_address():
            return wire.frame(tame_wire.UNTAME)
        status, error = outcome
        return wire.frame(tame_wire.ANSWER, tame_wire.pack_answer(status, seconds, error, self._board.num_bytes))

    def _expect(self, steps: tuple[Prepared, ...]) -> None:
        self._wire.expected = {id(code) for step in steps for code in (step.body, step.last)}

    def _run_all(
        self, path: tuple[Prepared, ...], step: Prepared, namespace: dict[str, Any]
    ) -> tuple[Outcome | None, float]:
        """The step's outcome after its path, None where the path fails; and the step's seconds."""
        run, tripwire, clock, reset = self._run, self._wire, time.perf_counter, self._board.reset
        tripwire.is_armed = True
        try:
            for earlier in path:
                reset()
                if run(earlier, namespace)[0] != "ok":
                    return None, 0.0
            reset()
            started = clock()
            outcome = run(step, namespace)
            seconds = clock() - started
            # Generators that the program left end now, while whatever they do is still the program's.
            namespace.clear()
            return outcome, seconds
        except UntameError:
            return None, 0.0
        finally:
            tripwire.is_armed = False

    def _make_builtins(self) -> dict[str, Any]:
        """The listed builtins, with a `type` that tells an object's class and nothing else."""
        found = {name: getattr(builtins, name) for name in BUILTINS}
        trip, kind = self._wire.trip, type

        def class_of(value: object) -> type:
            found_class = kind(value)
            # A class is a constructor as well: of classes, functions, arrays of memory that is not cleared.
            if found_class not in _PLAIN_CLASSES and not _is_number_class(found_class):
                trip()
            return found_class

        found["type"] = class_of
        found["__import__"] = builtins.__import__
        return found


def _library_reset() -> Callable[[Scope], None]:
    """A function that empties what libraries remember, where the scope says that sympy is used."""
    sympy_cache = sys.modules.get("sympy.core.cache")
    sympy_random = sys.modules.get("sympy.core.random")
    mpmath = sys.modules.get("mpmath")
    if sympy_cache is None or sympy_random is None or mpmath is None:
        return lambda _: None
    clear, seed, precision = sympy_cache.clear_cache, sympy_random.seed, mpmath.mp

    def reset(scope: Scope) -> None:
        if scope.uses_sympy:
            clear()
            seed(SEED)
            precision.prec = 53

    return reset


def _guard_classes(tripwire: _Tripwire) -> None:
    """Have sympy's one function that makes a class from a dictionary refuse all but a name and assumptions."""
    function = sys.modules.get("sympy.core.function")
    if function is None:
        return
    make = function.UndefinedFunction.__new__

    def guarded(kind: Any, name: Any, *arguments: Any, **keywords: Any) -> Any:
        if tripwire.is_armed and (arguments or "bases" in keywords):
            tripwire.trip()
        return make(kind, name, *arguments, **keywords)

    function.UndefinedFunction.__new__ = staticmethod(guarded)
