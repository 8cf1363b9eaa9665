"""A sweep: tasks x searches in one file, each of them a run of its own.

    tasks: [aime2024, math500]
    policy: models/policy
    ppm: models/ppm
    budgets: [1, 2, 4, 8, 16, 32, 64]
    searches:
      - {preset: greedy, budgets: [1]}
      - {preset: self-consistency}
      - {preset: paper-eval, search: {num_candidates: 16}}

Every field of a run may stand beside `tasks` and `searches`; it holds for all runs. What a search states itself goes
before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.spec import RunSpec
from harness.spec_fields import RUN_FIELDS, check_names, make_spec, read_yaml
from tasks.types import InputError

_LISTS = ("tasks", "searches")


def read_sweep(path: Path) -> list[RunSpec]:
    """The runs that the file asks for, task by task. Raises InputError, naming the file and the field."""
    fields = read_yaml(path)
    check_names(fields, (*_LISTS, *RUN_FIELDS), f"{path}: field")
    tasks = fields.pop("tasks", None) or fields.pop("task", None)
    tasks = [tasks] if isinstance(tasks, str) else tasks
    if not isinstance(tasks, list) or not all(isinstance(task, str) for task in tasks):
        raise InputError(f"{path}: field 'tasks': {tasks!r} is no list of tasks; write e.g. [aime2024, math500]")
    searches = fields.pop("searches", [{}])
    if not isinstance(searches, list) or not searches or not all(isinstance(each, dict) for each in searches):
        raise InputError(f"{path}: field 'searches': is no list of searches; write e.g. [preset: greedy]")
    specs: dict[str, RunSpec] = {}
    for task in tasks:
        for position, search in enumerate(searches, 1):
            spec = _spec(f"{path}, search {position}", fields, {**search, "task": task})
            if spec in specs.values():
                raise InputError(f"{path}, search {position}: asks for {task} a second time; leave it out")
            specs[f"{task}|{position}"] = spec
    return list(specs.values())


def _spec(where: str, shared: Mapping[str, Any], own: Mapping[str, Any]) -> RunSpec:
    check_names(own, RUN_FIELDS, f"{where}: field")
    both = {**shared, **own}
    settings = [each.get("search") for each in (shared, own)]
    if all(isinstance(each, dict) for each in settings):
        both["search"] = {**shared["search"], **own["search"]}
    try:
        return make_spec(both)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
