"""Rows of a JSON, JSONL, CSV, TSV or Parquet file, with text kept as the file has it and every defect located.

Numbers are never turned into floats on the way: an answer `007` or `1.0` stays those characters.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from tasks.jsonl import (
    MAX_LINE_BYTES,
    NumberText,
    Row,
    describe,
    json_decoder,
    numbered_lines,
    read_rows,
    reject,
    shorten,
)
from tasks.types import InputError

FORMATS = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
"""File ending to format."""
MAX_JSON_BYTES = 2 * 2**30
"""A JSON array is read whole; chosen, not tuned: five times the largest pool (MetaMathQA, 396 MB)."""
_MISSING = frozenset({"nan", "<na>", "null"})
"""What table programs write into a CSV cell that has no value, in lower case."""
_SPACE = re.compile(r"[ \t\r\n]*")


def read_table(path: Path, form: str = "", columns: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the records of `path` in order.

    `form` is one of the values of `FORMATS`; empty means by the file's ending. `columns` may name the fields that are
    wanted: Parquet then reads no others. Raises InputError for a file that cannot be read, has no rows, or is broken.
    """
    match form or format_of(path):
        case "json":
            return read_json(path)
        case "jsonl":
            return read_rows(path, exact_numbers=True)
        case "csv":
            return read_csv(path, ",")
        case "tsv":
            return read_csv(path, "\t")
        case "parquet":
            return read_parquet(path, columns)
        case other:
            raise InputError(f"{path}: format '{other}' is not known; use one of {', '.join(_format_names())}")


def format_of(path: Path) -> str:
    """The format that the ending of `path` names; raises InputError where it names none."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        known = ", ".join(FORMATS)
        raise InputError(f"{path}: the ending does not tell the format; rename it to one of {known}") from None


def read_json(path: Path) -> Iterator[Row]:
    """Yield the objects of a JSON array; `Row.number` is the line on which an object starts.

    A file that starts with `{` is read as JSONL, which many tools write under the name `.json`.
    """
    text = _read_text(path)
    start = _after_space(text, 0)
    if text.startswith("{", start):
        del text
        yield from read_rows(path, exact_numbers=True)
        return
    if not text.startswith("[", start):
        reject(path, text.count("\n", 0, start) + 1, "is not a list of objects; write [{…}, {…}]")
    yield from _array_rows(path, text, start + 1)


def _array_rows(path: Path, text: str, position: int) -> Iterator[Row]:
    decoder = json_decoder(exact_numbers=True)
    line = 1 + text.count("\n", 0, position)
    counted = position
    num_rows = 0
    while True:
        position = _after_space(text, position)
        line, counted = line + text.count("\n", counted, position), position
        if num_rows == 0 and text.startswith("]", position):
            raise InputError(f"{path}: has no rows; write [{{…}}, {{…}}]")
        value, end = _decode_at(path, line, text, position, decoder)
        if not isinstance(value, dict):
            reject(path, line, f"holds {describe(value)}; write a list of objects")
        if end - position > MAX_LINE_BYTES:
            reject(path, line, f"this object is longer than {MAX_LINE_BYTES / 2**20:g} MiB; split it")
        num_rows += 1
        yield Row(path, line, value, 0, ordinal=num_rows)
        position = _after_space(text, end)
        if text.startswith("]", position):
            break
        if not text.startswith(",", position):
            reject(path, line + text.count("\n", counted, position), "not JSON; expected ',' or ']' after an object")
        position += 1
    rest = _after_space(text, position + 1)
    if rest != len(text):
        reject(path, text.count("\n", 0, rest) + 1, "not JSON; something follows the end of the list")


def _decode_at(path: Path, line: int, text: str, position: int, decoder: json.JSONDecoder) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, position)
    except json.JSONDecodeError as error:
        reject(path, error.lineno, f"not JSON ({error.msg} at column {error.colno}); correct the file")
    except RecursionError:
        reject(path, line, "holds brackets nested too deep to read; write it as text in quotes")


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InputError(
                f"{path}: larger than {MAX_JSON_BYTES / 2**30:g} GiB; write it as JSONL, which is streamed"
            )
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        reject(path, line, f"byte {column} is not UTF-8; save the file as UTF-8")


def read_csv(path: Path, delimiter: str = ",") -> Iterator[Row]:
    """Yield the records of a CSV file with a header line, every cell as the text it holds.

    An empty cell is empty text; a cell that holds NaN, <NA> or null has no value and arrives as NaN.
    """
    num_rows = 0
    # A global of the csv module, raised only: an unclosed quote must end at the same limit as a line does.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES))
    try:
        with path.open("rb") as file:
            for row in _csv_rows(path, file, delimiter):
                num_rows += 1
                yield row
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    if num_rows == 0:
        raise InputError(f"{path}: has no rows; write a line of column names and one line per record")


def _csv_rows(path: Path, file: BinaryIO, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(_decoded_lines(path, file), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reject(path, line, f"not CSV ({error}); check the quotes of this record")
        if not cells:
            continue
        if header is None:
            header = _check_header(path, line, cells)
        elif len(cells) != len(header):
            reject(
                path, line, f"has {len(cells)} cells, the header has {len(header)}; quote cells that hold '{delimiter}'"
            )
        else:
            yield Row(path, line, dict(zip(header, map(_cell, cells), strict=True)), 0)


def _decoded_lines(path: Path, file: BinaryIO) -> Iterator[str]:
    for number, _, line in numbered_lines(path, file):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            reject(path, number, f"byte {error.start + 1} is not UTF-8; save the file as UTF-8")


def _check_header(path: Path, line: int, names: list[str]) -> list[str]:
    repeated = [name for position, name in enumerate(names) if name in names[:position]]
    if repeated:
        reject(path, line, f"column {shorten(repeated[0])!r} stands twice in the header; rename one of them")
    return names


def _cell(text: str) -> str | float:
    return float("nan") if text.strip().lower() in _MISSING else text


def read_parquet(path: Path, columns: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the records of a Parquet file; `Row.number` counts records from 1. Reads only `columns` where given."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            wanted = [name for name in columns if name in file.schema_arrow.names] or None
            for batch in file.iter_batches(batch_size=1024, columns=wanted):
                for record in batch.to_pylist():
                    number += 1
                    yield Row(path, number, {name: _value(value) for name, value in record.items()}, 0, unit="row")
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as Parquet ({reason}); check the path and the file") from error
    if number == 0:
        raise InputError(f"{path}: has no rows; write one row per problem")


def _value(value: object) -> object:
    """A Parquet value as JSON would hold it: numbers as their shortest exact text, NaN as NaN."""
    match value:
        case bool() | None:
            return value
        case float() if value != value:
            return value
        case int() | float() | Decimal():
            return NumberText(value)
        case list():
            return [_value(one) for one in value]
    return value


def _format_names() -> list[str]:
    return sorted(set(FORMATS.values()))
