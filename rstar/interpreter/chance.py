"""Pseudo-random numbers that are the same in every run of a program, also where it gives no seed.

`random.random()`, `numpy.random.rand()` and sympy's own generator start at the same place in every program. A generator
that a program makes without a seed (`random.Random()`, `numpy.random.default_rng()`) takes its seed from a counter, so
two of them differ and two runs agree. `os.urandom`, `secrets` and `uuid` stay truly random.
"""

from __future__ import annotations

import itertools
import random
import sys
from typing import Any

SEED = 0
"""Where every program starts. Chosen, not tuned."""

_counter = itertools.count(1)


def seed_all() -> None:
    """Start every generator anew."""
    global _counter  # noqa: PLW0603 - the state of this process, which a fork copies as it copies random's
    _counter = itertools.count(1)
    random.seed(SEED)
    if (numpy_random := sys.modules.get("numpy.random")) is not None:
        numpy_random.seed(SEED)
    if (sympy_random := sys.modules.get("sympy.core.random")) is not None:
        sympy_random.seed(SEED)


def replace_entropy() -> None:
    """Give generators that ask for no particular seed one of ours. For the nursery, before it forks."""
    seed = random.Random.seed

    def seed_from(generator: random.Random, a: Any = None, version: int = 2) -> None:
        seed(generator, next(_counter) if a is None else a, version)

    random.Random.seed = seed_from  # type: ignore[assignment,method-assign]
    if (generators := sys.modules.get("numpy.random.bit_generator")) is not None:
        # What numpy calls for the entropy of a generator without a seed.
        vars(generators)["randbits"] = lambda _: next(_counter)
