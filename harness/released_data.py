"""`rstar synthesize import` and `export`: which converter a format's name means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rstar.synthesis.json_stream import write_array, write_lines
from rstar.synthesis.released import export_pairs, export_sft, import_pairs, import_sft
from rstar.synthesis.released_trees import export_trees, import_trees
from rstar.synthesis.shards import read_shards, shards_in, write_shard
from rstar.synthesis.trees import ProblemTrees
from rstar.training.data import file_hash
from tasks.answers import same_answer
from tasks.types import InputError, Reference

FORMATS = ("sft", "ppm", "rollouts")
_IMPORTS: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {"sft": import_sft, "ppm": import_pairs}
_EXPORTS: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {"sft": export_sft, "ppm": export_pairs}


def import_file(file: Path, out: Path, form: str, *, regrade: bool) -> str:
    """Convert a published file; returns a line that says what came of it."""
    _check(form)
    if form != "rollouts":
        if regrade:
            raise InputError("--regrade judges the answers of rollouts; leave it out for sft and ppm")
        return f"{write_lines(out, _IMPORTS[form](file)):,} rows in {out}"
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: holds something already; name a new folder with --out")
    try:
        digest = file_hash(file)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; check the path and its permissions") from error
    counts = [0, 0]
    num_nodes = write_shard(
        out / "trees-00000.parquet", _counted(import_trees(file, _is_right if regrade else None), counts), digest
    )
    if counts[1] == 0:
        return f"{counts[0]:,} problems, {num_nodes:,} nodes in {out}; no answer has a label: import it with --regrade"
    return f"{counts[0]:,} problems, {num_nodes:,} nodes, {counts[1]:,} labelled answers in {out}"


def export_file(source: Path, out: Path, form: str) -> str:
    """Convert a file or folder of ours; returns a line that says what came of it."""
    _check(form)
    if form != "rollouts":
        return f"{write_array(out, _EXPORTS[form](source)):,} rows in {out}"
    shards: Sequence[Path] = shards_in(source) if source.is_dir() else [source]
    return f"{write_lines(out, (row for trees in read_shards(shards) for row in export_trees(trees))):,} trees in {out}"


def _counted(rows: Iterator[ProblemTrees], counts: list[int]) -> Iterator[ProblemTrees]:
    for row in rows:
        counts[0] += 1
        counts[1] += sum(label != 0 for label in row.nodes.label)
        yield row


def _is_right(answer: str, reference: Reference) -> bool:
    references = (reference,) if isinstance(reference, str) else reference
    return any(same_answer(answer, each) for each in references)


def _check(form: str) -> None:
    if form not in FORMATS:
        raise InputError(f"--format {form} is unknown; use {', '.join(FORMATS)}")
