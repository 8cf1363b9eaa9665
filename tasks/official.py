"""The nine evaluation files that Microsoft published with rStar-Math: where they are pinned, and how they are read.

Each is a JSON array of `{"index", "question", "answer"}` and nothing else: no subject, no level, no contest. Ids are
made from `index`, which never changes because the file is pinned by commit and by hash. Questions are kept exactly as
the file has them; a reference is changed only where the file's own module says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tasks.benchmark import Item, Reader
from tasks.jsonl import Row
from tasks.lost_backslashes import restore_backslashes
from tasks.sources import DataFile
from tasks.tables import read_json
from tasks.types import Reference

COMMIT = "b3c1846185f4af877e1e441a67c4c5fcfed9d442"
"""Head of branch `rStar-math` of microsoft/rStar."""
FOLDER = f"https://raw.githubusercontent.com/microsoft/rStar/{COMMIT}/eval_data"


def official_file(name: str, sha256: str, num_bytes: int) -> DataFile:
    """The file `name` of the official `eval_data` folder."""
    return DataFile(name, f"{FOLDER}/{name}", sha256, num_bytes)


def official_location(name: str) -> str:
    """The file's page, for people."""
    return f"https://github.com/microsoft/rStar/blob/{COMMIT}/eval_data/{name}"


def official_reader(
    num_digits: int,
    references: Mapping[int, str] | None = None,
    name_id: Callable[[int], str] | None = None,
) -> Reader:
    """A reader of an official file whose ids are its indices, zero-filled to `num_digits`.

    `references` replaces the references of single rows, by index; `name_id` makes another id from the index.
    """
    replaced = references or {}

    def read(paths: Sequence[Path]) -> Iterator[Item]:
        for row in read_json(paths[0]):
            index = int(row.id("index"))
            id_ = name_id(index) if name_id else f"{index:0{num_digits}d}"
            yield Item(id_, row.filled_text("question"), replaced.get(index) or _reference(row))

    return read


def _reference(row: Row) -> Reference:
    """The row's answer, with the backslashes that the file lost, or its list of acceptable answers."""
    answer = row.reference("answer")
    return tuple(map(restore_backslashes, answer)) if isinstance(answer, tuple) else restore_backslashes(answer)
