"""What a run depends on beside its spec: the bytes of task and models, and the grader. Together they name it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.spec import BUILTIN, IMPORTED, NO_REWARD, RunSpec
from rstar.engines.server_address import is_address, parse_address
from tasks.answers import GRADER_VERSION
from tasks.types import InputError, Problem, Task

_PATHS = ("policy", "ppm", "orm")
"""Where a model lies is no part of a run's identity; what it holds is."""
_NOT_WEIGHTS = (".md", ".log", ".png", ".svg")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RunInputs:
    """Versions and SHA-256 hashes (64 hex digits) of everything that a result depends on."""

    task_version: str
    task_sha256: str
    """Of the task's data file."""
    policy_sha256: str
    ppm_sha256: str
    """Empty without a reward model."""
    grader_version: str
    orm_sha256: str = ""
    """Empty without an outcome reward model."""


def read_inputs(spec: RunSpec, task: Task) -> RunInputs:
    """The inputs as they are on this machine now. Raises InputError for a model that is not there."""
    if spec.engine == IMPORTED:
        raise InputError(
            "field 'engine': a run with the engine 'imported' holds another tool's replies, read by 'rstar import'; it "
            "cannot be run or resumed"
        )
    policy = model_fingerprint(spec.policy, "policy")
    ppm, orm = (
        "" if name == NO_REWARD else model_fingerprint(name, role)
        for name, role in ((spec.ppm, "ppm"), (spec.orm, "orm"))
    )
    return RunInputs(task.version, task.source.sha256, policy, ppm, GRADER_VERSION, orm)


def model_path(name: str, role: str) -> Path:
    """Where the model called `name` lies: a path, or `builtin` for the one that comes with the package.

    `role` is `policy`, `ppm` or `orm`. Raises InputError where nothing is there.
    """
    if name == BUILTIN:
        import rstar

        path = Path(rstar.__file__).parent / "models" / "tiny" / role
        if not path.is_dir():
            raise InputError(
                f"--{role} builtin: this installation has no models of its own ({path} is missing); install the "
                f"package again, or name a model's folder with --{role} PATH"
            )
        return path
    path = Path(name).expanduser()
    if not path.exists():
        raise InputError(f"--{role} {name}: does not exist; name the folder of a saved model, or 'builtin'")
    return path


def model_fingerprint(name: str, role: str) -> str:
    """64 hex digits of what answers: a folder's bytes, or a served model's name, which is all that a server states.

    Raises InputError for a folder that is not there, and for an address without a model.
    """
    if not is_address(name):
        return fingerprint(model_path(name, role))
    address = parse_address(name, role)
    if not address.model:
        raise InputError(f"--{role} {address.url}: names no model; write {address.url}#MODEL")
    stated = f"served\0{address.model}\0{'' if address.scale is None else address.scale:}"
    return hashlib.sha256(stated.encode()).hexdigest()


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a model folder's files (notes and logs left out)."""
    digest = hashlib.sha256()
    try:
        files = [path] if path.is_file() else sorted(_model_files(path))
        for file in files:
            if file != path:
                digest.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode())
            with file.open("rb") as stream:
                while block := stream.read(_BLOCK_BYTES):
                    digest.update(block)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    return digest.hexdigest()


def identity(spec: RunSpec, inputs: RunInputs) -> str:
    """The hash that tells runs apart, 64 hex digits: same spec and same inputs, same run."""
    return content_identity(spec.content(), asdict(inputs))


def content_identity(spec: Mapping[str, Any], inputs: Mapping[str, Any]) -> str:
    """`identity` of a run as `run.json` holds it, also where a later version of the program knows more fields."""
    content = {name: value for name, value in spec.items() if name not in _PATHS}
    known = {"spec": content, "inputs": list(inputs.values())}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def run_id(spec: RunSpec, inputs: RunInputs) -> str:
    """`<search>-<policy>-<first 8 digits of the identity>`, fit for a folder's name."""
    if is_address(spec.policy):
        model = parse_address(spec.policy, "policy").model
        return f"{slug(spec.solver)}-{slug(model)}-{identity(spec, inputs)[:8]}"
    path = Path(spec.policy).expanduser()
    model = spec.policy if spec.policy == BUILTIN else path.stem if path.is_file() else path.resolve().name
    return f"{slug(spec.solver)}-{slug(model)}-{identity(spec, inputs)[:8]}"


def slug(text: str) -> str:
    """`text` as part of a file's name: letters, digits, dots and hyphens, at most 60 of them."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")[:60] or "x"


def chosen_problems(task: Task, limit: int | None) -> list[Problem]:
    """The problems of a run, in the task's order: all, or `limit` of them spread evenly."""
    total = len(task.problems)
    if limit is None or limit >= total:
        return list(task.problems)
    return [task.problems[number * total // limit] for number in range(limit)]


def _model_files(folder: Path) -> list[Path]:
    return [
        file
        for file in folder.iterdir()
        if file.is_file() and not file.name.startswith(".") and file.suffix not in _NOT_WEIGHTS
    ]
