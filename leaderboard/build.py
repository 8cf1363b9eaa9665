"""From a results folder to a site: every run read once, one process per core, then the pages about all of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from harness.run_folder import RECORDS
from harness.scaling_page import PLOTLY
from leaderboard.evolutions import Evolution, read_evolution
from leaderboard.found_results import FoundResults, LeftOut, find_results, place_of
from leaderboard.site import Site
from leaderboard.site_files import SiteFiles
from leaderboard.site_options import SiteOptions
from leaderboard.site_run import SiteRun, build_run, inputs_of, stored_id
from leaderboard.systems import systems_of
from tasks.types import InputError

MANIFEST = "site.json"
FORMAT = "rstar-site-1"
_ALONE_BYTES = 20 << 20
"""Records up to this size are read in this process: two seconds of it, which starting others costs too."""
ASSETS = Path(__file__).resolve().parent / "assets"


@dataclass(frozen=True, slots=True)
class Built:
    """What a build came to."""

    out: Path
    num_runs: int
    num_systems: int
    num_files: int
    left_out: tuple[LeftOut, ...]


def build(results: Path, out: Path, options: SiteOptions | None = None) -> Built:
    """Write the site of `results` into `out`, and remove what an earlier build left there.

    What cannot be read is left out and named on the first page. Raises InputError where `results` is no folder, and
    where `out` holds something that is no site.
    """
    options = options or SiteOptions()
    found = find_results(results)
    before = _claim(out)
    files = SiteFiles(out)
    site = read_site(found, files, options)
    _write_pages(site, files, options)
    _copy_assets(files)
    _write_manifest(site, found, files)
    for path in before - files.written.keys() - {MANIFEST}:
        (out / path).unlink(missing_ok=True)
    _remove_empty_folders(out)
    return Built(out, len(site.runs), len(site.systems), len(files.written), site.left_out)


def read_site(found: FoundResults, files: SiteFiles, options: SiteOptions) -> Site:
    """Read every run, writing its own pages on the way."""
    folders, left_out = _different(found)
    built = list(_each_run(folders, found.root, files.out, options))
    runs = tuple(each for each in built if isinstance(each, SiteRun))
    left_out += [each for each in built if isinstance(each, LeftOut)]
    for run in runs:
        files.written |= run.written
        left_out += run.left_out
    systems, repeated = systems_of(runs)
    evolutions, broken = _evolutions(found)
    everything = sorted((*found.left_out, *left_out, *repeated, *broken), key=lambda each: each.place)
    return Site(found.root, runs, tuple(systems), tuple(evolutions), tuple(everything))


def manifest(site: Site, found: FoundResults, files: SiteFiles) -> dict[str, Any]:
    """What the site was made of, and the SHA-256 of every file of it."""
    return {
        "format": FORMAT,
        "inputs": inputs_of(found),
        "left_out": {each.place: each.reason for each in site.left_out},
        "files": dict(sorted(files.written.items())),
    }


def _evolutions(found: FoundResults) -> tuple[list[Evolution], list[LeftOut]]:
    evolutions, left_out = [], []
    for folder in found.evolutions:
        place = place_of(folder, found.root)
        try:
            evolutions.append(read_evolution(folder, place))
        except InputError as error:
            left_out.append(LeftOut(place, str(error).replace(str(folder), place)))
    return evolutions, left_out


def _write_pages(site: Site, files: SiteFiles, options: SiteOptions) -> None:
    from leaderboard.pages import compare, method, overview, rounds, scaling
    from leaderboard.run_site import write_shared_pages

    write_shared_pages(files, [run.record for run in site.runs], options)
    for page in (overview, scaling, compare, rounds, method):
        page.write(site, files)


def _each_run(folders: Sequence[Path], root: Path, out: Path, options: SiteOptions) -> Iterator[SiteRun | LeftOut]:
    """In the order of `folders`, whatever process ends first."""
    workers = min(options.workers or num_cores(), len(folders))
    tasks = [(folder, root, SiteFiles(out), options) for folder in folders]
    if workers < 2 or sum(map(_records_bytes, folders)) < _ALONE_BYTES:
        yield from map(_build_one, tasks)
        return
    # Spawned, for a fork of a program with threads (an engine's, after a demonstration) may never end.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_build_one, tasks)


def _records_bytes(folder: Path) -> int:
    path = folder / RECORDS
    return path.stat().st_size if path.is_file() else 0


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _build_one(task: tuple[Path, Path, SiteFiles, SiteOptions]) -> SiteRun | LeftOut:
    return build_run(*task)


def _different(found: FoundResults) -> tuple[list[Path], list[LeftOut]]:
    """The runs of different ids; of two with one id the first counts."""
    kept: dict[str, Path] = {}
    left_out = []
    for folder in found.runs:
        name = stored_id(folder)
        if name in kept:
            first = place_of(kept[name], found.root)
            left_out.append(LeftOut(place_of(folder, found.root), f"has the id of {first}, {name}; remove one of them"))
        else:
            kept[name] = folder
    return list(kept.values()), left_out


def _claim(out: Path) -> set[str]:
    """The files of the site that stands in `out`. Raises InputError where something else stands there.

    An empty folder is marked as ours before anything is written, so that a build that was cut off can be done again.
    """
    path = out / MANIFEST
    if path.is_file():
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.get("begun"):
                return {each.relative_to(out).as_posix() for each in out.rglob("*") if each.is_file()}
            return {each for each in content["files"] if ".." not in Path(each).parts and not Path(each).is_absolute()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: is damaged ({error}); remove the folder, or name another with --out") from error
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"--out {out}: holds files that are no site; name an empty folder, or one that holds a site")
    SiteFiles(out).text(MANIFEST, json.dumps({"begun": True, "files": {}}) + "\n")
    return set()


def _copy_assets(files: SiteFiles) -> None:
    for path in sorted(ASSETS.rglob("*")):
        if path.is_file():
            files.content(f"assets/{path.relative_to(ASSETS).as_posix()}", path.read_bytes())
    files.content("assets/plotly.min.js", PLOTLY.read_bytes())


def _write_manifest(site: Site, found: FoundResults, files: SiteFiles) -> None:
    text = json.dumps(manifest(site, found, files), indent=1) + "\n"
    files.text(MANIFEST, text)


def _remove_empty_folders(out: Path) -> None:
    for folder in sorted((each for each in out.rglob("*") if each.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
