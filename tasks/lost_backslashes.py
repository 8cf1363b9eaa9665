r"""Undoes one known defect of the sources: `\frac` written unescaped into JSON, and so read as form feed + `rac`."""

from __future__ import annotations

import re

_COMMANDS = {
    "\b": ("b", ("ar", "egin", "eta", "inom", "oxed")),
    "\f": ("f", ("orall", "rac")),
    "\r": ("r", ("angle", "ho", "ight")),
    "\t": ("t", ("ext", "frac", "heta", "imes", "riangle")),
}
"""Control character to the letter that it swallowed, and what may stand behind it. `\n` is left out: it is too
often a line break; so are `\tan` and `\to`, whose rests are words."""
_PATTERN = re.compile(
    "|".join(rf"{control}(?:{'|'.join(rest)})(?![A-Za-z])" for control, (_, rest) in _COMMANDS.items())
)


def restore_backslashes(text: str) -> str:
    r"""`text` with `\frac` for form feed + `rac`, `\times` for tab + `imes`, and so on; other text is unchanged.

    A control character before anything but the rest of one of these commands is left alone.
    """
    return _PATTERN.sub(lambda match: f"\\{_COMMANDS[match[0][0]][0]}{match[0][1:]}", text)
