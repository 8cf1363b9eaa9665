"""What a step shows. Two variants: "plain" (what it printed) and "official" (the released rStar-Math code's rules).

plain: the bytes written to standard output, then, where the last statement is an expression whose value is not None,
`str(value)` and a newline.

official (rStar-Math `tools/python_tool.py`, commit b3c1846, the facts in `docs/interpreter.md`): statements are looked
at on the top level only. A statement is a print statement where it calls `print`, or is an if, for, while or def with
one directly in its body. With at most one print statement, only the last statement's output or value is shown: a single
print that is not last shows nothing. With several, each shows `argument: output`. Text that reads as a number is
rounded to 4 decimals where that is shorter, and what is longer than 1024 characters loses its middle.
"""

from __future__ import annotations

import ast
import re
from typing import Literal

Display = Literal["plain", "official"]

OFFICIAL_MAX_CHARS = 1024
_PRINTED = re.compile(r"print\((.*?)\)")
_OPENING = re.compile(r"^(\s|`)*(?i:python)?\s*")
_CLOSING = re.compile(r"(\s|`)*$")


def strip_fences(code: str) -> str:
    """`code` as the official tool reads it: without leading fence, the word python, and trailing fence."""
    return _CLOSING.sub("", _OPENING.sub("", code))


def is_print(node: ast.stmt) -> bool:
    """Whether the official rules see a print statement here."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return True
        case ast.If() | ast.While() | ast.For() | ast.FunctionDef():
            return any(is_print(inner) for inner in node.body)
    return False


def label(source: str) -> str:
    """The arguments of the prints in `source`, with a colon; "" where there are none."""
    found = _PRINTED.findall(source)
    return f"{' '.join(found)}:" if found else ""


def shorten_number(text: str) -> str:
    """`text`, or the number in it rounded to 4 decimals where that is shorter."""
    try:
        rounded = f"{round(float(text), 4)}\n"
    except (ValueError, OverflowError):
        return text
    return text if len(text) < len(rounded) else rounded


def cut_middle(text: str) -> str:
    """`text`, without its middle where it is longer than `OFFICIAL_MAX_CHARS`."""
    half = OFFICIAL_MAX_CHARS // 2
    return text if len(text) <= OFFICIAL_MAX_CHARS else f"{text[:half]}...{text[-half:]}"
