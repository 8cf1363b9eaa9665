"""Random choices from hashes, so that one address gives one problem on every platform and Python version."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

Item = TypeVar("Item")

_WORD_BYTES = 4


class Draw:
    """A stream of choices that depends on nothing but its address.

    Block i is BLAKE2b(key, i) with the key hashed from the address, cut into 32-bit words. The standard library's
    `random` promises only `random()` across versions, not its integer methods, hence a stream of our own.
    """

    def __init__(self, *address: str | int) -> None:
        self._key = blake2b("\x1f".join(map(str, address)).encode(), digest_size=32).digest()
        self._num_blocks = 0
        self._block = b""
        self._position = 0

    def below(self, bound: int) -> int:
        """A whole number in [0, bound); uneven by less than bound / 2^32."""
        if self._position == len(self._block):
            self._block = blake2b(self._num_blocks.to_bytes(8, "big"), key=self._key).digest()
            self._num_blocks += 1
            self._position = 0
        word = int.from_bytes(self._block[self._position : self._position + _WORD_BYTES], "big")
        self._position += _WORD_BYTES
        return (word * bound) >> (8 * _WORD_BYTES)

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high], both ends included."""
        return low + self.below(high - low + 1)

    def chance(self, num_in: int, out_of: int) -> bool:
        """True in `num_in` of `out_of` cases."""
        return self.below(out_of) < num_in

    def pick(self, *options: Item) -> Item:
        """One of `options`."""
        return options[self.below(len(options))]

    def word(self, options: str) -> str:
        """One of the phrases in `options`, which are separated by `|`."""
        return self.pick(*options.split("|"))

    def sample(self, options: Sequence[Item], count: int) -> list[Item]:
        """`count` different places of `options`, in drawn order."""
        return self.shuffled(options)[:count]

    def shuffled(self, options: Sequence[Item]) -> list[Item]:
        """All of `options` in drawn order (Fisher-Yates)."""
        items = list(options)
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
        return items
