"""The folder of one synthesis: `synthesis.json`, shards, and what is not in a shard yet."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from rstar.synthesis.admission import PoolFacts
from rstar.synthesis.settings import SynthesisSpec
from rstar.synthesis.shards import check_shards, shards_in
from rstar.synthesis.spill import Spill
from tasks.types import InputError

MANIFEST = "synthesis.json"
Status = Literal["unfinished", "partial", "complete"]
"""Going on or killed; at the end, but an engine failed on some problems; everything is there."""
_SHARD = re.compile(r"trees-(\d{5})\.parquet")


class SynthesisFolder:
    """Where the shards of a spec lie. Raises InputError where the folder is in use or holds something else."""

    def __init__(self, path: Path, spec: SynthesisSpec) -> None:
        self.path = path
        self.spec = spec
        try:
            (path / "journals").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path}: cannot be made ({error.strerror}); name another folder with --out") from error
        self._refuse_others()

    @property
    def manifest(self) -> Path:
        """`synthesis.json`."""
        return self.path / MANIFEST

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other synthesis out of the folder for the block."""
        descriptor = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise InputError(f"{self.path}: is in use by another synthesis; wait for it, or stop it") from None
        finally:
            os.close(descriptor)

    def shard(self, number: int) -> Path:
        """Where shard `number` lies."""
        return self.path / f"trees-{number:05d}.parquet"

    def finished_shards(self) -> dict[int, Path]:
        """Number to path of the shards that are written. Raises InputError for a torn one or one of another spec."""
        paths = shards_in(self.path)
        infos = check_shards(paths) if paths else []
        for info in infos:
            if info.spec != self.spec.sha256:
                raise InputError(
                    f"{info.path}: was made with other settings ({info.spec[:12]}, these are "
                    f"{self.spec.sha256[:12]}); name another folder with --out"
                )
        return {int(_SHARD.fullmatch(path.name)[1]): path for path in paths}  # type: ignore[index]

    def is_complete(self) -> bool:
        """Whether nothing is left to do: every shard is there, of this spec and not torn."""
        known = self._read()
        if known.get("status") != "complete":
            return False
        num_problems: int = known["pool"]["num_problems"]
        return len(self.finished_shards()) == -(-num_problems // self.spec.shard_problems)

    def spill(self, number: int) -> Spill:
        """The finished problems of shard `number` while it is not written."""
        return Spill(self.path / f"trees-{number:05d}.partial.jsonl")

    def journal(self, place: int) -> Path:
        """The journal of the search of one problem, by its place in the pool."""
        return self.path / "journals" / f"{place:07d}.journal"

    def write(self, status: Status, facts: PoolFacts, **more: Any) -> None:
        """Write `synthesis.json`, whole or not at all."""
        content = {
            "format": "rstar-synthesis-1",
            "status": status,
            "spec_sha256": self.spec.sha256,
            "spec": self.spec.content(),
            "pool": {"sha256": facts.sha256, "num_problems": facts.num_problems, "left_out": facts.left_out},
        } | more
        temporary = self.manifest.with_suffix(".part")
        with temporary.open("w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.manifest)

    def hashes(self) -> dict[str, str]:
        """Name to SHA-256 of the shards."""
        found = {}
        for path in shards_in(self.path):
            with path.open("rb") as file:
                digest = sha256()
                while block := file.read(1 << 20):
                    digest.update(block)
            found[path.name] = digest.hexdigest()
        return found

    def _refuse_others(self) -> None:
        known = self._read()
        if known and known.get("spec_sha256") != self.spec.sha256:
            changed = _difference(known.get("spec", {}), self.spec.content())
            raise InputError(f"{self.path}: holds a synthesis with another {changed}; name another folder with --out")
        if not known and shards_in(self.path):
            raise InputError(f"{self.path}: holds shards but no {MANIFEST}; restore it, or name another folder")

    def _read(self) -> dict[str, Any]:
        return read_manifest(self.path) if self.manifest.exists() else {}


def read_manifest(folder: Path) -> dict[str, Any]:
    """The content of `synthesis.json`. Raises InputError where it is missing or damaged."""
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); name a folder that 'rstar synthesize' has filled"
        ) from error
    except ValueError as error:
        raise InputError(
            f"{path}: is damaged ({error}); restore it, or synthesize again into another folder"
        ) from error
    if not isinstance(content, dict) or content.get("format") != "rstar-synthesis-1":
        raise InputError(f"{path}: is no manifest of this version; synthesize again into another folder")
    return content


def _difference(first: dict[str, Any], second: dict[str, Any]) -> str:
    """The name of the first field in which two specs differ."""
    for name, value in json.loads(json.dumps(second)).items():
        other = first.get(name)
        if other != value:
            if isinstance(value, dict) and isinstance(other, dict):
                return f"{name}.{_difference(other, value)}"
            return str(name)
    return "format"
