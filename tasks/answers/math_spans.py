r"""Finds the mathematics in running text: `$...$`, `$$...$$`, `\(...\)` and `\[...\]`, in one linear pass."""

from __future__ import annotations

import re
from typing import NamedTuple

_DELIMITER = re.compile(r"\\[$\\]|\$\$|\$|\\[()\[\]]|\n\s*\n")
_CLOSES = {"$": "$", "$$": "$$", r"\(": r"\)", r"\[": r"\]"}


class Span(NamedTuple):
    """One formula."""

    start: int
    end: int
    """Behind the closing delimiter."""
    content: str
    """What stands between the delimiters, stripped; never empty."""


def math_spans(text: str) -> list[Span]:
    """The formulas of `text` in order. A blank line ends an open one without closing it; `\\$` is a currency sign."""
    spans: list[Span] = []
    opening: re.Match[str] | None = None
    for match in _DELIMITER.finditer(text):
        sign = match.group()
        if sign.isspace():
            opening = opening if opening and opening.group() in (r"\[", "$$") else None
        elif opening is None:
            opening = match if sign in _CLOSES else None
        elif sign == _CLOSES[opening.group()]:
            content = text[opening.end() : match.start()].strip()
            if content:
                spans.append(Span(opening.start(), match.end(), content))
            opening = None
        elif sign in (r"\(", r"\["):
            opening = match  # what was open was no formula: a lone currency sign
    return spans
