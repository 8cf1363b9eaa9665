"""Search trees on disk: Parquet shards, one row per problem, its nodes a list; written and read in bounded memory.

Every shard carries the format's version and the hash of the spec that made it. Shards that differ in one of them are
never read together, a torn one is refused.

| column | |
|---|---|
| `problem_id`, `question`, `subject`, `level`, `reference`, `is_synthetic` | the problem |
| `num_rollouts`, `num_right`, `difficulty` | the outcome, so that coverage needs no node |
| `passes` | list of `seed`, `budget`, `num_trees`: the searches of the problem |
| `usage` | list of `name`, `count`: tokens, requests, programs |
| `nodes` | list of the fields of `rstar.synthesis.trees.Nodes` |
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from rstar.synthesis.trees import Nodes, Pass, ProblemTrees
from tasks.types import InputError, Problem

FORMAT = "rstar-trees-1"
GROUP_NODES = 20_000
"""Nodes of a row group: what a reader or a writer holds at a time, some 10 MB. Chosen, not tuned."""
_FORMAT_KEY, _SPEC_KEY = b"rstar.format", b"rstar.spec"
_NODE_TYPES = {
    "tree": "int32",
    "parent": "int32",
    "text": "string",
    "q": "float64",
    "visits": "int32",
    "value": "float64",
    "ending": "string",
    "answer": "string",
    "label": "int8",
    "rollout": "int32",
}
_OUTCOME = ("problem_id", "subject", "level", "is_synthetic", "num_rollouts", "num_right", "difficulty")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a shard says of a problem without its nodes."""

    problem_id: str
    subject: str
    level: str
    is_synthetic: bool
    num_rollouts: int
    num_right: int
    difficulty: str


@dataclass(frozen=True, slots=True)
class ShardInfo:
    """What a shard says about itself."""

    path: Path
    format: str
    spec: str
    num_problems: int


def write_shard(path: Path, rows: Iterator[ProblemTrees], spec: str) -> int:
    """Write a shard whole or not at all, and return when it has reached the disk; returns its number of nodes.

    `spec` is the hash of the settings that made the rows. Raises InputError where it cannot be written.
    """
    import pyarrow.parquet as pq

    temporary = path.with_name(f".{path.name}.part")
    schema = _schema().with_metadata({_FORMAT_KEY: FORMAT.encode(), _SPEC_KEY: spec.encode()})
    num_nodes = 0
    try:
        with temporary.open("wb") as file:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                for group in _groups(rows):
                    num_nodes += sum(len(row.nodes) for row in group)
                    writer.write_table(_table(group, schema))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); make room and run it again") from error
    finally:
        temporary.unlink(missing_ok=True)
    return num_nodes


def read_shards(paths: Sequence[Path]) -> Iterator[ProblemTrees]:
    """The problems of shards that belong together, in order. Raises InputError as `check_shards` does."""
    check_shards(paths)
    for path in paths:
        yield from _rows(path)


def read_outcomes(path: Path) -> Iterator[Outcome]:
    """What came of each problem of a shard, its nodes unread."""
    with _opened(path) as file:
        for batch in file.iter_batches(columns=list(_OUTCOME)):
            for row in batch.to_pylist():
                yield Outcome(**row)


def check_shards(paths: Sequence[Path]) -> list[ShardInfo]:
    """What the shards say. Raises InputError where there is none, one is torn, of another version, or of another spec
    than the first."""
    if not paths:
        raise InputError("no shard of search trees to read; name a folder that 'rstar synthesize' has filled")
    found = [shard_info(path) for path in paths]
    for info in found:
        if info.format != FORMAT:
            raise InputError(
                f"{info.path}: has the format {info.format!r}, not {FORMAT}; read it with the version that wrote it, "
                "or synthesize again"
            )
        if info.spec != found[0].spec:
            raise InputError(
                f"{info.path}: was made with other settings ({info.spec[:12]}) than {found[0].path.name} "
                f"({found[0].spec[:12]}); read one synthesis at a time"
            )
    return found


def shard_info(path: Path) -> ShardInfo:
    """Version, spec and size of a shard. Raises InputError where the file is missing, torn or no shard."""
    with _opened(path) as file:
        stored: Mapping[bytes, bytes] = file.schema_arrow.metadata or {}
        if _FORMAT_KEY not in stored or _SPEC_KEY not in stored:
            raise InputError(f"{path}: is no shard of search trees; name files that 'rstar synthesize' has written")
        return ShardInfo(path, stored[_FORMAT_KEY].decode(), stored[_SPEC_KEY].decode(), file.metadata.num_rows)


def shards_in(folder: Path) -> list[Path]:
    """The shards of a synthesis, in order; those of one that is still going on, too."""
    return sorted(folder.glob("trees-*.parquet"))


def _opened(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise InputError(f"{path}: does not exist; name a shard, or synthesize it") from None
    except (pa.ArrowInvalid, OSError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: is torn or no Parquet file ({reason}); delete it and synthesize again") from error


def _rows(path: Path) -> Iterator[ProblemTrees]:
    import pyarrow as pa

    with _opened(path) as file:
        number = 0
        for group in range(file.num_row_groups):
            try:
                table = file.read_row_group(group)
            except (pa.ArrowInvalid, OSError) as error:
                raise InputError(f"{path}: is damaged ({error}); delete it and synthesize again") from error
            for row in _problems(table.combine_chunks()):
                yield replace(row, source=f"{path.name}#{number}")
                number += 1


def _problems(table: Any) -> Iterator[ProblemTrees]:
    """The problems of a row group. Each node field becomes one flat list, of which a problem's nodes are a slice."""
    heads = table.drop_columns(["nodes"]).to_pylist()
    if not heads:
        return
    column = table.column("nodes").chunk(0)
    names = [each.name for each in fields(Nodes)]
    flat = [array.to_pylist() for array in (column.flatten().field(name) for name in names)]
    starts = column.offsets.to_pylist()
    first = starts[0]
    for head, start, end in zip(heads, starts, starts[1:], strict=False):
        nodes = Nodes(*(values[start - first : end - first] for values in flat))
        yield _problem(head, nodes)


def _problem(head: Mapping[str, Any], nodes: Nodes) -> ProblemTrees:
    reference = head["reference"]
    return ProblemTrees(
        Problem(head["problem_id"], head["question"], head["subject"], head["level"]),
        reference[0] if len(reference) == 1 else tuple(reference),
        head["is_synthetic"],
        tuple(Pass(each["seed"], each["budget"], each["num_trees"]) for each in head["passes"]),
        nodes,
        {each["name"]: each["count"] for each in head["usage"]},
    )


def _groups(rows: Iterator[ProblemTrees]) -> Iterator[list[ProblemTrees]]:
    group: list[ProblemTrees] = []
    num_nodes = 0
    for row in rows:
        group.append(row)
        num_nodes += len(row.nodes)
        if num_nodes >= GROUP_NODES:
            yield group
            group, num_nodes = [], 0
    if group:
        yield group


def _table(rows: Sequence[ProblemTrees], schema: Any) -> Any:
    import pyarrow as pa

    starts = [0]
    for row in rows:
        starts.append(starts[-1] + len(row.nodes))
    node_type = schema.field("nodes").type
    arrays = [
        pa.array([value for row in rows for value in getattr(row.nodes, each.name)], each.type)
        for each in node_type.value_type
    ]
    inner = pa.StructArray.from_arrays(arrays, fields=list(node_type.value_type))
    nodes = pa.ListArray.from_arrays(pa.array(starts, pa.int32()), inner, type=node_type)
    heads = [_head(row) for row in rows]
    columns = [
        nodes if each.name == "nodes" else pa.array([head[each.name] for head in heads], each.type) for each in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _head(row: ProblemTrees) -> dict[str, Any]:
    problem = row.problem
    return {
        "problem_id": problem.id,
        "question": problem.question,
        "subject": problem.subject,
        "level": problem.level,
        "reference": [row.reference] if isinstance(row.reference, str) else list(row.reference),
        "is_synthetic": row.is_synthetic,
        "num_rollouts": row.num_rollouts,
        "num_right": row.num_right,
        "difficulty": row.difficulty,
        "passes": [{"seed": each.seed, "budget": each.budget, "num_trees": each.num_trees} for each in row.passes],
        "usage": [{"name": name, "count": count} for name, count in row.usage.items()],
    }


@cache
def _schema() -> Any:
    import pyarrow as pa

    node = pa.struct([pa.field(name, pa.type_for_alias(kind)) for name, kind in _NODE_TYPES.items()])
    made = pa.struct([("seed", pa.int64()), ("budget", pa.int32()), ("num_trees", pa.int32())])
    cost = pa.struct([("name", pa.string()), ("count", pa.int64())])
    return pa.schema(
        [
            ("problem_id", pa.string()),
            ("question", pa.string()),
            ("subject", pa.string()),
            ("level", pa.string()),
            ("reference", pa.list_(pa.string())),
            ("is_synthetic", pa.bool_()),
            ("num_rollouts", pa.int32()),
            ("num_right", pa.int32()),
            ("difficulty", pa.string()),
            ("passes", pa.list_(made)),
            ("usage", pa.list_(cost)),
            ("nodes", pa.list_(node)),
        ]
    )
