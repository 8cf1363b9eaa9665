r"""Finds the answer in a model's reply: the last box, the last sentence that announces one, else the last value.

The rules, in order (the first that finds something wins):

1. Text after a new user turn or an end-of-text token is not the reply; text up to `</think>` is not the answer.
2. In `<answer> ... <end_of_answer>` (or `</answer>`), the rules below on the last such part.
3. A sentence `final answer is ...` or a line `#### ...` that comes after the last box.
4. The last `\boxed{...}`, joined with the boxes just before it where only a few words stand between them.
5. The last sentence `answer is ...`, `answer: ...`, `#### ...`.
6. The last mathematics in dollar signs or brackets, or the last number, whichever comes later.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from tasks.answers.boxes import boxed_parts, find_boxes
from tasks.answers.math_spans import math_spans

MAX_REPLY_CHARS = 200_000
"""Only the end of a longer reply is searched; an answer stands at the end."""
_MAX_SENTENCE_CHARS = 4_000
_MAX_WORDS = 8
"""Longest answer in plain words that an announcing sentence may give."""

_MAX_BARE_CHARS = 120
_PLAIN_WORD = re.compile(
    r"(?<![\\A-Za-z])(?!sqrt|frac|infty)[A-Za-z]{4,}|\$|[A-Za-z]'[a-z]|(?i:\b(?:is|are|so|we|it|the|get|to|of)\b)"
)
_NEXT_TURN = re.compile(
    r"<\|(?:im_start|start_header_id|user)\|>\s*(?:user)?|<\|(?:im_end|endoftext|end_of_text|eot_id)\|>|</s>"
)
_ANSWER_END = re.compile(r"<end_of_answer>|</answer>")
_ANNOUNCEMENT = re.compile(
    r"(?:####\s*|(?:\b(?P<final>final)\s+)?\banswer\b\**(?:\s+(?:to|of|for)\s[^\n.:]{1,80}?)?\s*"
    r"(?:is|are|:|=|\bequals\b|(?=\$|\\\(|\\\[))\**\s*(?:simply|just|therefore|then)?:?\**\s*)",
    re.IGNORECASE,
)
_JOINT = re.compile(r"\s*(?:,\s*and|,|and|or)\s*")
_PERCENT_OR_DEGREE = re.compile(r"\s*(?:\\?%|°)")
_NUMBER = re.compile(
    r"(?<![\w.,])[-−+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)(?:\s*/\s*\d+)?(?:\s?%|\\%)?(?!\w*[A-Za-z]\d)"
)
_SENTENCE_END = re.compile(r"(?<=[^\d\s])\.(?=\s|$)|(?<=\d)\.(?=\s|$)|\n|(?<=[$)\]}])\.")
_HOPE = re.compile(r"\bI hope\b", re.IGNORECASE)


def extract(reply: str) -> str | None:
    """The answer in `reply` as text for `same_answer`, None where there is none. Never raises; linear in the length."""
    text = _own_words(reply)
    part = _answer_part(text)
    if part is not None:
        text = part
    boxes = find_boxes(text)
    after_box = boxes[-1][1] if boxes else 0
    announced = _announced(text, after_box, final_only=bool(boxes))
    if announced:
        return announced
    if boxes:
        joined = ", ".join(p.strip() for p in boxed_parts(text))
        return joined.strip() or None
    if part is not None and len(part.split()) <= _MAX_WORDS:
        return _tidy(part)
    return _tidy(text) if _is_bare(text) else _last_value(text)


def _is_bare(text: str) -> bool:
    """Whether a reply is nothing but an answer: one short line without words."""
    return len(text) <= _MAX_BARE_CHARS and "\n" not in text.strip() and not _PLAIN_WORD.search(text)


def _own_words(reply: str) -> str:
    text = reply[-MAX_REPLY_CHARS:]
    start = 0
    while match := _NEXT_TURN.search(text, start):
        if text[: match.start()].strip():
            text = text[: match.start()]
            break
        start = match.end()
    thought = text.rfind("</think>")
    if thought >= 0 and text[thought + 8 :].strip():
        text = text[thought + 8 :]
    return text


def _answer_part(text: str) -> str | None:
    start = text.rfind("<answer>")
    if start < 0:
        return None
    part = text[start + len("<answer>") :]
    end = _ANSWER_END.search(part)
    part = part[: end.start()] if end else part
    return part if part.strip() else None


def _announced(text: str, start: int, *, final_only: bool) -> str | None:
    """What the last announcement after `start` announces."""
    for match in reversed(list(_ANNOUNCEMENT.finditer(text, start))):
        if final_only and not match.group("final") and not match.group().startswith("####"):
            continue
        if found := _sentence(text[match.end() : match.end() + _MAX_SENTENCE_CHARS]):
            return found
    return None


def _sentence(rest: str) -> str | None:
    """The answer at the start of `rest`: its mathematics, or its words up to the end of the sentence."""
    rest = rest.lstrip(" *:\n")
    if not rest:
        return None
    spans = math_spans(rest)
    if spans and spans[0].start == 0:
        parts = [spans[0].content]
        end = spans[0].end
        for span in spans[1:]:
            if not _JOINT.fullmatch(rest, end, span.start):
                break
            parts.append(span.content)
            end = span.end
        sign = _PERCENT_OR_DEGREE.match(rest, end) if len(parts) == 1 else None
        return _tidy(", ".join(parts) + (sign.group() if sign else ""))
    end_match = _SENTENCE_END.search(rest)
    sentence = rest[: end_match.start()] if end_match else rest
    hope = _HOPE.search(sentence)
    sentence = _tidy(sentence[: hope.start()] if hope else sentence) or ""
    if not sentence:
        return None
    if len(sentence.split()) > _MAX_WORDS or (len(sentence.split()) > 3 and math_spans(sentence)):
        return _last_value(sentence)
    return sentence


def _last_value(text: str) -> str | None:
    """The last mathematics or number in `text`, whichever ends later."""
    spans = math_spans(text)
    number = _last(_NUMBER.finditer(text, spans[-1].end if spans else 0))
    if number is not None:
        value = number.group().strip()
        # A comma before one or two digits is a decimal comma.
        return re.sub(r"^([-−+]?\d+),(\d{1,2})$", r"\1.\2", value)
    return _tidy(spans[-1].content) if spans else None


def _last(matches: Iterator[re.Match[str]]) -> re.Match[str] | None:
    return next(iter(deque(matches, maxlen=1)), None)


def _tidy(text: str) -> str | None:
    text = text.strip().strip("*").strip()
    return text.removesuffix(".").strip() or None
