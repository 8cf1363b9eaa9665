"""One checker, one process, one core: reads cases as JSON lines from a file and answers one JSON line a case.

Started by answers.py, never by hand. Each answer line is written and flushed at once, so that a case which hangs or
kills the process costs only itself: the parent notices and starts a new process behind it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

Checker = Callable[[str, str, str], bool]

MEMORY_LIMIT_BYTES = 6 * 2**30
"""Address space of a checker's process: chosen, not tuned; keeps a memory bomb from taking the machine down."""
DELIMITERS = ("$", "\\(", "\\[", "\\boxed")
"""Marks that show Math-Verify where the mathematics stands; text without any of them is put between dollars."""


def strict_checker() -> Checker:
    """Ours under the strict conventions."""
    from tasks.answers import extract, same_answer

    def check(gold: str, prediction: str, scope: str) -> bool:
        return same_answer(gold, (extract(prediction) or "") if scope == "extraction" else prediction)

    return check


def official_checker() -> Checker:
    """Ours with the permissive official rule (x, x/100, 100x; either order; 1e-4)."""
    from tasks.answers import extract, grade

    def check(gold: str, prediction: str, scope: str) -> bool:
        answer = (extract(prediction) or "") if scope == "extraction" else prediction
        return grade(answer, gold, policy="official").verdict == "correct"

    return check


def math_verify_checker() -> Checker:
    """Math-Verify as its README calls it: parse both, verify(gold, answer), with its default timeouts of 5 s each."""
    from math_verify import parse, verify

    def check(gold: str, prediction: str, scope: str) -> bool:
        answer = prediction if scope == "extraction" else between_dollars(prediction)
        return bool(verify(parse(between_dollars(gold)), parse(answer)))

    return check


def between_dollars(text: str) -> str:
    """The text as a user would hand it to Math-Verify, which looks for LaTeX only between delimiters."""
    return text if any(mark in text for mark in DELIMITERS) else f"${text}$"


CHECKERS: dict[str, Callable[[], Checker]] = {
    "ours strict": strict_checker,
    "ours official": official_checker,
    "Math-Verify": math_verify_checker,
}


def unfold(value: Any) -> str:
    """A long input from its short form: a string, {"repeat": [value, count]} or {"concat": [value, ...]}."""
    if isinstance(value, str):
        return value
    if "repeat" in value:
        unit, count = value["repeat"]
        return unfold(unit) * int(count)
    return "".join(unfold(part) for part in value["concat"])


def judge(check: Checker, case: dict[str, Any]) -> dict[str, Any]:
    """Verdict, wall seconds and error name of one call; an exception is a "not equal" that is counted."""
    gold, prediction = unfold(case["gold"]), unfold(case["prediction"])
    verdict, error = False, ""
    started = time.perf_counter()
    try:
        verdict = check(gold, prediction, case.get("scope", "answer"))
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as raised:  # noqa: BLE001 - a checker under test may raise anything, SystemExit included
        error = type(raised).__name__
    return {"verdict": verdict, "seconds": time.perf_counter() - started, "error": error}


def main() -> None:
    """Usage: answers_worker.py CHECKER CASES FIRST; answers go to the standard output that the parent opened."""
    name, cases, first = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w", buffering=1)  # a checker that prints must not break the protocol
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    with contextlib.suppress(AttributeError, OSError):  # no affinity on macOS: the run is then only mostly one core
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    started = time.perf_counter()
    check = CHECKERS[name]()
    check("\\frac{1}{2}", "0.5", "answer")
    answers.write(json.dumps({"ready_seconds": time.perf_counter() - started}) + "\n")
    for number, line in enumerate(cases.read_text(encoding="utf-8").splitlines()):
        if number >= first:
            answers.write(json.dumps({"number": number, **judge(check, json.loads(line))}) + "\n")
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    answers.write(json.dumps({"peak_mib": peak / 1024}) + "\n")


if __name__ == "__main__":
    main()
