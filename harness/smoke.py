"""The smoke tier of the gate: a small generated task, the models of the package, no GPU, against a stored run.

The stored run ships with the package (`harness/baselines/smoke`). The candidate is always run anew, into a folder of
its own: an earlier run of the same spec would be another version of the code.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from harness.run_folder import RECORDS, RUN_FILE
from harness.spec import RunSpec
from harness.spec_fields import make_spec
from tasks.types import InputError

BASELINE = Path(__file__).parent / "baselines" / "smoke"
TASK = "procedural-hard"
LIMIT = 192
"""Problems, half of the task. 189 are the least with which a candidate without any change rules out a loss of 2 points
(Tango's interval, z^2 / (n + z^2) < 2 %)."""
BUDGETS = (1, 2, 4)
"""Trajectories: enough for every rule to have something to choose from, and few enough for two minutes on two cores."""
TOLERANCE = 5.0
"""Points. With 192 problems an equal candidate is still seen to be equal if one in ten flips (Tango's interval)."""


def smoke_spec(given: dict[str, Any]) -> RunSpec:
    """The run of the smoke tier, with the fields of `given` that are not None in place of its own."""
    fields = {"task": TASK, "limit": LIMIT, "preset": "tiny", "budgets": list(BUDGETS)}
    return make_spec(fields | {name: value for name, value in given.items() if value is not None})


def fresh_folder(out: Path | None) -> Path:
    """A results folder without runs: `out`, or a new temporary one. Raises InputError where `out` holds runs."""
    if out is None:
        return Path(tempfile.mkdtemp(prefix="rstar-smoke-"))
    if any(out.glob(f"*/*/{RUN_FILE}")):
        raise InputError(f"--out {out}: holds runs; the smoke tier runs anew, so name an empty folder, or leave it out")
    return out


def baseline_folder(given: Path | None) -> Path:
    """The stored run to compare with. Raises InputError where there is none."""
    if given is not None:
        return given
    if not (BASELINE / RUN_FILE).is_file():
        raise InputError(
            f"--smoke: {BASELINE} is missing; make a baseline with 'rstar gate --smoke --store FOLDER' and name it "
            "with --baseline FOLDER"
        )
    return BASELINE


def store(run: Path, target: Path) -> None:
    """Copy what a comparison needs of the run in `run` to `target`: its run.json and its records.

    Raises InputError where `target` holds something else than a run, or cannot be written.
    """
    if target.exists() and not (target / RUN_FILE).is_file() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"--store {target}: holds something else than a run; name a new folder, or an old baseline")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in (RECORDS, RUN_FILE):
            shutil.copyfile(run / name, target / name)
    except OSError as error:
        raise InputError(f"--store {target}: cannot be written ({error.strerror}); name another folder") from error
