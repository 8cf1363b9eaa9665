"""The same probes where the interpreter is run by an ordinary user: nothing is damaged.

Once with what the machine grants an ordinary user, once where namespaces are refused, as in most containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
NOBODY = "65534"
# Makes the Python below a home that others may not enter reachable, in a mount namespace of our own.
_REACHABLE = f"""
set -e
mount --make-rprivate /
mkdir -p "$2"; mount --bind "$1" "$2"
mount -t tmpfs -o mode=755 tmpfs "$3"
mkdir -p "$1"; mount --bind "$2" "$1"
shift 3
exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --no-new-privs "$@"
"""


def _as_nobody(command: list[str], tmp_path: Path) -> list[str]:
    base = Path(sys.base_prefix).resolve()
    closed = [folder for folder in base.parents if not folder.stat().st_mode & 0o001]
    if not closed:
        return ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--no-new-privs", *command]
    places = [str(base), str(tmp_path / "python"), str(closed[-1])]
    return ["unshare", "--mount", "sh", "-c", _REACHABLE, "sh", *places, *command]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="not root: test_probes.py has just run as an ordinary user")
@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv (util-linux) to become an ordinary user")
@pytest.mark.parametrize(
    "refused", [[], [sys.executable, str(_HERE / "without_namespaces.py")]], ids=["plain", "in a container"]
)
def test_the_probes_are_contained_for_an_ordinary_user(refused: list[str], tmp_path: Path) -> None:
    command = _as_nobody([*refused, sys.executable, str(_HERE / "examine.py")], tmp_path)
    environment = {**os.environ, "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/", check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    answer = json.loads(run.stdout.splitlines()[-1])
    assert answer["damage"] == {}, answer["missing"]
