"""The sessions of a run's file, checked before a page or a verdict is made of them: nothing else checks them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.run_folder import RUN_FILE, RunRecord
from tasks.types import InputError

_FIELDS: dict[str, tuple[type, ...]] = {
    "started": (str,),
    "seconds": (int, float, type(None)),
    "commit": (str, type(None)),
    "is_dirty": (bool, type(None)),
    "device": (str,),
}
"""What every session says, see `harness.provenance`; `imported` is there where another tool made the replies."""


def read_run(folder: Path) -> RunRecord:
    """The run in `folder`. Raises InputError as `RunRecord.read` does, and for sessions that say nothing readable."""
    record = RunRecord.read(folder)
    for number, session in enumerate(record.sessions, 1):
        wrong = _wrong(session)
        if wrong:
            raise InputError(
                f"{folder / RUN_FILE}: session {number}: field {wrong!r} is missing or damaged; restore it"
            )
    return record


def _wrong(session: Any) -> str:
    """The first field that is not what it must be; empty where all are."""
    if not isinstance(session, dict):
        return "started"
    for name, kinds in _FIELDS.items():
        if name not in session or not isinstance(session[name], kinds):
            return name
    return "imported" if not isinstance(session.get("imported", {}), dict) else ""
