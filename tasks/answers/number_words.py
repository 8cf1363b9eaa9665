"""Numbers written in English words: `seven`, `twenty-one`, `three hundred`, `two thirds`, `one half`."""

from __future__ import annotations

from fractions import Fraction

from tasks.answers.vocabulary import NUMBER_WORDS

_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SCALES = _SCALES | {f"{name}s": value for name, value in _SCALES.items()}
"""Words that multiply the number before them."""
_DENOMINATORS = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12,
}  # fmt: skip
MAX_WORDS = 12


def number_from_words(text: str) -> Fraction | None:
    """The number that lower-case `text` spells, None where it spells none."""
    parts = text.replace("-", " ").split()
    if not parts or len(parts) > MAX_WORDS:
        return None
    denominator = _DENOMINATORS.get(parts[-1]) or _DENOMINATORS.get(parts[-1].removesuffix("s"))
    if denominator:
        numerator = _whole(parts[:-1]) if parts[:-1] not in ([], ["a"]) else 1
        return Fraction(numerator, denominator) if numerator is not None else None
    whole = _whole(parts)
    return None if whole is None else Fraction(whole)


def _whole(parts: list[str]) -> int | None:
    total = current = 0
    previous = ""
    for part in parts:
        if part == "and" and previous in ("hundred", *_SCALES):
            pass
        elif part == "hundred" and 0 < current < 100:
            current *= 100
        elif part in _SCALES and current:
            total += current * _SCALES[part]
            current = 0
        elif part in NUMBER_WORDS and _may_follow(part, previous):
            current += NUMBER_WORDS[part]
        else:
            return None
        previous = part
    return total + current


def _may_follow(part: str, previous: str) -> bool:
    """`twenty one` is a number, `five six` is not."""
    if not previous or previous in ("and", "hundred", *_SCALES):
        return True
    return NUMBER_WORDS.get(previous, 0) >= 20 and NUMBER_WORDS[previous] % 10 == 0 and 0 < NUMBER_WORDS[part] < 10
