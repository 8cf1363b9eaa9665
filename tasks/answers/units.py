"""Units: which words at the end (or the currency sign at the start) of an answer are one, and their one spelling."""

from __future__ import annotations

from tasks.answers.lexer import Token
from tasks.answers.limits import Unreadable
from tasks.answers.number_words import SCALES
from tasks.answers.vocabulary import GENERIC_UNITS, PLAIN_UNITS, UNIT_NAMES

PERCENT = "percent"
_PERCENT_WORDS = {"percent", "pct", "percentage"}
_POWERS = {"square": 2, "squared": 2, "sq": 2, "cubic": 3, "cubed": 3, "cu": 3}
_FILLERS = {"of", "the", "a", "an", "is", "are", "in", "total", "exactly", "about", "approximately", "only", "each"}
_PER = {"per", "a", "an", "each"}


def split_unit(tokens: list[Token]) -> tuple[list[Token], str, int]:
    """(the value's tokens, canonical unit, scale) of a value with words before or behind it.

    The unit is empty where there is none; the scale is that of `million` and its kin, else 1. `percent` is returned as
    a unit of that name; the caller divides by 100.
    """
    start = 0
    while start < len(tokens) and tokens[start].kind == "word":
        start += 1
    prefix = [t.text for t in tokens[:start]]
    end = start
    while end < len(tokens) and tokens[end].kind != "word":
        end += 1
    body, suffix = tokens[start:end], tokens[end:]
    if any(t.kind not in ("word", "number", "letter") and t.text not in "^/*{}-." for t in suffix):
        raise Unreadable("words inside an expression")
    while body and suffix and body[-1].text in ("*", "/"):
        body = body[:-1]
    scale = 1
    while suffix and suffix[0].text.lower() in SCALES:
        scale *= SCALES[suffix[0].text.lower()]
        suffix = suffix[1:]
    return body, canonical_unit([*prefix, *(t.text for t in suffix)]), scale


def canonical_unit(words: list[str]) -> str:
    """One spelling for a unit: `["square", "inches"]` and `["in", "^", "2"]` both give `inch^2`."""
    if any(w.lower() in _PERCENT_WORDS for w in words):
        return PERCENT
    text = " ".join(words).lower().strip(" .")
    if text in GENERIC_UNITS:
        return ""
    parts: list[list[str | int]] = []  # [name, exponent]
    exponent = sign = 1
    index = 0
    while index < len(words):
        word = words[index].strip(".")
        index += 1
        if word in ("{", "}", "*", "-", ""):
            continue
        if (word.lower() in _PER and parts and index < len(words) and _is_unit(words[index])) or word == "/":
            sign = -1
        elif word == "^" and parts:
            power, index = _exponent(words, index)
            parts[-1][1] = int(parts[-1][1]) * power
        elif word.lower() in _POWERS:
            power = _POWERS[word.lower()]
            if word.lower() in ("squared", "cubed") and parts:
                parts[-1][1] = int(parts[-1][1]) * power
            else:
                exponent = power
        elif word.lower() not in _FILLERS or (word == "in" and words[index : index + 1] in ([], ["^"], ["/"], ["*"])):
            parts.append([_name(word), exponent * sign])
            exponent = sign = 1
    return _spell(parts)


def _is_unit(word: str) -> bool:
    return word in UNIT_NAMES or word in PLAIN_UNITS or word.lower() in UNIT_NAMES


def _exponent(words: list[str], index: int) -> tuple[int, int]:
    sign = 1
    while index < len(words) and words[index] in ("{", "-"):
        sign = -1 if words[index] == "-" else sign
        index += 1
    if index < len(words) and words[index].isdigit() and len(words[index]) < 3:
        return sign * int(words[index]), index + 1
    return 1, index


def _name(word: str) -> str:
    return UNIT_NAMES.get(word) or UNIT_NAMES.get(word.lower()) or word.lower()


def _spell(parts: list[list[str | int]]) -> str:
    if len(parts) == 1 and parts[0][0] in ("unit", "units"):
        return ""
    replaced: list[tuple[str, int]] = []
    for name, power in parts:
        compound = {"mph": (("mile", 1), ("hour", -1)), "kph": (("km", 1), ("hour", -1))}.get(str(name))
        replaced.extend(compound or ((str(name), int(power)),))
    top = [_raised(n, p) for n, p in replaced if p > 0]
    bottom = [_raised(n, -p) for n, p in replaced if p < 0]
    return "*".join(sorted(top)) + "".join("/" + b for b in sorted(bottom))


def _raised(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"
