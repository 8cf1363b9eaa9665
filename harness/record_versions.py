"""Old formats of records: each is brought up to the present one step by step, or refused with the reason.

Every line of `problems.jsonl` names its format, so a run that a newer program resumes may hold lines of both. To change
the meaning of a field: raise `FORMAT` in `harness.records`, give the old name a line in `MIGRATIONS` (or in `RETIRED`),
describe the change in docs/records.md, and keep a line of the old format in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
"""A record's line as parsed, without its format and checksum."""

FIRST = "rstar-records-1"
"""The format of lines that name none: those written before lines named it."""

MIGRATIONS: dict[str, tuple[str, Callable[[Row], Row]]] = {}
"""Old format to the next one and how a row gets there. Empty: there has been one format so far."""

RETIRED: dict[str, str] = {}
"""Formats that can no longer be read, and why: the end of a sentence that begins with their name."""

_PATTERN = re.compile(r"rstar-records-([1-9]\d{0,5})")


class UnreadableFormatError(ValueError):
    """A format that this program does not read; the text says why and what to do."""


def upgrade(row: Row, found: object, wanted: str) -> Row:
    """`row`, written in the format `found`, as a row of the format `wanted`.

    Raises UnreadableFormatError for a format that is newer, retired or unknown.
    """
    while found != wanted:
        step = MIGRATIONS.get(found) if isinstance(found, str) else None
        if step is None:
            raise UnreadableFormatError(refusal(found, wanted))
        found, migrate = step
        row = migrate(row)
    return row


def is_readable(found: object, wanted: str) -> bool:
    """Whether `upgrade` leads from the format `found` to `wanted`."""
    while found != wanted:
        if not isinstance(found, str) or found not in MIGRATIONS:
            return False
        found, _ = MIGRATIONS[found]
    return True


def refusal(found: object, wanted: str) -> str:
    """Why the format `found` cannot be read, and what to do."""
    if isinstance(found, str) and found in RETIRED:
        return f"is of the format {found}, {RETIRED[found]}"
    number = _PATTERN.fullmatch(found) if isinstance(found, str) else None
    present = _PATTERN.fullmatch(wanted)
    if number and present and int(number[1]) > int(present[1]):
        return f"is of the newer format {found}; this program reads up to {wanted}: install the version that wrote it"
    return f"is of the unknown format {found!r}; this program reads {wanted}: use the program that wrote it"
