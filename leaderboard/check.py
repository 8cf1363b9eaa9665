"""Is what was published still what the records say?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from leaderboard.build import MANIFEST
from leaderboard.found_results import find_results
from leaderboard.site_run import inputs_of
from leaderboard.table_page import table_page
from tasks.types import InputError


def stale_page(page: Path, results: Path) -> str:
    """Why the committed page is not that of `results`; empty where it is."""
    try:
        text = page.read_text(encoding="utf-8")
    except OSError:
        return f"{page}: is missing"
    if text == table_page(results):
        return ""
    return f"{page}: is not what {results} gives now; run 'rstar leaderboard check --write'"


def stale_site(site: Path, results: Path) -> list[str]:
    """Why the site in a folder is not that of `results`; empty where it is. Nothing is built for it.

    Raises InputError where the folder holds no site.
    """
    path = site / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        before, files = dict(content["inputs"]), dict(content["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no site's list of files ({error}); build the site, or name its folder") from error
    now = inputs_of(find_results(results))
    return [*_differences(before, now), *_changed(site, files)]


def _differences(before: dict[str, str], now: dict[str, str]) -> Iterator[str]:
    for place in sorted(before.keys() | now.keys()):
        if place not in now:
            yield f"{place}: is on the site and no longer in the results"
        elif place not in before:
            yield f"{place}: is not on the site yet"
        elif before[place] != now[place]:
            yield f"{place}: has changed since the site was built"


def _changed(site: Path, files: dict[str, str]) -> Iterator[str]:
    for name, digest in files.items():
        path = site / name
        if not path.is_file():
            yield f"{path}: is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            yield f"{path}: was changed after it was built"
