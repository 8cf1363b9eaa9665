"""A task from a user's own file, without code: `user:PATH` or `user:PATH?question=prompt&answer=label`.

PATH is a JSON (list of objects), JSONL, CSV, TSV or Parquet file; its ending tells the format. Behind the last `?`
stand settings joined by `&`; `%26`, `%3D` and `%2B` write `&`, `=` and `+` in a value:

| setting | meaning | without it |
|---|---|---|
| `question`, `answer` | the columns of the problem and of the reference answer | `question`, `answer` |
| `id` | the column of the id | `id`; a row without one is `line-<number>` (JSON list, Parquet: `row-<number>`) |
| `subject`, `level` | columns to carry along | `subject`, `level` where they exist |
| `format` | json, jsonl, csv, tsv or parquet | by the file's ending |
| `name` | name of the task, in ids and records | the file's name without its ending |
| `licence` | what the records state | `unknown` |

A reference is text, a number (kept as the file writes it: `007` and `1.0` stay so), or in JSON and Parquet a list of
acceptable answers. The task's version is the beginning of the file's SHA-256, so a changed file is another version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from urllib.parse import parse_qsl

from tasks.benchmark import Item, build_task
from tasks.jsonl import NumberText, Row, UniqueIds, describe, shorten
from tasks.sources import sha256_of
from tasks.tables import FORMATS, read_table
from tasks.types import InputError, Role, Source, Task

PREFIX = "user:"
_VERSION_CHARS = 12
_UNFIT_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class UserFile:
    """What the text behind `user:` says."""

    path: Path
    question: str = "question"
    answer: str = "answer"
    id: str = "id"
    subject: str = "subject"
    level: str = "level"
    format: str = ""
    name: str = ""
    licence: str = "unknown"


_SETTINGS = tuple(field.name for field in fields(UserFile) if field.name != "path")


def parse_user_name(name: str) -> UserFile:
    """The file and settings that `user:…` names; raises InputError for an empty path or an unknown setting."""
    text = name.removeprefix(PREFIX)
    path, mark, settings = text.rpartition("?")
    # Without settings, or with a `?` that belongs to the path.
    if not mark or "=" not in settings:
        path, settings = text, ""
    if not path:
        raise InputError(f"task '{name}': names no file; write user:PATH, e.g. user:problems.csv")
    try:
        pairs = parse_qsl(settings, keep_blank_values=True, strict_parsing=bool(settings))
    except ValueError:
        raise InputError(f"task '{name}': settings are written setting=value and joined by '&'") from None
    for key, value in pairs:
        if key not in _SETTINGS:
            raise InputError(f"task '{name}': setting '{key}' is not known; use one of {', '.join(_SETTINGS)}")
        if not value:
            raise InputError(f"task '{name}': setting '{key}' is empty; give it a value or leave it out")
    user_file = UserFile(Path(path).expanduser(), **dict(pairs))
    if user_file.format and user_file.format not in FORMATS.values():
        known = ", ".join(sorted(set(FORMATS.values())))
        raise InputError(f"task '{name}': format '{user_file.format}' is not known; use one of {known}")
    return user_file


def load_user_task(name: str, role: Role = "eval") -> Task:
    """The task that `user:…` names. Raises InputError, with file, line and field, for whatever is wrong in the file."""
    user_file = parse_user_name(name)
    sha256 = sha256_of(user_file.path)
    source = Source(str(user_file.path), sha256, user_file.licence)
    short_name = _UNFIT_IN_NAME.sub("-", user_file.name or user_file.path.stem).strip("-.") or "user"
    return build_task(short_name, sha256[:_VERSION_CHARS], role, source, _items(user_file))


def _items(user_file: UserFile) -> Iterator[Item]:
    columns = (user_file.question, user_file.answer, user_file.id, user_file.subject, user_file.level)
    rows = read_table(user_file.path, user_file.format, columns)
    first = next(rows, None)
    if first is None:
        return
    _check_columns(user_file, first)
    ids = UniqueIds()
    for row in chain((first,), rows):
        yield Item(
            ids.add(row, user_file.id),
            row.filled_text(user_file.question),
            row.reference(user_file.answer),
            _label(row, user_file.subject),
            _label(row, user_file.level),
        )


def _check_columns(user_file: UserFile, row: Row) -> None:
    for setting in ("question", "answer"):
        column = getattr(user_file, setting)
        if column not in row.fields:
            found = shorten(", ".join(row.fields), 200) or "none"
            row.reject(
                f"has no column '{column}' (found: {found}); name the right one: user:{user_file.path}?{setting}=…"
            )
    for setting in ("id", "subject", "level"):
        column = getattr(user_file, setting)
        if column != setting and column not in row.fields:
            row.reject(f"has no column '{column}', which {setting}={column} asks for")


def _label(row: Row, column: str) -> str:
    value = row.fields.get(column)
    if value is None or value != value:
        return ""
    if not isinstance(value, str | NumberText):
        row.reject(f"field '{column}' holds {describe(value)}; write it as text")
    return str(value)
