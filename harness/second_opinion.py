"""Math-Verify as a second opinion on the answers that we extracted. It runs in killable workers only: it can hang."""

from __future__ import annotations

import logging
from importlib.util import find_spec

from harness.graded_answer import GradedAnswer, Opinion
from tasks.types import InputError

LIMIT_SECONDS = 5.0
"""Wall time per answer: Math-Verify's own default for one comparison."""
CHUNK_SIZE = 4
"""Answers per message. Chosen, not tuned: one takes about 15 ms, a message less than 0.1 ms."""


def require_math_verify() -> None:
    """Raise InputError where the extra is not installed."""
    if find_spec("math_verify") is None:
        raise InputError(
            "--second-opinion needs Math-Verify, which is not installed; run: pip install 'rstar-bench[math-verify]'"
        )


def second_opinion(answer: GradedAnswer) -> Opinion:
    """Math-Verify's verdict on the extracted answer, `grader_error` where it cannot read the reference.

    May hang and may raise: what it raises is a fault of the second grader and stays apart from its verdicts.
    """
    if answer.predicted is None:
        return Opinion("no_answer", "")
    references = [answer.reference] if isinstance(answer.reference, str) else answer.reference
    readable = [gold for gold in map(_parse, references) if gold]
    if not readable:
        return Opinion("grader_error", "cannot read the reference")
    target = _parse(answer.predicted)
    if not target:
        return Opinion("incorrect", "cannot read the answer")
    return Opinion("correct" if any(_verify(gold, target) for gold in readable) else "incorrect", "")


def _parse(text: str) -> list[object]:
    from math_verify import parse

    # They report through loggers and would write over the progress bar.
    for package in ("math_verify", "latex2sympy2_extended"):
        logging.getLogger(package).setLevel(logging.CRITICAL + 1)
    # In a box it reads answers best: 482 of 500 of our labelled pairs right, in dollar signs 472, bare 328. Its own
    # timer is off because it is a signal, which a long call into C ignores; the pool kills the process instead.
    parsed: list[object] = parse("\\boxed{" + text + "}", parsing_timeout=None, raise_on_error=True)
    return parsed


def _verify(gold: list[object], target: list[object]) -> bool:
    from math_verify import verify

    try:
        return bool(verify(gold, target, timeout_seconds=None, raise_on_error=True))
    except Exception:
        # One of several readings failed. Another may still agree; otherwise the error is the outcome.
        if verify(gold, target, timeout_seconds=None):
            return True
        raise
