"""Parquet: `problems.parquet` and `trajectories.parquet`, compressed, streamed; columns in `harness.exports.tables`."""

from __future__ import annotations

from pathlib import Path

from harness.exports.exported_run import ExportedRun
from harness.exports.tables import TABLES, batches, schema
from harness.exports.whole_file import whole_file


def write_parquet(source: ExportedRun, out: Path) -> list[Path]:
    """Write both tables into the folder `out`; each field's metadata hold its meaning, the file's `rstar_run` the run.

    Read them with `pandas.read_parquet`. Raises InputError where a file cannot be written.
    """
    import pyarrow.parquet as pq

    paths = []
    for table in TABLES:
        path = out / f"{table}.parquet"
        with (
            whole_file(path) as temporary,
            pq.ParquetWriter(temporary, schema(source, table), compression="zstd") as writer,
        ):
            for batch in batches(source, table):
                writer.write_batch(batch)
        paths.append(path)
    return paths
