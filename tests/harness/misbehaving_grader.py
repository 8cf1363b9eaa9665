"""Functions for worker processes that hang, crash or raise where the request says so."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from harness.graded_answer import Opinion, StoredAnswer
from harness.grading import Checked
from tasks.answers import GradingPolicy


def act(request: str) -> str:
    """The request in capitals, unless it names something worse."""
    match request.split(":", 1):
        case ["hang", *_]:
            while True:
                pass
        case ["crash", *_]:
            os._exit(7)
        case ["raise", *_]:
            raise ValueError("asked for")
        case ["hog", *_]:
            return str(len(bytearray(2**40)))
        case ["spawn", path]:
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            Path(path).write_text(str(child.pid))
            time.sleep(600)
        case ["slow", seconds]:
            time.sleep(float(seconds))
    return request.upper()


def check(policies: Sequence[GradingPolicy], answer: StoredAnswer) -> Checked:
    """Every answer is correct that does not misbehave."""
    act(answer.reply or "")
    return Checked(answer.reply, tuple(Opinion("correct", policy) for policy in policies))


class CannotStart:
    """A function that ends the process which receives it."""

    def __call__(self, request: str) -> str:
        return request

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (9,)
