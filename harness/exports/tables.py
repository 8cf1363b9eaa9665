"""A run as two tables, for pandas, Parquet, CSV, SQL: `problems` and `trajectories`. Every column is documented here.

`problems` has one row per problem, seed, rule and budget, so every figure of a report is a `groupby` away;
`trajectories` has one row per problem, seed and trajectory. Rows stand in the order of the records. A search on which
an engine failed has its rows in `problems` (verdict `failed`) and none in `trajectories`. One without a record has no
rows; `status` is then something else than `complete`, in every row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.exports.exported_run import ExportedRun, clean
from harness.failure_bins import Evidence, bin_of, evidence
from harness.records import COUNTERS, SECONDS, ProblemRecord

ColumnType = Literal["string", "int64", "float64", "bool"]
ROWS_AT_A_TIME = 20_000
"""Rows of a Parquet row group and of what is held in memory. Chosen, not tuned."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    type: ColumnType
    meaning: str


_COSTS = (
    *(Column(name, "int64", f"`rstar.types.Usage.{name}` up to here") for name in COUNTERS),
    Column("engine_seconds", "float64", "seconds waited for policy and reward up to here, summed over requests"),
    Column("wall_seconds", "float64", "seconds since the search began"),
)
_KEYS = (
    Column("run", "string", "id of the run"),
    Column(
        "status", "string", "`complete`, or what the run is instead: then figures over this table are not its result"
    ),
    Column("problem", "string", "id of the problem"),
    Column("seed", "int64", "the run's seed of this search"),
)
PROBLEMS: tuple[Column, ...] = (
    *_KEYS,
    Column("rule", "string", "how the answer was chosen: best, majority, weighted, top_k"),
    Column("budget", "int64", "trajectories among which it was chosen"),
    Column("answer", "string", "what was chosen; null for no answer"),
    Column("verdict", "string", "correct, incorrect, no_answer, grader_error, or failed: an engine failed"),
    Column("detail", "string", "the grader's reason, or what the engine failed with"),
    Column("is_correct", "bool", "whether the verdict is correct"),
    Column("is_oracle_correct", "bool", "whether any of the trajectories is right"),
    Column("failure_bin", "string", "why it is wrong, see `harness.failure_bins`; null where it is right"),
    Column("num_trajectories", "int64", "those counted: less than the budget only with an adaptive stop"),
    Column("stop", "string", "why the search ended: budget, certain, posterior"),
    Column("num_duplicates", "int64", "candidates of the whole search that were dropped as duplicates"),
    *_COSTS,
    Column("grading_seconds", "float64", "seconds that grading the whole search took"),
    Column("grader_version", "string", "of the answer checker"),
    Column("finished", "string", "when the record was made, UTC, ISO 8601"),
)
TRAJECTORIES: tuple[Column, ...] = (
    *_KEYS,
    Column("trajectory", "int64", "place in the order of completion, from 0"),
    Column("answer", "string", "its answer; null for none"),
    Column(
        "answer_class", "int64", "answers of one search with the same number mean the same; -1: no vote; null: none"
    ),
    Column("verdict", "string", "correct, incorrect, no_answer or grader_error"),
    Column("value", "float64", "reward of its end, in [-1, 1]; -1 where it ended without an answer"),
    Column("ending", "string", "answered, max_depth, code_error, unparsable, truncated"),
    *_COSTS,
)
TABLES: dict[str, tuple[Column, ...]] = {"problems": PROBLEMS, "trajectories": TRAJECTORIES}
_FAILED_COSTS: tuple[None, ...] = (None,) * len(_COSTS)


def rows(source: ExportedRun, table: str) -> Iterator[tuple[Any, ...]]:
    """The rows of the table of this name, as tuples in the order of its columns."""
    make = _problem_rows if table == "problems" else _trajectory_rows
    status = source.status
    for record in source.records():
        keys = (source.run.id, status, clean(record.problem_id), record.seed)
        for row in make(source, record):
            yield (*keys, *row)


def batches(source: ExportedRun, table: str) -> Iterator[Any]:
    """The table as `pyarrow.RecordBatch`es of `schema(source, table)`."""
    import pyarrow as pa

    kind, held = schema(source, table), []
    for row in rows(source, table):
        held.append(row)
        if len(held) == ROWS_AT_A_TIME:
            yield _batch(pa, held, kind)
            held = []
    if held:
        yield _batch(pa, held, kind)


def schema(source: ExportedRun, table: str) -> Any:
    """The `pyarrow.Schema` of a table: each field carries its meaning, the whole what is known about the run."""
    import json

    import pyarrow as pa

    fields = [
        pa.field(column.name, pa.type_for_alias(column.type), metadata={"meaning": column.meaning})
        for column in TABLES[table]
    ]
    return pa.schema(fields, metadata={"rstar_run": json.dumps(source.facts())})


def _batch(pa: Any, held: Sequence[tuple[Any, ...]], kind: Any) -> Any:
    columns = zip(*held, strict=True)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, kind, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=kind)


def _problem_rows(source: ExportedRun, record: ProblemRecord) -> Iterator[tuple[Any, ...]]:
    spec = source.run.spec
    ends = (record.timing.grading_seconds, record.grader_version, record.timing.finished)
    for index, budget in enumerate(spec.budgets):
        if record.error:
            what = (None, "failed", clean(record.error), False, False, "engine_failed", 0, None, None)
            for rule in spec.rules:
                yield (rule, budget, *what, *_FAILED_COSTS, None, None, None)
            continue
        counted, seen = record.num_counted(budget), evidence(record, budget)
        whole = (counted, record.stop, record.num_duplicates, *_costs(record, counted - 1), *ends)
        for rule in spec.rules:
            yield (rule, budget, *_choice(source, record, rule, index, seen), *whole)


def _choice(source: ExportedRun, record: ProblemRecord, rule: str, index: int, seen: Evidence) -> tuple[Any, ...]:
    spec = source.run.spec
    position = (record.chosen or {})[rule][index]
    answer = None if position is None else record.answers[position]
    verdict = "no_answer" if answer is None else answer.verdict
    return (
        None if answer is None else clean(answer.text),
        verdict,
        "" if answer is None else clean(answer.detail),
        verdict == "correct",
        seen.has_right,
        bin_of(record, rule, index, spec.budgets[index], spec.top_k, seen),
    )


def _trajectory_rows(source: ExportedRun, record: ProblemRecord) -> Iterator[tuple[Any, ...]]:
    del source
    answers = [(clean(answer.text), answer.number, answer.verdict) for answer in record.answers]
    for number, position in enumerate(record.answer_of):
        answer = (None, None, "no_answer") if position is None else answers[position]
        yield (number, *answer, record.values[number], record.endings[number], *_costs(record, number))


def _costs(record: ProblemRecord, number: int) -> tuple[Any, ...]:
    usage = record.usage or {}
    return (
        *(usage[name][number] for name in COUNTERS),
        *(getattr(record.timing, name)[number] for name in SECONDS),
    )
