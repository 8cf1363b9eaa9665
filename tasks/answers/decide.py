"""One comparison from two texts to a decision, with every way to fail turned into a named value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tasks.answers.clean import clean
from tasks.answers.compare import Comparison
from tasks.answers.extract import extract
from tasks.answers.limits import Undecided, Unreadable
from tasks.answers.reader import read
from tasks.answers.values import Value, Words
from tasks.answers.words import choice_letter, words

_CACHED_CHARS = 400
_CHOICE = re.compile(r"[A-J]")


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of one comparison."""

    is_same: bool
    is_decided: bool
    """False where both answers are readable and no tier could tell within its bounds."""
    detail: str
    """What decided: `text`, `normal form`, `numeric`, `symbolic`, or why nothing did."""


def decide(reference: str, predicted: str) -> Decision:
    """Whether two answers are the same. Bounded; never raises, whatever the texts are."""
    try:
        return _decide(reference, predicted)
    except RecursionError:
        return Decision(False, False, "undecided: nested too deep for this thread's stack")
    except Exception as error:  # noqa: BLE001 - the border around one grading: it becomes a named value
        return Decision(False, False, f"crashed: {type(error).__name__}: {error}"[:300])


def _decide(reference: str, predicted: str) -> Decision:
    try:
        left = cached_value(_own_answer(reference))
    except Unreadable as error:
        is_same = bool(reference.strip()) and reference.strip() == predicted.strip()
        return Decision(is_same, True, "text" if is_same else f"reference unreadable: {error}")
    try:
        right = cached_value(predicted)
    except Unreadable as error:
        return Decision(False, True, f"answer unreadable: {error}")
    comparison = Comparison()
    try:
        is_same = comparison.same(left, right)
    except Undecided as error:
        return Decision(False, False, f"undecided: {error}")
    if not is_same and isinstance(left, Words) != isinstance(right, Words) and _same_words(reference, predicted):
        return Decision(True, True, "words")
    if not is_same and _same_choice(reference, predicted):
        return Decision(True, True, "choice letter")
    return Decision(is_same, True, comparison.tier)


def _own_answer(reference: str) -> str:
    """A reference that is a whole solution stands for the answer in its box."""
    if "boxed" in reference and len(reference) > _CACHED_CHARS // 4:
        return extract(reference.replace("\\\\boxed", "\\boxed")) or reference
    return reference


def cached_value(text: str) -> Value:
    """`read(text)`, remembered for short texts. Raises `Unreadable`."""
    return _remembered(text) if len(text) <= _CACHED_CHARS else read(text)


@lru_cache(maxsize=4_096)
def _remembered(text: str) -> Value:
    return read(text)


def _same_words(reference: str, predicted: str) -> bool:
    """Whether both are the same words where only one reads as words: `Evelyn` and `EVELYN`, a name in capitals."""
    first, second = words(clean(reference)), words(clean(predicted))
    return first == second and isinstance(first, Words) and first.text.replace(" ", "").isalpha()


def _same_choice(reference: str, predicted: str) -> bool:
    """`(B) 12` chooses B; only where the reference is a letter."""
    bare = re.sub(r"\\text[a-z]*|\\math[a-z]+|[{}()$.\s]", "", reference)
    if not _CHOICE.fullmatch(bare):
        return False
    plain = re.sub(r"\\(?:text|math)[a-z]*\{([^{}]*)\}", r"\1", predicted).replace("$", "")
    return choice_letter(plain.strip().strip("*")) == bare
