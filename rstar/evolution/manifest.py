"""What came from what, hashed: `manifest.json` of an evolution, a function of its finished stages and of no clock."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from rstar.evolution.settings import EvolutionSettings
from rstar.training.stages import RECORD
from tasks.types import InputError

FORMAT = "rstar-evolution-1"
MANIFEST = "manifest.json"
_KEPT = ("weights_sha256", "data", "files", "shards", "starts_from", "starts_from_sha256", "coverage", "left_out")
"""Facts of a stage that are the same on a second run; times are not."""


def manifest(out: Path, settings: EvolutionSettings) -> dict[str, Any]:
    """Settings, and per finished stage its hashes; `sha256` is that of all the rest."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "name": settings.name,
        "settings_sha256": settings.sha256,
        "settings": settings.content(),
        "stages": stages_in(out),
    }
    return content | {"sha256": sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()}


def write_manifest(out: Path, settings: EvolutionSettings) -> dict[str, Any]:
    """Write `manifest.json` in `out`, whole or not at all, and return it."""
    found = manifest(out, settings)
    temporary = out / f".{MANIFEST}.part"
    temporary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    temporary.replace(out / MANIFEST)
    return found


def read_manifest(out: Path) -> dict[str, Any]:
    """The manifest in `out`. Raises InputError where there is none of this format, or a changed one."""
    path = out / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name the folder of an evolution") from error
    except ValueError as error:
        raise InputError(f"{path}: is damaged ({error}); run the evolution again, its stages are kept") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: is no manifest of the format {FORMAT}; use the version that wrote it")
    body = {name: value for name, value in content.items() if name != "sha256"}
    if sha256(json.dumps(body, sort_keys=True).encode()).hexdigest() != content.get("sha256"):
        raise InputError(f"{path}: was changed by hand; run the evolution again, its stages are kept")
    return content


def stages_in(out: Path) -> dict[str, dict[str, Any]]:
    """Name to the hashes of every finished stage, by name."""
    found = {}
    for path in sorted(out.glob(f"*/{RECORD}")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if "facts" in record:
            facts = record["facts"]
            found[path.parent.name] = {name: facts[name] for name in _KEPT if name in facts}
    return found
