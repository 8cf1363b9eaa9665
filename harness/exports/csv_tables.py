"""CSV: `problems.csv` and `trajectories.csv`, the same tables as in Parquet; null is an empty field, text is quoted.

Answers are text that a model wrote. They are data here; a spreadsheet that runs what begins with `=` is no reader of
them.
"""

from __future__ import annotations

from pathlib import Path

from harness.exports.exported_run import ExportedRun
from harness.exports.tables import TABLES, batches, schema
from harness.exports.whole_file import whole_file


def write_csv(source: ExportedRun, out: Path) -> list[Path]:
    """Write both tables into the folder `out`. Raises InputError where a file cannot be written."""
    from pyarrow import csv

    paths = []
    for table in TABLES:
        path = out / f"{table}.csv"
        with whole_file(path) as temporary, csv.CSVWriter(temporary, schema(source, table)) as writer:
            for batch in batches(source, table):
                writer.write_batch(batch)
        paths.append(path)
    return paths
