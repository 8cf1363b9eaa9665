"""Executing one step's code in a namespace, in the process that the step may own.

Whatever the code does, the outcome is a (status, error) pair. What this file uses is bound before any program runs, so
a step that replaces builtins or modules changes its own world, not the way it is judged.
"""

from __future__ import annotations

import ast
import builtins
import io
import os
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rstar.interpreter.display import cut_middle, is_print, label, shorten_number, strip_fences

MAX_ERROR_CHARS = 2000
"""Chosen, not tuned: an exception's message is read by people and by prompts."""
RECURSION = 1000
"""Frames that a step may nest, Python's own default, counted from the step's first frame."""

Outcome = tuple[str, str]
"""Status (`ok`, `error` or `memory`) and error text."""
Runner = Callable[[str, dict[str, Any]], Outcome]
Show = Callable[[str], object]


class StandardOutput(io.RawIOBase):
    """Descriptor 1 as a raw stream that drops, silently, what comes after `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = self._left = max_bytes
        self._write = os.write

    def reset(self) -> None:
        """Start counting again, for the next step."""
        self._left = self._max_bytes

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def write(self, data: Any) -> int:
        size = len(data)
        if self._left > 0:
            self._left -= self._write(1, bytes(data[: self._left]))
        return size


def as_text(raw: io.RawIOBase) -> io.TextIOWrapper:
    """A text stream over `raw` that keeps nothing back (a kill loses no output) and takes every character."""
    return io.TextIOWrapper(
        raw,  # type: ignore[arg-type]  # as Python's own unbuffered standard output does
        encoding="utf-8",
        errors="backslashreplace",
        newline="\n",
        write_through=True,
    )


def new_namespace() -> dict[str, Any]:
    """The globals of a fresh program: those of a new module `__main__`."""
    module = types.ModuleType("__main__")
    module.__builtins__ = builtins  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    return module.__dict__


def describe_error(error: BaseException) -> str:
    """Type and message; the message is made by the program's own code, which may fail too."""
    name = type(error).__name__
    try:
        message = str(error)
    except BaseException:  # noqa: BLE001 - the border around one program: its __str__ may raise anything
        message = "(its message cannot be shown)"
    text = f"{name}: {message}" if message else name
    return text[:MAX_ERROR_CHARS].encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A step that is ready to run."""

    body: Any
    """Code object of all statements, the trailing expression left out."""
    last: Any
    """Code object of the trailing expression, or None."""


def prepare(tree: ast.Module) -> Prepared:
    """Compile a step's tree, its trailing expression apart. Raises what compile raises; changes `tree`."""
    value = None
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        del tree.body[-1]
        value = _compile(ast.Expression(last.value), "eval")
    return Prepared(_compile(tree, "exec"), value)


def prepared_runner(show: Show) -> Callable[[Prepared, dict[str, Any]], Outcome]:
    """Runs prepared steps; `show` receives the text of a trailing expression."""
    execute, evaluate, text, classify = exec, eval, str, classify_error

    def run(step: Prepared, namespace: dict[str, Any]) -> Outcome:
        try:
            execute(step.body, namespace)
            if step.last is not None:
                value = evaluate(step.last, namespace)
                if value is not None:
                    show(text(value) + "\n")
        except BaseException as error:  # noqa: BLE001 - the border around one program
            return classify(error)
        return "ok", ""

    return run


def plain_runner(show: Show) -> Runner:
    """Runs a step's code; `show` receives the text of a trailing expression."""
    parse, execute, evaluate, text, classify, ready = _compile, exec, eval, str, classify_error, prepare

    def run(code: str, namespace: dict[str, Any]) -> Outcome:
        # The same frames as in `prepared_runner`, so that a program may nest as deep here as there.
        try:
            step = ready(parse(code, "exec", ast.PyCF_ONLY_AST))
            execute(step.body, namespace)
            if step.last is not None:
                value = evaluate(step.last, namespace)
                if value is not None:
                    show(text(value) + "\n")
        except BaseException as error:  # noqa: BLE001 - the border around one program
            return classify(error)
        return "ok", ""

    return run


def official_runner(show: Show, capture: Callable[[], str]) -> Runner:
    """Runs a step under the official display rules; `capture` returns and clears what was printed since its last call.

    Unlike the released code it runs every statement exactly once, those after the last print too: the state of the
    path is the program's, only the text follows the official rules.
    """
    parse, execute, evaluate, classify = _compile, exec, eval, classify_error

    def run_part(body: list[ast.stmt], namespace: dict[str, Any]) -> str:
        execute(parse(ast.Module(body[:-1], type_ignores=[]), "exec"), namespace)
        capture()
        last = body[-1]
        if isinstance(last, ast.Expr):
            value = evaluate(parse(ast.Expression(last.value), "eval"), namespace)
            if value is not None:
                capture()
                # The released code rounds texts only; any other value it shows as it is.
                return cut_middle(shorten_number(value) if isinstance(value, str) else str(value))
        else:
            execute(parse(ast.Module([last], type_ignores=[]), "exec"), namespace)
        return cut_middle(shorten_number(capture()))

    def run(code: str, namespace: dict[str, Any]) -> Outcome:
        try:
            source = strip_fences(code)
            body = parse(source, "exec", ast.PyCF_ONLY_AST).body
            prints = [index for index, node in enumerate(body) if is_print(node)]
            if len(prints) < 2:
                show(run_part(body, namespace) if body else "")
                return "ok", ""
            start = 0
            for end in prints:
                name = label(ast.get_source_segment(source, body[end]) or "")
                show(f"{name} {run_part(body[start : end + 1], namespace)}")
                start = end + 1
            execute(parse(ast.Module(body[start:], type_ignores=[]), "exec"), namespace)
            capture()
        except BaseException as error:  # noqa: BLE001 - the border around one program
            show(capture())
            return classify(error)
        return "ok", ""

    return run


def _compile(source: Any, mode: str, flags: int = 0) -> Any:
    if isinstance(source, str):
        # A byte order mark: harmless in a file, refused in a text.
        source = source.removeprefix("\ufeff")
    # dont_inherit: a `from __future__` line of this file is not the program's.
    return compile(source, "<step>", mode, flags, dont_inherit=True)


def classify_error(error: BaseException) -> Outcome:
    """Status and text of a failure."""
    return ("memory" if isinstance(error, MemoryError) else "error"), describe_error(error)


def allow_recursion(frames_between: int) -> None:
    """Count the recursion limit from a program's first frame, so that it may nest as deep here as in a plain Python.

    `frames_between` is the number of frames from the caller's to the runner's, the latter included.
    """
    frame, depth = sys._getframe(), 0  # noqa: SLF001 - the documented way to the current frame
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(RECURSION + depth + frames_between)
