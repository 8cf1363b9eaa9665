"""The cited figures of others, `published/*.csv`, row by row: what published/README.md describes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.types import InputError

FOLDER = Path(__file__).resolve().parent / "published"
MAIN_TABLE = "Table 5"
"""Of the rStar-Math paper: the one that holds its main results."""
_COLUMNS = (
    "task",
    "benchmark",
    "system",
    "base_model",
    "method",
    "budget",
    "accuracy",
    "is_digitised",
    "source",
    "note",
)


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One accuracy that somebody else measured."""

    task: str
    benchmark: str
    system: str
    base_model: str
    method: str
    budget: int | None
    accuracy: float
    """0 to 1."""
    is_digitised: bool
    """Read off a plot."""
    source: str
    note: str

    @property
    def is_main(self) -> bool:
        """Whether it stands in the paper's main table."""
        return self.source.endswith(f" {MAIN_TABLE}")

    @property
    def link(self) -> str:
        """Where the source can be read; empty for a source that names no arXiv paper."""
        name, _, rest = self.source.partition(":")
        return f"https://arxiv.org/abs/{rest.split()[0]}" if name == "arXiv" and rest else ""


@cache
def published_rows(folder: Path = FOLDER) -> tuple[PublishedRow, ...]:
    """All rows of all files, in their order. Raises InputError, naming file and line, for a row that is broken."""
    return tuple(row for path in sorted(folder.glob("*.csv")) for row in _rows(path))


def _rows(path: Path) -> list[PublishedRow]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise InputError(f"{path}, line 1: has the columns {reader.fieldnames}; they must be {', '.join(_COLUMNS)}")
        return [_row(path, reader.line_num, row) for row in reader]


def _row(path: Path, line: int, row: dict[str, str]) -> PublishedRow:
    try:
        accuracy = float(row["accuracy"])
        budget = int(row["budget"]) if row["budget"] else None
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path}, line {line}: {error}; accuracy is per cent, budget a whole number or empty"
        ) from error
    if not 0 <= accuracy <= 100 or not row["source"]:
        raise InputError(f"{path}, line {line}: needs an accuracy of 0 to 100 and a source")
    return PublishedRow(
        row["task"],
        row["benchmark"],
        row["system"],
        row["base_model"],
        row["method"],
        budget,
        accuracy / 100,
        row["is_digitised"] == "yes",
        row["source"],
        row["note"],
    )
