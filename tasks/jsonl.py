"""JSONL files from outside: read line by line in bounded memory, with every defect named by file, line, field and fix."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from tasks.types import InputError

MAX_LINE_BYTES = 16 * 2**20
"""Chosen, not tuned: a thousand times a long reply, and still harmless to hold in memory."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file: a JSON object and where it stands."""

    path: Path
    number: int
    """Line number, from 1."""
    fields: dict[str, Any]
    end_byte: int
    """Position in the file just after the line, for progress."""

    def reject(self, complaint: str) -> NoReturn:
        """Raise the InputError that names this row's file and line; `complaint` names the field and the fix."""
        reject(self.path, self.number, complaint)

    def text(self, name: str) -> str:
        """The text in field `name`.

        Raises InputError where the field is missing or holds anything else (a number, null, NaN).
        """
        if name not in self.fields:
            self.reject(f"field '{name}' is missing; add it (found: {', '.join(sorted(self.fields)) or 'no fields'})")
        value = self.fields[name]
        if not isinstance(value, str):
            self.reject(f"field '{name}' holds {describe(value)}; write it as text in quotes")
        return value

    def id(self) -> str:
        """The row's id: its `id` field (text or whole number), or `line-<number>` for a row without one."""
        value = self.fields.get("id")
        if value is None:
            return f"line-{self.number}"
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            self.reject(f"field 'id' holds {describe(value)}; write a text or a whole number that is not empty")
        return str(value)


class UniqueIds:
    """Refuses an id that was seen before. Holds 16 bytes of hash per id rather than the id, for files of any size."""

    def __init__(self) -> None:
        self._line_by_digest: dict[bytes, int] = {}

    def add(self, row: Row) -> str:
        """Return the row's id; raises InputError where an earlier row has the same one."""
        name = row.id()
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        earlier = self._line_by_digest.setdefault(digest, row.number)
        if earlier != row.number:
            row.reject(f"field 'id' repeats {shorten(name)!r} of line {earlier}; give every row its own id")
        return name


def read_rows(path: Path, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[Row]:
    """Yield the JSON objects of a JSONL file in order; blank lines are passed over.

    Raises InputError for a file that is missing, unreadable or without rows, and for a line that is too long, is not
    UTF-8, is not JSON or is not an object.
    """
    num_rows = 0
    try:
        with path.open("rb") as file:
            for number, end_byte, line in _lines(path, file, max_line_bytes):
                num_rows += 1
                yield Row(path, number, _parse(path, number, line), end_byte)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    if num_rows == 0:
        raise InputError(f"{path}: has no rows; write one JSON object per line")


def reject(path: Path, number: int, complaint: str) -> NoReturn:
    """Raise the InputError for line `number` of `path`."""
    raise InputError(f"{path}, line {number}: {complaint}")


def describe(value: object) -> str:
    """What a JSON value is, in a few words, for an error message."""
    match value:
        case None:
            return "null"
        case float() if not math.isfinite(value):
            return {True: "NaN", False: "Infinity"}[math.isnan(value)]
        case str():
            return "text" if value.strip() else "an empty text"
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "an object"
    return f"the {'truth value' if isinstance(value, bool) else 'number'} {shorten(json.dumps(value))}"


def shorten(text: str, max_chars: int = 60) -> str:
    """`text`, cut to `max_chars` with an ellipsis, safe to print on any terminal."""
    cut = text if len(text) <= max_chars else text[: max_chars - 1] + "…"
    return cut.encode("utf-8", "replace").decode("utf-8")


def _lines(path: Path, file: BinaryIO, max_line_bytes: int) -> Iterator[tuple[int, int, bytes]]:
    """Number, end position and bytes of every line that is not blank; never holds more than `max_line_bytes` + 1."""
    number = end_byte = 0
    while line := file.readline(max_line_bytes + 1):
        number += 1
        end_byte += len(line)
        if len(line) > max_line_bytes:
            reject(
                path,
                number,
                f"longer than {max_line_bytes / 2**20:g} MiB; split it, or check that the file has one object per line",
            )
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield number, end_byte, line


def _parse(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        reject(path, number, f"byte {error.start + 1} is not UTF-8; save the file as UTF-8")
    except json.JSONDecodeError as error:
        reject(path, number, f"not JSON ({error.msg} at column {error.colno}); write one JSON object per line")
    except (ValueError, RecursionError):
        # json's own limits: a number of thousands of digits, or brackets nested thousands deep.
        reject(path, number, "holds a number too long or brackets nested too deep to read; write it as text in quotes")
    if not isinstance(value, dict):
        reject(path, number, f'holds {describe(value)}; write an object, e.g. {{"reply": "…", "reference": "…"}}')
    return value
