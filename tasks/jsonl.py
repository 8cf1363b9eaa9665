"""JSONL files from outside, read in bounded memory; every defect is named by file, line, field and fix.

`Row` is also what the readers of other formats yield (`tasks/tables.py`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from tasks.types import InputError, Reference

MAX_LINE_BYTES = 16 * 2**20
"""Chosen, not tuned: a thousand times a long reply, and still harmless to hold in memory."""


class NumberText(str):
    """A number exactly as the file writes it (`007`, `1.0`), where a reader is asked not to turn it into a float."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file and where it stands."""

    path: Path
    number: int
    """Number of the record's first line, from 1; the record's own number where `unit` is `row`."""
    fields: dict[str, Any]
    end_byte: int
    """Position in the file just after the record, for progress; 0 where the format does not tell."""
    unit: str = "line"
    ordinal: int = 0
    """The record's own number, from 1, in formats where several may stand on one line; else 0."""

    def reject(self, complaint: str) -> NoReturn:
        """Raise the InputError that names this row's file and line; `complaint` names the field and the fix."""
        reject(self.path, self.number, complaint, self.unit)

    def text(self, name: str) -> str:
        """The text in field `name`.

        Raises InputError where the field is missing or holds anything else (a number, null, NaN).
        """
        if name not in self.fields:
            self.reject(f"field '{name}' is missing; add it (found: {', '.join(sorted(self.fields)) or 'no fields'})")
        value = self.fields[name]
        if not isinstance(value, str) or isinstance(value, NumberText):
            self.reject(f"field '{name}' holds {describe(value)}; write it as text in quotes")
        return value

    def filled_text(self, name: str) -> str:
        """The text in field `name`, unchanged. Raises InputError as `text` does, and for text that is blank."""
        value = self.text(name)
        if not value.strip():
            self.reject(f"field '{name}' is empty; fill it in or remove the row")
        return value

    def reference(self, name: str) -> Reference:
        """The reference answer in field `name`: text, a number as it is written, or a list of acceptable answers.

        Raises InputError where the field is missing, blank, null, NaN, a truth value, an object or an empty list.
        """
        if name not in self.fields:
            self.text(name)
        value = self.fields[name]
        if not isinstance(value, list):
            return self._answer(name, value)
        if not value:
            self.reject(f"field '{name}' is an empty list; fill it in or remove the row")
        return tuple(self._answer(name, one) for one in value)

    def id(self, name: str = "id") -> str:
        """The row's id: its field `name` (text or whole number), or `line-<number>` for a row without one.

        In formats that count records instead of lines it is `row-<number>`.
        """
        value = self.fields.get(name)
        if value is None:
            return f"row-{self.ordinal}" if self.ordinal else f"{self.unit}-{self.number}"
        if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
            self.reject(f"field '{name}' holds {describe(value)}; write a text or a whole number that is not empty")
        return str(value)

    def _answer(self, name: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            self.reject(f"field '{name}' holds {describe(value)}; write the answer as text or as a number")
        return str(value)


class UniqueIds:
    """Refuses an id that was seen before. Holds 16 bytes of hash per id rather than the id, for files of any size."""

    def __init__(self) -> None:
        self._first_by_digest: dict[bytes, tuple[int, int]] = {}

    def add(self, row: Row, name: str = "id") -> str:
        """Return the row's id, read from field `name`; raises InputError where an earlier row has the same one."""
        value = row.id(name)
        digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        place = (row.number, row.ordinal)
        earlier = self._first_by_digest.setdefault(digest, place)
        if earlier != place:
            row.reject(
                f"field '{name}' repeats {shorten(value)!r} of {row.unit} {earlier[0]}; give every row its own id"
            )
        return value


def read_rows(path: Path, max_line_bytes: int = MAX_LINE_BYTES, *, exact_numbers: bool = False) -> Iterator[Row]:
    """Yield the JSON objects of a JSONL file in order; blank lines are passed over.

    With `exact_numbers` a number arrives as the `NumberText` that the file holds instead of an int or a float.

    Raises InputError for a file that is missing, unreadable or without rows, and for a line that is too long, is not
    UTF-8, is not JSON or is not an object.
    """
    num_rows = 0
    decoder = json_decoder(exact_numbers=exact_numbers)
    try:
        with path.open("rb") as file:
            for number, end_byte, line in numbered_lines(path, file, max_line_bytes):
                if line.strip():
                    num_rows += 1
                    yield Row(path, number, _parse(path, number, line, decoder), end_byte)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    if num_rows == 0:
        raise InputError(f"{path}: has no rows; write one JSON object per line")


def reject(path: Path, number: int, complaint: str, unit: str = "line") -> NoReturn:
    """Raise the InputError for line `number` of `path`."""
    raise InputError(f"{path}, {unit} {number}: {complaint}")


def json_decoder(*, exact_numbers: bool = False) -> json.JSONDecoder:
    """A decoder that, with `exact_numbers`, keeps every number as the text that stands in the file."""
    return json.JSONDecoder(parse_int=NumberText, parse_float=NumberText) if exact_numbers else json.JSONDecoder()


def describe(value: object) -> str:
    """What a JSON value is, in a few words, for an error message."""
    match value:
        case None:
            return "null"
        case float() if not math.isfinite(value):
            return {True: "NaN", False: "Infinity"}[math.isnan(value)]
        case NumberText():
            return f"the number {shorten(value)}"
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


def numbered_lines(
    path: Path, file: BinaryIO, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[tuple[int, int, bytes]]:
    """Number, end position and bytes of every line, without a byte order mark; holds at most one line.

    Raises InputError for a line of more than `max_line_bytes`, of which it never reads more than one byte too many.
    """
    number = end_byte = 0
    while line := file.readline(max_line_bytes + 1):
        number += 1
        end_byte += len(line)
        if len(line) > max_line_bytes:
            reject(
                path,
                number,
                f"longer than {max_line_bytes / 2**20:g} MiB; split it, or check that the file has one record per line",
            )
        yield number, end_byte, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _parse(path: Path, number: int, line: bytes, decoder: json.JSONDecoder) -> dict[str, Any]:
    try:
        value = decoder.decode(line.decode("utf-8"))
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
