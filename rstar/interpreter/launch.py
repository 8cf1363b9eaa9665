"""Starting a zygote: a program of its own, executed with an empty environment and one open descriptor."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from rstar.interpreter.libraries import installed_libraries

_ENVIRONMENT = {
    # Sets and dictionaries of texts have the same order in every run.
    "PYTHONHASHSEED": "0",
    # One thread per linear algebra call: the parallelism is in the executions.
    "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "BLIS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1",
}  # fmt: skip

# Modules of ours are found below the two stand-ins; nothing else of the product is importable, and the packages' own
# __init__ files, which import the supervisor, are not executed. The first execution switches address randomisation off,
# which takes effect for the second one only. Libraries get no word of forks: they would draw new seeds, and reset locks
# that nobody can hold where only one thread ever forks; a tenth of a fork's time goes into that.
_BOOTSTRAP = """
import json, os, sys, types
os.register_at_fork = lambda **_: None
for name, path in json.loads(sys.argv[2]):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
from rstar.interpreter.kernel import keep_addresses
if sys.argv[1] == "first" and keep_addresses():
    os.execv(sys.executable, [*sys.orig_argv[:-3], "second", *sys.argv[2:]])
from rstar.interpreter.zygote import main
main(json.loads(sys.argv[3]))
"""


def start_zygote(settings: dict[str, Any]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a zygote; returns its outermost process and the socket to it. It ends when the socket closes."""
    ours, theirs = socket.socketpair()
    package = Path(__file__).resolve().parent
    stand_ins = [("rstar", str(package.parent)), ("rstar.interpreter", str(package))]
    libraries = installed_libraries()
    arguments = {
        **settings,
        "control": theirs.fileno(),
        "paths": libraries.paths,
        "modules": dict(libraries.modules),
        "readable": libraries.readable,
    }
    command = [os.path.realpath(sys.executable), "-P", "-s", "-S", "-B", "-c", _BOOTSTRAP, "first"]
    try:
        process = subprocess.Popen(
            [*command, json.dumps(stand_ins), json.dumps(arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=None if os.environ.get("RSTAR_INTERPRETER_DEBUG") else subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    finally:
        theirs.close()
    return process, ours
