"""Seeds by address: every random choice is a function of where it is made, not of when.

A request's seed is the hash of the run's seed, the problem's id and the place in the search, so it does not depend on
what else is in a batch, on the number of workers or on the order of completion.
"""

from __future__ import annotations

import random
from hashlib import blake2b


def derive(run_seed: int, *address: str | int) -> int:
    """The seed of the place `address` in the run `run_seed`: 0 to 2^63 - 1, which every engine's seed field can hold.

    Parts are hashed with their type and length, so ("ab", "c") and ("a", "bc") are different places.
    """
    digest = blake2b(digest_size=8)
    for part in (run_seed, *address):
        encoded = str(part).encode("utf-8", "surrogatepass")
        kind = b"i" if isinstance(part, int) else b"s"
        digest.update(b"%b%d:%b" % (kind, len(encoded), encoded))
    return int.from_bytes(digest.digest(), "big") >> 1


def generator(run_seed: int, *address: str | int) -> random.Random:
    """A generator of its own for the place `address`."""
    return random.Random(derive(run_seed, *address))
