"""When two programs are the same: equal up to comments, blank lines and white space at the ends of lines."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from hashlib import blake2b

KEY_BYTES = 16

_PIECES = re.compile(
    r"""
    ( '{3}(?:[^\\']|\\.|'(?!''))*'{3} | "{3}(?:[^\\"]|\\.|"(?!""))*"{3}
    | '(?:[^\\'\n]|\\.)*' | "(?:[^\\"\n]|\\.)*" )
  | (?P<unknown> ['"\\] )
  | (?<![ \t]) [ \t]*+(?:\#[^\n]*+)?+(?=\n|\Z) (?:\n[ \t]*+(?:\#[^\n]*+)?+(?=\n|\Z))*+
    """,
    re.VERBOSE | re.DOTALL,
)
"""Texts (kept), what this lexer does not judge (a line that goes on, an open text), and the waste."""
_RARE = re.compile("[\r\f\0\ud800-\udfff]")
"""What may end a line, or make the whole text no program, even in a comment."""
_KNOWS_ITS_LINES = re.compile(r"traceback|inspect|_getframe|lineno|linecache|tb_|co_|warn")
"""A program that can see its own source lines is the same only as itself, to the letter."""
_NESTED_QUOTES = sys.version_info >= (3, 12)
"""From Python 3.12 an f-string may hold its own quotes, which a lexer without a stack misreads."""
_FSTRING = re.compile(r"""\b[rR]?[fF][rR]?['"]""")


@lru_cache(maxsize=4096)
def identity(code: str) -> str:
    """`code` without what changes nothing; `code` itself where that is not certain."""
    if _RARE.search(code) or _KNOWS_ITS_LINES.search(code) or (_NESTED_QUOTES and _FSTRING.search(code)):
        return code
    parts, position = [], 0
    for found in _PIECES.finditer(code):
        if found["unknown"]:
            return code
        if found[1] is None:
            parts.append(code[position : found.start()])
            position = found.end()
    parts.append(code[position:])
    return "".join(parts).strip("\n")


def path_key(parent: bytes, code: str) -> bytes:
    """The key of the state after `code` on the state `parent`; b"" is the fresh state."""
    text = identity(code).encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=KEY_BYTES, key=parent).digest()
