"""One run on its way to the site: its records read once, into its own pages and into what the other pages need."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from harness.checked_records import checked_records
from harness.run_folder import RECORDS, RUN_FILE, RunRecord
from harness.run_inputs import slug
from harness.run_summary import RunSummary
from leaderboard.found_results import REPORT, FoundResults, LeftOut, place_of
from leaderboard.sessions import read_run
from leaderboard.site_files import SiteFiles
from leaderboard.site_options import SiteOptions
from leaderboard.standing import reasons_against
from tasks.types import InputError

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SiteRun:
    """A run that is on the site."""

    key: str
    """The id that its file names, unique on the site and fit for a file's name."""
    place: str
    """Its folder, seen from where the results folder lies."""
    summary: RunSummary
    reasons: tuple[str, ...]
    """Why it has no rank; empty for one that has."""
    written: dict[str, str]
    """Files of its own pages, path to SHA-256."""
    left_out: tuple[LeftOut, ...]
    """Parts of it that are not shown."""

    @property
    def record(self) -> RunRecord:
        """What was asked, and of which versions."""
        return self.summary.record

    @property
    def href(self) -> str:
        """Its page, from the site's top."""
        return f"runs/{self.key}.html"


def build_run(folder: Path, root: Path, files: SiteFiles, options: SiteOptions) -> SiteRun | LeftOut:
    """Write the pages of one run. A run that cannot be read whole is left out whole, with nothing of it on the site."""
    place = place_of(folder, root)
    try:
        return _build(folder, place, files, options)
    except InputError as error:
        for path in files.written:
            (files.out / path).unlink(missing_ok=True)
        # The folder is named as the reader knows it, not as this machine does.
        return LeftOut(place, str(error).replace(str(folder), place))


def _build(folder: Path, place: str, files: SiteFiles, options: SiteOptions) -> SiteRun:
    from leaderboard.run_site import RunSite

    record = read_run(folder)
    if record.num_problems < 1:
        raise InputError(f"{folder}: is a run of 0 problems")
    key = stored_id(folder)
    site = RunSite(folder, record, key, files, options)
    for line, found in checked_records(folder, record):
        site.add(line, found)
    parts = site.finish()
    left_out = tuple(LeftOut(f"{place}/{part}" if part else place, reason) for part, reason in parts)
    reasons = tuple(reasons_against(site.summary))
    return SiteRun(key, place, site.summary, reasons, files.written, left_out)


def stored_id(folder: Path) -> str:
    """The id in a run's file, as part of a file's name; the folder's name where it names none.

    A later version of the program may hash more fields, so an id that is computed again may be another.
    """
    try:
        content = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        content = None
    found = content.get("id") if isinstance(content, dict) else None
    return slug(found if isinstance(found, str) else folder.name)


def input_hash(folder: Path) -> str:
    """SHA-256 over what a run's figures come from: `run.json` and the records."""
    digest = hashlib.sha256()
    for name in (RUN_FILE, RECORDS):
        path = folder / name
        digest.update(f"{name}\0{path.stat().st_size if path.is_file() else -1}\0".encode())
        if path.is_file():
            with path.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
    return digest.hexdigest()


def inputs_of(found: FoundResults) -> dict[str, str]:
    """The hash of every run and evolution that was found, by its place."""
    hashes = {place_of(folder, found.root): input_hash(folder) for folder in found.runs}
    for folder in found.evolutions:
        hashes[place_of(folder, found.root)] = hashlib.sha256((folder / REPORT).read_bytes()).hexdigest()
    return dict(sorted(hashes.items()))
