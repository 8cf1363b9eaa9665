"""What the tests on a real vLLM share: marks, the package's own models, and looking for processes that are left."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

import rstar

MODELS = Path(rstar.__file__).parent / "models" / "tiny"
MARKS = [
    pytest.mark.vllm,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed; run these with 'make test-vllm'"),
    # vLLM and what it imports warn of their own future.
    pytest.mark.filterwarnings("default"),
]
KV_BYTES = 4 << 20
"""Keys and values of 2,048 tokens of the package's policy."""


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children(pid: int) -> dict[int, str]:
    """Process id to command of the children of a process."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, ValueError):
            continue
    return found


def own_children() -> set[int]:
    """Processes of this one, without Python's own that counts shared memory: it starts once and stays to the end."""
    return {pid for pid, command in children(os.getpid()).items() if "resource_tracker" not in command}
