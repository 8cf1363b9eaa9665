"""Problems that are done but whose shard is not: one checked line each, so that a killed run loses none of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rstar.synthesis.checked_lines import CheckedLines
from rstar.synthesis.trees import Nodes, Pass, ProblemTrees
from tasks.types import Problem


class Spill:
    """The finished problems of one shard to be, by their place in the pool. Raises InputError like `CheckedLines`."""

    def __init__(self, path: Path) -> None:
        self._lines = CheckedLines(path, "delete the file: its problems are searched again")
        starts = self._lines.starts
        self.places = {value[0]: start for value, start in zip(self._lines.values(), starts, strict=True)}
        """Place in the pool to the byte where the line begins."""

    def add(self, place: int, row: ProblemTrees) -> None:
        """Append one problem."""
        self.places[place] = self._lines.append([place, _as_json(row)])

    def rows(self) -> Iterator[ProblemTrees]:
        """The problems in the order of the pool, one in memory at a time."""
        starts = (self.places[place] for place in sorted(self.places))
        return (_from_json(value[1]) for value in self._lines.values(starts))

    def remove(self) -> None:
        """Delete the file: the shard holds it all now."""
        self._lines.path.unlink(missing_ok=True)
        self.places.clear()


def _as_json(row: ProblemTrees) -> dict[str, Any]:
    return {
        "problem": asdict(row.problem),
        "reference": row.reference,
        "is_synthetic": row.is_synthetic,
        "passes": [asdict(each) for each in row.passes],
        "usage": dict(row.usage),
        "nodes": {name: getattr(row.nodes, name) for name in Nodes.__slots__},
    }


def _from_json(row: dict[str, Any]) -> ProblemTrees:
    reference = row["reference"]
    return ProblemTrees(
        Problem(**row["problem"]),
        tuple(reference) if isinstance(reference, list) else reference,
        row["is_synthetic"],
        tuple(Pass(**each) for each in row["passes"]),
        Nodes(**row["nodes"]),
        row["usage"],
    )
