"""Work in stages that can be interrupted: a stage that was finished with the same settings is not done again."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECORD = "stage.json"
"""Settings of a stage, and its facts once it is finished."""
Say = Callable[[str], Any]
"""Shows a line to whoever waits."""
Work = Callable[[Path], dict[str, Any]]
"""Does a stage in its folder; returns its facts, with a `line` that sums them up."""


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages in a folder."""

    out: Path
    common: dict[str, Any]
    """Settings that every stage depends on."""
    say: Say

    def stage(self, name: str, depends: dict[str, Any], work: Work) -> Path:
        """The folder of stage `name`, after `work`, unless that was finished with the same `depends` before.

        `depends` must hold everything that the result depends on, data by hash. A folder with other `depends` is
        emptied first; one with the same is handed to `work` as an interrupted run left it.
        """
        folder, told = self.out / name, json.loads(json.dumps(depends | self.common))
        known = _read(folder / RECORD)
        if known.get("settings") != told:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _write(folder / RECORD, {"settings": told})
        elif "facts" in known:
            self.say(f"{name}: done before, {known['facts']['line']}")
            return folder
        self.say(f"{name}: ...")
        start, cpu = time.monotonic(), time.process_time()
        facts = work(folder)
        facts |= {"seconds": time.monotonic() - start, "cpu_seconds": time.process_time() - cpu}
        _write(folder / RECORD, {"settings": told, "facts": facts})
        self.say(f"{name}: {facts['seconds']:.0f} s, {facts['cpu_seconds']:.0f} CPU-s, {facts['line']}")
        return folder


def _read(path: Path) -> dict[str, Any]:
    """The record in `path`; empty where there is none, or a torn one."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record


def _write(path: Path, record: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
