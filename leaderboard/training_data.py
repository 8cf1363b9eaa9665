"""What a submission says of its models' training data, and whether test questions are in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cli_overlap import read_pool
from harness.spec import BUILTIN, NO_REWARD, RunSpec
from tasks.overlap import check_overlap
from tasks.types import InputError, Task

SUBMISSION = "submission.json"
UNKNOWN = "unknown"
_MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Statement:
    """What `submission.json` in a run's folder says."""

    training_data: tuple[str, ...]
    """Pools of `rstar tasks`, or files with a `question` column, seen from the folder."""
    is_unknown: bool
    """The models are somebody else's, and their data is not published."""


def read_statement(folder: Path) -> Statement | None:
    """The statement in `folder`; None where there is none. Raises InputError for one that cannot be read."""
    path = folder / SUBMISSION
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        data = content["training_data"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        raise InputError(f'{path}: cannot be read ({error}); write {{"training_data": ["FILE", …]}}') from error
    if data == UNKNOWN:
        return Statement((), is_unknown=True)
    if not isinstance(data, list) or not all(isinstance(each, str) and each for each in data):
        raise InputError(f'{path}: field training_data: {data!r} is no list of files; or write "{UNKNOWN}"')
    return Statement(tuple(data), is_unknown=False)


def contamination(folder: Path, spec: RunSpec, task: Task, more: Sequence[str] = ()) -> Iterator[str]:
    """The reasons against a run that its training data gives. `more` names pools that the reviewer adds.

    Raises InputError for a pool that cannot be read.
    """
    statement = read_statement(folder)
    pools = [*(_placed(folder, each) for each in (statement.training_data if statement else ())), *more]
    own = {spec.policy, spec.ppm, spec.orm} <= {BUILTIN, NO_REWARD}
    if statement is None and not pools and not own:
        yield (
            f"training data is not stated: add {SUBMISSION} with the field training_data, a list of files or "
            f'"{UNKNOWN}"'
        )
    for pool in pools:
        report = check_overlap(read_pool(pool, "question"), [task])
        if not report.num_questions:
            yield f"training data {pool} holds no question"
        elif not report.is_clean:
            hit = sorted(report.problems_hit[task.name])
            yield (
                f"contaminated: training data {pool} holds {len(hit):,} questions of {task.name} "
                f"({', '.join(hit[:_MOST_SHOWN])}{' …' if len(hit) > _MOST_SHOWN else ''})"
            )


def _placed(folder: Path, name: str) -> str:
    """A file beside the statement, or a pool's name."""
    return str(folder / name) if (folder / name).is_file() else name
