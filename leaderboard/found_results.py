"""What a results folder holds: runs, evolutions, and what is neither and why."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.run_folder import EVOLUTION_FILE, RECORDS, RUN_FILE
from tasks.types import InputError

REPORT = "report.json"
_INSIDE_A_RUN = ("journals", "trees")
_DEPTH = 6
"""Folders below the results that are looked into."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not on the site."""

    place: str
    """The file or folder, seen from where the results folder lies."""
    reason: str


@dataclass(frozen=True, slots=True)
class FoundResults:
    """A results folder, looked through but not read."""

    root: Path
    runs: tuple[Path, ...]
    evolutions: tuple[Path, ...]
    """Folders that `rstar evolve` writes, with its report in them."""
    left_out: tuple[LeftOut, ...]


def find_results(root: Path) -> FoundResults:
    """Everything below `root`, in the order of its path. Raises InputError where `root` is no folder."""
    if not root.is_dir():
        raise InputError(f"{root}: is no folder; name the results folder with --results")
    runs: list[Path] = []
    evolutions: list[Path] = []
    left_out: list[LeftOut] = []
    for folder, names, has_folders in _walk(root):
        if RUN_FILE in names:
            runs.append(folder)
        elif EVOLUTION_FILE in names and REPORT in names:
            evolutions.append(folder)
        elif RECORDS in names:
            left_out.append(LeftOut(place_of(folder, root), f"holds records but no {RUN_FILE}; restore it"))
        elif EVOLUTION_FILE in names:
            left_out.append(LeftOut(place_of(folder, root), f"holds no {REPORT}: no round of it is finished yet"))
        elif not names and not has_folders and folder != root:
            left_out.append(LeftOut(place_of(folder, root), "is empty"))
    return FoundResults(root, tuple(runs), tuple(evolutions), tuple(left_out))


def place_of(path: Path, root: Path) -> str:
    """`path` as a reader of the site may know it, whatever machine the site was built on: `results/task/run`."""
    name = root.resolve().name
    return name if path == root else f"{name}/{path.relative_to(root).as_posix()}"


def read_evolution_report(folder: Path) -> dict[str, object]:
    """The `report.json` of an evolution. Raises InputError for a damaged one."""
    path = folder / REPORT
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error}); run the evolution again, its stages are kept") from error
    if not isinstance(content, dict) or not isinstance(content.get("lines"), list):
        raise InputError(f"{path}: is no report of an evolution; run the evolution again, its stages are kept")
    return content


def _walk(root: Path) -> Iterator[tuple[Path, set[str], bool]]:
    """(folder, names of its files, whether it has folders), without the insides of runs and without hidden folders."""
    for name, folders, files in os.walk(root):
        folder = Path(name)
        is_run = RUN_FILE in files
        # An evolution is one thing, with tables of its own: its runs, each of some problems, are no systems to rank.
        inside = set[str]() if EVOLUTION_FILE in files else None
        depth = len(folder.relative_to(root).parts)
        has_folders = bool(folders)
        folders[:] = sorted(
            each
            for each in folders
            if not each.startswith(".")
            and not (is_run and each in _INSIDE_A_RUN)
            and (inside is None or each in inside)
            and depth < _DEPTH
        )
        yield folder, {each for each in files if not each.startswith(".")}, has_folders
