"""Landlock: this process and its descendants may read what is named here and nothing else in the file system.

Stops: opening, listing, creating, renaming and removing any other file; TCP bind and connect (Linux 6.7); signals and
abstract sockets to processes outside (Linux 6.12). Does not stop: stat of a known path, chmod, UDP (the system call
filter and the mount namespace do), and what was open before.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

from rstar.interpreter.kernel import syscall

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 5: 0xFFFF}
"""All rights that a version of the interface knows (linux/landlock.h); a version between two has the lower one's."""
_NET_RIGHTS = 0x3
_SCOPES = 0x3


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The kernel's Landlock interface version, from 1. Raises OSError where there is none."""
    return syscall("landlock_create_ruleset", None, 0, 1)


def _address(value: ctypes.Structure) -> ctypes.c_void_p:
    return ctypes.cast(ctypes.pointer(value), ctypes.c_void_p)


def restrict(readable: Sequence[str]) -> None:
    """Allow reading below `readable` only, for good. Needs NO_NEW_PRIVS. Raises OSError where the kernel refuses."""
    known = version()
    rights = _FILE_RIGHTS[max(step for step in _FILE_RIGHTS if step <= known)]
    rules = _Ruleset(rights, _NET_RIGHTS if known >= 4 else 0, _SCOPES if known >= 6 else 0)
    # Older kernels take the shorter structure only.
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = syscall("landlock_create_ruleset", _address(rules), size, 0)
    try:
        for path in readable:
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = _Beneath((_READ_FILE | _READ_DIR) if Path(path).is_dir() else _READ_FILE, parent)
                syscall("landlock_add_rule", ruleset, 1, _address(rule), 0)
            finally:
                os.close(parent)
        syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)
