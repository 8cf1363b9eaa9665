"""Fixed generic points at which expressions with variables are compared, and values for unknown functions."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

POINT = "#point"
"""Key under which a point carries its number, so that unknown functions vary from point to point."""
NUM_POSITIVE, NUM_MIXED = 6, 4
"""Points with all variables positive come first: there roots and logarithms are real."""


def points(names: list[str], mp: Any) -> Iterator[dict[str, Any]]:
    """Values for `names`: positive ones in (0.1, 4), then signed ones in (-4, 4). The same in every process."""
    for index in range(NUM_POSITIVE + NUM_MIXED):
        values: dict[str, Any] = {POINT: index}
        for name in names:
            fraction = _fraction(f"{index}:{name}", mp)
            if index >= NUM_POSITIVE and _fraction(f"sign:{index}:{name}", mp) < 0.6:
                values[name] = -(mp.mpf("0.1") + fraction * 3.9)
            else:
                values[name] = mp.mpf("0.1") + fraction * 3.9
        yield values


def whole_points(names: list[str], mp: Any) -> Iterator[dict[str, Any]]:
    """Whole values from 1 to 40 for `names`, at twelve points."""
    for index in range(12):
        values: dict[str, Any] = {POINT: index}
        for name in names:
            values[name] = mp.floor(1 + 40 * _fraction(f"whole:{index}:{name}", mp))
        yield values


def opaque_value(key: str, point: int, mp: Any) -> Any:
    """A positive number for what has no known value (`f(2)`, an unknown function), one per key and point."""
    return mp.mpf("0.3") + 2 * _fraction(f"opaque:{point}:{key}", mp)


def _fraction(address: str, mp: Any) -> Any:
    digest = blake2b(address.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return mp.mpf(int.from_bytes(digest, "big")) / mp.mpf(2) ** 256
