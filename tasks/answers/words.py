"""Answers in words: their one spelling, and the letter of a multiple choice."""

from __future__ import annotations

import re

from tasks.answers.expression import Number
from tasks.answers.limits import MAX_CHARS, Unreadable
from tasks.answers.number_words import number_from_words
from tasks.answers.values import Quantity, Value, Words
from tasks.answers.vocabulary import SYNONYMS

_CHOICE_WITH_TEXT = re.compile(r"^\s*\(?([A-J])\s*[).:]\s*(?=\S)")
_WORD_PUNCTUATION = re.compile(r"\\[a-zA-Z]+|[{}$\\*_^~\"']|(?<=[A-Za-z])[-.,;:!?](?=\s|$)")


def words(text: str) -> Value:
    """An answer in words; number words and synonyms (`none`, `no solutions`) get one spelling."""
    text = re.sub(r"\\(?:text|mathrm|mathbf|textbf|textit|mbox|operatorname)[a-z]*\s*\{", "{", text)
    normal = " ".join(_WORD_PUNCTUATION.sub(" ", text).lower().split()).strip(" .,;:!?")
    if not normal:
        # Nothing but commands and signs: those are the text.
        normal = re.sub(r"\s+", "", text)
    if len(normal) > MAX_CHARS:
        raise Unreadable("too long")
    number = number_from_words(normal)
    if number is not None:
        return Quantity(Number(number))
    return Words(SYNONYMS.get(normal, normal))


def choice_letter(text: str) -> str | None:
    """The letter of `A`, `(A)`, `A.` or `(A) 12`; None for anything else."""
    match = _CHOICE_WITH_TEXT.match(text)
    return match.group(1) if match else None
