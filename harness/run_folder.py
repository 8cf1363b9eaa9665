"""The folder of one run: `<out>/<task>/<run id>/` with `run.json`, `problems.jsonl` and `journals/`."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

from harness.atomic_file import atomic_text
from harness.records import FORMAT
from harness.run_inputs import RunInputs, content_identity, identity, run_id
from harness.spec import RunSpec
from harness.spec_fields import make_spec
from tasks.types import InputError, Task

RUN_FILE, RECORDS, JOURNALS = "run.json", "problems.jsonl", "journals"
EVOLUTION_FILE = "evolution.json"
"""Marks the folder of an evolution, whose runs are its own business."""
_NAME_BYTES = 200
"""Of a journal's name; file systems allow 255, and endings come on top."""

Status = Literal["unfinished", "interrupted", "partial", "complete"]
"""Going on or killed; stopped by Ctrl-C; at the end, but an engine failed on some problems; everything is there."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What `run.json` says: what was asked, of which versions, and where and when it was done."""

    spec: RunSpec
    inputs: RunInputs
    task_name: str
    num_task_problems: int
    """Of the whole task."""
    num_problems: int
    """Of this run: fewer only with a limit. With the number of seeds this is the denominator of every figure."""
    status: Status = "unfinished"
    sessions: tuple[dict[str, Any], ...] = field(default=())
    """One for each start or resume, oldest first: `harness.provenance`, and the seconds that it took."""

    @property
    def id(self) -> str:
        """Fixed by spec and inputs, before any work."""
        return run_id(self.spec, self.inputs)

    @property
    def identity(self) -> str:
        """The whole hash of spec and inputs."""
        return identity(self.spec, self.inputs)

    @property
    def num_records(self) -> int:
        """Records of a complete run."""
        return self.num_problems * len(self.spec.seeds)

    def folder(self, out: Path) -> Path:
        """Where this run lies below the results folder `out`."""
        return out / self.task_name / self.id

    def content(self) -> dict[str, Any]:
        """The content of `run.json`; the order of the fields is part of the format."""
        return {
            "format": FORMAT,
            "id": self.id,
            "status": self.status,
            "identity": self.identity,
            "task": self.task_name,
            "num_task_problems": self.num_task_problems,
            "num_problems": self.num_problems,
            "spec": self.spec.content(),
            "inputs": asdict(self.inputs),
            "sessions": list(self.sessions),
        }

    def write(self, folder: Path) -> None:
        """Write `run.json`, whole or not at all."""
        with atomic_text(folder / RUN_FILE) as file:
            file.write(json.dumps(self.content(), indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `run.json` in `folder` says. Raises InputError where it is missing, damaged or of another format.

        A field that it lacks is younger than the run and has its default, which must be what was done before the field
        was there; a change for which no default can do that raises `FORMAT`.
        """
        path = folder / RUN_FILE
        content = _read_json(path)
        if content.get("format") != FORMAT:
            raise InputError(f"{path}: has the format {content.get('format')!r}, not {FORMAT}; use its own version")
        try:
            found = cls(
                make_spec(content["spec"]),
                RunInputs(**content["inputs"]),
                content["task"],
                content["num_task_problems"],
                content["num_problems"],
                content["status"],
                tuple(content["sessions"]),
            )
        except InputError as error:
            raise InputError(f"{path}: spec: {error}") from error
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: is damaged ({error}); restore the file, or start the run again") from error
        if content_identity(content["spec"], content["inputs"]) != content.get("identity"):
            raise InputError(
                f"{path}: its spec or inputs were changed after the run began; restore the file, or start a run with "
                "the spec that you want"
            )
        return found


def planned(spec: RunSpec, inputs: RunInputs, task: Task, num_problems: int) -> RunRecord:
    """The record of a run that has not begun."""
    return RunRecord(spec, inputs, task.name, len(task.problems), num_problems)


def begin(folder: Path, plan: RunRecord) -> RunRecord:
    """The record in `folder` where this run has begun before, else `plan`, with which it begins now.

    Raises InputError where the folder holds another run, or something else, or cannot be made.
    """
    if (folder / RUN_FILE).exists():
        found = RunRecord.read(folder)
        if found.identity != plan.identity:
            raise InputError(f"{folder}: holds a run with another spec; name another results folder with --out")
        return found
    if folder.is_dir() and any(not file.name.startswith(".") for file in folder.iterdir()):
        raise InputError(f"{folder}: holds files but no {RUN_FILE}; restore it, or name another folder with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); name another folder with --out") from error
    plan.write(folder)
    return plan


def discard(folder: Path) -> None:
    """Take back what `begin` made, as long as nothing else is there."""
    (folder / RECORDS).unlink(missing_ok=True)
    (folder / RUN_FILE).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()


def find_run(name: str, out: Path) -> Path:
    """The folder of the run called `name`: its path, the path of its `run.json`, or its id below `out`.

    Raises InputError where there is none, or more than one.
    """
    path = Path(name).expanduser()
    if path.name == RUN_FILE:
        path = path.parent
    if (path / RUN_FILE).is_file():
        return path
    found = sorted(out.glob(f"*/{name}/{RUN_FILE}")) if "/" not in name and name not in ("", ".", "..") else []
    if len(found) == 1:
        return found[0].parent
    if found:
        raise InputError(f"{name}: {len(found)} runs below {out} are called so; give the folder of the one you mean")
    raise InputError(f"{name}: is no run; give a folder with a {RUN_FILE}, or the id of a run below {out}")


def journal_path(folder: Path, problem_id: str, seed: int) -> Path:
    """Where the journal of one problem and seed lies."""
    name = quote(problem_id, safe="", errors="surrogatepass")
    if len(name) > _NAME_BYTES:
        digest = blake2b(problem_id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        name = f"{name[: _NAME_BYTES - 33]}-{digest}"
    return folder / JOURNALS / f"{name}.seed{seed}.journal"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name the folder of a run") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is damaged ({error}); restore the file, or start the run again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: is damaged (no JSON object); restore the file, or start the run again")
    return content
