"""What this machine has, as far as it can be read without loading anything heavy: cores, memory, GPUs, disk, caches."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_GPU_SECONDS = 10.0
"""After which a driver that does not answer is given up; chosen, not tuned."""
_GPU_FIELDS = ("name", "memory.total", "memory.free", "driver_version")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One NVIDIA GPU, as its driver describes it."""

    name: str
    memory_mib: int
    free_mib: int
    driver: str


@dataclass(frozen=True, slots=True)
class Machine:
    """The hardware that a run would have."""

    python: str
    system: str
    """`linux x86_64`."""
    cores: int
    """Those that this process may use."""
    memory_bytes: int | None
    """Of the machine, or of the container where that has a lower limit; None: not known."""
    free_memory_bytes: int | None
    gpus: tuple[Gpu, ...]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that a run reads or writes, and the room on its disk."""

    purpose: str
    path: str
    set_by: str
    """The environment variable that moves it; empty: none."""
    exists: bool
    used_bytes: int
    """Of all files below it; links are not followed, so nothing counts twice."""
    free_bytes: int
    """On the disk that it is on, or would be on."""


def machine() -> Machine:
    """What this process can use here."""
    memory = _memory("MemTotal")
    limit = _container_limit()
    return Machine(
        python=platform.python_version(),
        system=f"{sys.platform} {platform.machine()}",
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=min(memory, limit) if memory and limit else memory,
        free_memory_bytes=_memory("MemAvailable"),
        gpus=gpus(),
    )


def gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs that `nvidia-smi` lists; none where it is missing or does not answer."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, f"--query-gpu={','.join(_GPU_FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GPU_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(found for line in done.stdout.splitlines() if (found := _gpu(line)))


def folders(results: Path = Path("results")) -> list[Folder]:
    """Where results go, and the caches of benchmark files and models."""
    from tasks.sources import cache_dir

    local = os.environ.get("RSTAR_DATA_DIR")
    found = [_folder("results", results, "")]
    if local:
        found.append(_folder("data", Path(local), "RSTAR_DATA_DIR"))
    found.append(_folder("downloads", cache_dir(), "RSTAR_CACHE_DIR"))
    found.append(_folder("models", _model_cache(), "HF_HOME"))
    return found


def _model_cache() -> Path:
    """Where Hugging Face's libraries keep models (docs of huggingface_hub, environment variables)."""
    if "HF_HUB_CACHE" in os.environ:
        return Path(os.environ["HF_HUB_CACHE"])
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"))
    return Path(os.environ.get("HF_HOME", cache / "huggingface")) / "hub"


def _gpu(line: str) -> Gpu | None:
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != len(_GPU_FIELDS) or not (parts[1].isdigit() and parts[2].isdigit()):
        return None
    return Gpu(parts[0], int(parts[1]), int(parts[2]), parts[3])


def _folder(purpose: str, path: Path, variable: str) -> Folder:
    path = path.expanduser().absolute()
    standing = next(each for each in (path, *path.parents) if each.exists())
    used = sum(_size(Path(root) / name) for root, _, names in os.walk(path) for name in names)
    return Folder(purpose, str(path), variable, path.is_dir(), used, shutil.disk_usage(standing).free)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        # Gone since its name was read.
        return 0


def _memory(name: str) -> int | None:
    """A line of /proc/meminfo, in bytes; None where there is no such file."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))
    except (OSError, StopIteration):
        return None


def _container_limit() -> int | None:
    """The memory limit of this process's control group (version 2); None where there is none."""
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
