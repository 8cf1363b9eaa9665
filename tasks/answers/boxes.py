r"""Finds `\boxed{...}` groups by counting braces: one pass, no recursion, any nesting."""

from __future__ import annotations

import re

_BOX = re.compile(r"\\(?:f?boxed|fbox)\s*(?=\{)|\\boxed\s+(?=[^\s{])")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_WORD = re.compile(r"[^\s$]+")
_GAP_PIECE = re.compile(r"[A-Za-z](?:_\{?\w{1,9}\}?)?\s*=|[A-Za-z]+|\d{1,2}\)|[\s,;.&$()\[\]\\{}+]")
_MAX_GAP_CHARS = 80
MAX_WORDS_BETWEEN = 4
"""Boxes belong to one answer when at most this many words stand between them (chosen from the shared cases)."""


def closing_brace(text: str, start: int) -> int:
    r"""Index of the `}` that closes the `{` at `start`; -1 where none does. `\{` and `\}` do not count."""
    depth = 0
    position = start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 2
            continue
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return -1


def _closing_braces(text: str) -> dict[int, int]:
    """The position of the closing brace for each opening one that has one; a single pass however they nest."""
    closing: dict[int, int] = {}
    stack: list[int] = []
    for match in _BRACE.finditer(text):
        if match.group() == "{":
            stack.append(match.start())
        elif match.group() == "}" and stack:
            closing[stack.pop()] = match.start()
    return closing


def find_boxes(text: str) -> list[tuple[int, int, str]]:
    """(start, end, content) of every outermost box, in order; a box that never closes is left out."""
    found: list[tuple[int, int, str]] = []
    if "boxed" not in text and "fbox" not in text:
        return found
    closing = _closing_braces(text)
    position = 0
    while match := _BOX.search(text, position):
        if match.end() < len(text) and text[match.end()] == "{":
            end = closing.get(match.end(), -1)
            if end < 0:
                position = match.end()
                continue
            found.append((match.start(), end + 1, text[match.end() + 1 : end]))
            position = end + 1
        else:
            word = _WORD.match(text, match.end())
            content = word.group() if word else ""
            position = match.end() + len(content)
            found.append((match.start(), position, content))
    return found


def boxed_parts(text: str) -> list[str]:
    r"""Contents of the last box and of the boxes that belong to the same answer, in order.

    `\boxed{1} and \boxed{2}` has two parts; a box further away, or one whose gap is not just a few words, is
    an earlier result and left out.
    """
    boxes = find_boxes(text)
    if not boxes:
        return []
    parts = [boxes[-1][2]]
    for (_, end, content), (start, _, _) in zip(reversed(boxes[:-1]), reversed(boxes[1:]), strict=True):
        if not _joins(text[end:start]):
            break
        parts.insert(0, content)
    return parts


def _joins(gap: str) -> bool:
    if len(gap) > _MAX_GAP_CHARS or "\n\n" in gap or not _is_joining(gap):
        return False
    words = [w for w in re.findall(r"[A-Za-z]+", re.sub(r"\\[A-Za-z]+", " ", gap)) if w.lower() not in ("a", "part")]
    return len(words) <= MAX_WORDS_BETWEEN and not {w.lower() for w in words} & _NEW_RESULT


def _is_joining(gap: str) -> bool:
    """Whether a gap is made of words, punctuation and labels only; read piece by piece, so that it stays linear."""
    position = 0
    while position < len(gap):
        piece = _GAP_PIECE.match(gap, position)
        if piece is None:
            return False
        position = piece.end()
    return True


_NEW_RESULT = {"so", "thus", "therefore", "hence", "answer", "wait", "is", "final", "check", "again"}


def unbox(text: str) -> str:
    r"""`text` with every `\boxed{x}` replaced by `x`, however deep."""
    if r"\boxed" not in text and r"\fbox" not in text:
        return text
    return _BOX.sub("", text)
