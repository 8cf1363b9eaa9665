"""Objects of a JSON array read one by one, and written one by one: the published data sets are arrays of gigabytes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tasks.jsonl import MAX_LINE_BYTES, Row, describe, read_rows
from tasks.tables import format_of, read_table
from tasks.types import InputError

_BLOCK = 1 << 20
_BETWEEN = " \t\r\n,"


def stream_rows(path: Path) -> Iterator[Row]:
    """The records of a JSON array, JSONL or table file, holding one at a time (a row group of a Parquet file).

    Raises InputError, naming file and row, for what is no such file.
    """
    if format_of(path) not in ("json", "jsonl"):
        yield from read_table(path)
        return
    try:
        with path.open(encoding="utf-8") as file:
            start = file.read(_BLOCK).lstrip("\ufeff \t\r\n")
            if start[:1] == "[":
                yield from _array(path, file, start[1:])
                return
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); name a JSON or JSONL file") from error
    yield from read_rows(path)


def write_array(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as one JSON array, the file whole or not at all; returns their number."""
    count = 0
    with written_whole(path) as file:
        file.write("[")
        for count, row in enumerate(rows, 1):
            file.write(("\n" if count == 1 else ",\n") + json.dumps(row, ensure_ascii=False))
        file.write("\n]\n")
    return count


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as JSONL, the file whole or not at all; returns their number."""
    count = 0
    with written_whole(path) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


@contextmanager
def written_whole(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of `path` when the block ends well, on the disk by then.

    Raises InputError where it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); check the folder and its space") from error
    finally:
        temporary.unlink(missing_ok=True)


def _array(path: Path, file: TextIO, text: str) -> Iterator[Row]:
    decoder = json.JSONDecoder()
    number, at = 0, 0
    while True:
        while at < len(text) and text[at] in _BETWEEN:
            at += 1
        if text.startswith("]", at):
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            more = file.read(_BLOCK)
            if not more or len(text) - at > MAX_LINE_BYTES:
                raise InputError(
                    f"{path}, row {number + 1}: is no JSON object, or the file is cut off; fetch it again"
                ) from None
            text, at = text[at:] + more, 0
            continue
        number, at = number + 1, end
        if not isinstance(value, dict):
            raise InputError(f"{path}, row {number}: holds {describe(value)}; write a list of objects")
        yield Row(path, number, value, 0, "row", number)
