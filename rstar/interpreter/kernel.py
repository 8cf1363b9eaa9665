"""Kernel calls that Python's standard library does not wrap, through ctypes; Linux on x86_64 and aarch64.

Everything here raises OSError with the kernel's reason, so a layer that is missing can say why.
"""

from __future__ import annotations

import ctypes
import os
import sys

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""The architectures whose system call numbers we know, with their AUDIT_ARCH value (linux/audit.h)."""

# Numbers from asm/unistd_64.h (x86_64) and asm-generic/unistd.h (aarch64), Linux 6.1; they never change.
_CALLS = {
    "clone": (56, 220),
    "pivot_root": (155, 41),
    "seccomp": (317, 277),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_SET_CHILD_SUBREAPER = 36
ADDR_NO_RANDOMIZE = 0x0040000
_SIGCHLD = 17
_CLONE_PARENT = 0x8000
CLONE_SIBLING = _CLONE_PARENT | _SIGCHLD
"""Flags of the one kind of fork that the system call filter lets the monitor approve."""


def machine() -> str:
    """The architecture's name, or "" where the sandbox does not know it."""
    if sys.platform != "linux":
        return ""
    name = os.uname().machine
    return name if name in ARCHITECTURES else ""


def _load() -> ctypes.PyDLL:
    # PyDLL keeps the interpreter lock during a call, so that no other thread of ours runs between the two halves of a
    # fork; every call made through it is short.
    library = ctypes.PyDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


_LIBC = _load()


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(name: str, *arguments: int | ctypes.c_void_p | None) -> int:
    """The result of system call `name`; arguments are integers and addresses."""
    number = _CALLS[name][0 if machine() == "x86_64" else 1]
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _checked(_LIBC.syscall(ctypes.c_long(number), *wide))


def prctl(option: int, value: int = 0) -> None:
    """prctl(2) with one argument."""
    zero = ctypes.c_ulong(0)
    _checked(_LIBC.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero))


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends."""
    prctl(PR_SET_PDEATHSIG, 9)


def unshare(flags: int) -> None:
    """unshare(2)."""
    _checked(_LIBC.unshare(ctypes.c_int(flags)))


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """mount(2)."""
    encode = [None if text is None else os.fsencode(text) for text in (source, target, kind, options)]
    _checked(_LIBC.mount(encode[0], encode[1], encode[2], ctypes.c_ulong(flags), encode[3]))


def detach_mount(target: str) -> None:
    """Take a file system out of the tree, while descriptors into it go on working (umount2 with MNT_DETACH)."""
    _checked(_LIBC.umount2(os.fsencode(target), ctypes.c_int(2)))


def keep_addresses() -> bool:
    """Switch address randomisation off for the program that this process executes next; False where forbidden.

    Sets of objects that hash by address then have the same order in every run.
    """
    current = int(_LIBC.personality(ctypes.c_ulong(0xFFFFFFFF)))
    return current >= 0 and _LIBC.personality(ctypes.c_ulong(current | ADDR_NO_RANDOMIZE)) >= 0


def drop_capabilities() -> None:
    """Give up every capability of this process, for good, its descendants included."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            # Past the last capability that this kernel knows, or an ordinary user, who has none to give up.
            break
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    _checked(_LIBC.capset(header, (ctypes.c_uint32 * 6)()))


class SiblingFork:
    """Forks so that the new process has our parent as its parent: one process then waits for the whole family."""

    def __init__(self) -> None:
        # Bound once, before any program runs: a program that replaces these names changes its own world only.
        number = ctypes.c_long(_CALLS["clone"][0 if machine() == "x86_64" else 1])
        zero = ctypes.c_long(0)
        self._arguments = (number, ctypes.c_long(CLONE_SIBLING), zero, zero, zero, zero)
        self._syscall = _LIBC.syscall
        self._before = ctypes.pythonapi.PyOS_BeforeFork
        self._in_child = ctypes.pythonapi.PyOS_AfterFork_Child
        self._in_parent = ctypes.pythonapi.PyOS_AfterFork_Parent

    def __call__(self) -> int:
        """0 in the new process, its id in the old one, -1 where the fork was refused."""
        self._before()
        pid = int(self._syscall(*self._arguments))
        if pid == 0:
            self._in_child()
        else:
            self._in_parent()
        return pid


def advise(address: int, size: int, advice: int) -> None:
    """madvise(2)."""
    _checked(_LIBC.madvise(ctypes.c_void_p(address), ctypes.c_size_t(size), ctypes.c_int(advice)))
