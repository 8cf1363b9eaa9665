"""The programs of a path, with the keys of the states that they lead to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rstar.interpreter.identity import path_key
from rstar.interpreter.tame import MAX_TAME_CHARS
from rstar.interpreter.tame_names import MODULES, SUBMODULES

MAX_CODE_CHARS = 1 << 20
"""A longer step is refused. Chosen, not tuned: a thousand times a long step."""

_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)
_TAME_PACKAGES = frozenset(name.partition(".")[0] for name in (*MODULES, *SUBMODULES))
_HEAVY = re.compile(r"sympy|numpy|scipy|mpmath|networkx|pandas|matplotlib|__import__|importlib|\b(?:exec|eval|runpy)\b")
"""What may import a mathematics library, by its name or out of sight: numpy's generator is seeded where it waits."""


@dataclass(frozen=True, slots=True)
class Program:
    """A step on the state that the steps before it leave."""

    path: tuple[str, ...]
    """Codes that make the state, in order; all of them ran without failure."""
    code: str
    keys: tuple[bytes, ...] = field(init=False)
    """Key of the state after each code of `path`."""
    key: bytes = field(init=False)
    """Key of the state after `code`."""

    def __post_init__(self) -> None:
        keys, key = [], b""
        for code in self.path:
            key = path_key(key, code)
            keys.append(key)
        object.__setattr__(self, "keys", tuple(keys))
        object.__setattr__(self, "key", path_key(key, self.code))

    @property
    def state(self) -> bytes:
        """Key of the state that the code runs on; b"" for a fresh program."""
        return self.keys[-1] if self.keys else b""

    @property
    def is_surely_untame(self) -> bool:
        """Whether a look at the last code is enough to see that the tame check would refuse it."""
        return len(self.code) > MAX_TAME_CHARS or not _TAME_PACKAGES.issuperset(_IMPORT.findall(self.code))

    @property
    def library(self) -> str:
        """`heavy` where any step names a mathematics library, else `light`."""
        return "heavy" if any(_HEAVY.search(code) for code in (*self.path, self.code)) else "light"


def encode(codes: Sequence[str]) -> tuple[bytes, ...]:
    """Codes as UTF-8; lone surrogates pass, the interpreter will refuse them."""
    return tuple(code.encode("utf-8", "surrogatepass") for code in codes)
