"""Runs the blocks of a page in a folder that has what the repository has, and in which nothing of it can be changed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from doc_blocks import ROOT, Block, simple_commands

COPIED = ("docs/examples", "docs/images", "results", "harness/baselines", "README.md", "Makefile")
LINKED = ("tests", "rstar", "tasks", "leaderboard")
SECONDS = 900
"""For one block of the slow ones; chosen, not tuned."""
_DATA = ROOT.parent / "shared" / "data"


def workplace(folder: Path) -> Path:
    """`folder`, with copies of what commands may write to and links to what they only read."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("journals"))
        elif source.is_file():
            shutil.copy(source, target)
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """The environment of a newcomer: the virtual environment on PATH, a cache of its own, no network for models."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RSTAR_", "GITHUB_", "PYTEST"))}
    own = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RSTAR_CACHE_DIR": str(folder / ".cache"),
        "HF_HUB_OFFLINE": "1",
    }
    if "RSTAR_DATA_DIR" in os.environ:
        own["RSTAR_DATA_DIR"] = os.environ["RSTAR_DATA_DIR"]
    return kept | own


def run_in_shell(block: Block, folder: Path) -> str | None:
    """What went wrong with a block in a shell of its own, or None."""
    shell = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", f"{block.marker.setup}\n{block.script}"],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        said, _ = shell.communicate(timeout=SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)  # a server that the block has started too
    if shell.returncode == block.marker.exit_code:
        return None
    tail = "\n".join(said.splitlines()[-12:])
    return f"{block.name}: left with {shell.returncode}, not {block.marker.exit_code}:\n{block.script}\n{tail}"


def run_in_process(block: Block) -> str | None:
    """The same for a block of `rstar` commands alone, in this process and its working folder: no start to pay for."""
    from harness.cli import main

    for words in simple_commands(block.script):
        assert words[0] == "rstar", f"{block.name}: {words[0]} cannot run in the fast suite; mark the block slow"
        try:
            main([name for word in words[1:] for name in _expanded(word)])
        except SystemExit as left:
            if left.code not in (0, None, block.marker.exit_code):
                return f"{block.name}: {' '.join(words)}: left with {left.code}"
    return None


def _expanded(word: str) -> list[str]:
    """The files that a pattern fits, as bash would have it; any other word as it is."""
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]
