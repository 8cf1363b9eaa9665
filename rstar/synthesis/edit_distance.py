"""Whether two texts are far apart, in single-character edits, decided as cheaply as it can be."""

from __future__ import annotations

from collections import Counter


def edit_distance(first: str, second: str) -> int:
    """Levenshtein distance: insertions, deletions and replacements. Bit-parallel (Hyyrö 2003, after Myers 1999)."""
    if not first or not second:
        return max(len(first), len(second))
    mask, last = (1 << len(first)) - 1, 1 << (len(first) - 1)
    places: dict[str, int] = {}
    for index, letter in enumerate(first):
        places[letter] = places.get(letter, 0) | 1 << index
    up, down, distance = mask, 0, len(first)
    for letter in second:
        equal = places.get(letter, 0)
        vertical = equal | down
        horizontal = (((equal & up) + up) ^ up) | equal
        plus = down | ~(horizontal | up) & mask
        minus = up & horizontal
        if plus & last:
            distance += 1
        elif minus & last:
            distance -= 1
        plus, minus = plus << 1 | 1, minus << 1
        up = (minus | ~(vertical | plus)) & mask
        down = plus & vertical & mask
    return distance


def differ_by(first: str, second: str, at_least: int) -> bool:
    """Whether `edit_distance(first, second) >= at_least`; most pairs are settled without computing it."""
    start = _num_shared(first, second)
    first, second = first[start:], second[start:]
    end = _num_shared(first[::-1], second[::-1])
    if end:
        first, second = first[:-end], second[:-end]
    longer, shorter = max(len(first), len(second)), min(len(first), len(second))
    if longer - shorter >= at_least:
        return True
    if longer < at_least:
        return False
    if _bag_distance(first, second) >= at_least:
        return True
    return edit_distance(first, second) >= at_least


def _num_shared(first: str, second: str) -> int:
    """Length of the common beginning."""
    for index, (ours, theirs) in enumerate(zip(first, second, strict=False)):
        if ours != theirs:
            return index
    return min(len(first), len(second))


def _bag_distance(first: str, second: str) -> int:
    """A lower bound of the edit distance: characters of one text that the other does not have, in numbers."""
    ours, theirs = Counter(first), Counter(second)
    return max((ours - theirs).total(), (theirs - ours).total())
