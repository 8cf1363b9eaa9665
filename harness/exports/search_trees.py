"""Search trees as small files that can be published: the leaderboard's viewer shows them without the journals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.exports.exported_run import ExportedRun
from harness.kept_trees import TREES, regrown_tree, tree_path, write_tree
from tasks.types import InputError


def write_trees(source: ExportedRun, out: Path, problems: Sequence[str] = ()) -> list[Path]:
    """Write `out/trees/` with the trees of these problems, by default of all; the folder of the run is the usual `out`.

    Raises InputError for a problem that the run does not have, and where no journal was kept of any of them.
    """
    strange = set(problems)
    written = []
    for record in source.records():
        strange.discard(record.problem_id)
        if record.error or (problems and record.problem_id not in problems):
            continue
        tree = regrown_tree(source.folder, source.run, record)
        if tree is not None:
            path = tree_path(out, record.problem_id, record.seed)
            write_tree(path, tree, record, source.run.identity)
            written.append(path)
    if strange:
        raise InputError(f"--problem {min(strange)}: {source.folder} has no record of it; name one that it has")
    if not written:
        raise InputError(
            f"{source.folder}: kept no journal of these searches, so there are no {TREES} to write; run it with "
            "--trees full, on the machine that is to write them"
        )
    return written
