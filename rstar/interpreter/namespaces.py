"""Linux namespaces: no network, own process ids, own shared memory, and a root with our libraries only.

Entered once per zygote, not per execution. Root may always; an ordinary user where the kernel grants user namespaces.
Each function says what it could not do instead of raising: the caller decides whether that is acceptable.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rstar.interpreter.kernel import detach_mount, mount, syscall, unshare

Outcome = dict[str, str]
"""Name of a layer → "" where it is active, else why it is not."""

_NEW_USER = 0x10000000
_FLAGS = {
    "network namespace": 0x40000000,
    "ipc namespace": 0x08000000 | 0x04000000,  # with the host name
    "process namespace": 0x20000000,
    "private root": 0x00020000,
}
_BIND, _RECURSIVE, _PRIVATE, _REMOUNT = 4096, 16384, 1 << 18, 32
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _NO_PROGRAMS = 1, 2, 4, 8


def enter() -> Outcome:
    """Enter every namespace that this machine grants. Children of the caller are in the new process namespace."""
    user, group = os.geteuid(), os.getegid()
    refusal = ""
    if not _is_administrator():
        try:
            unshare(_NEW_USER)
            _map_identity(user, group)
        except OSError as error:
            refusal = f"user namespaces are refused ({error.strerror})"
    outcome: Outcome = {}
    for name, flags in _FLAGS.items():
        try:
            unshare(flags)
            outcome[name] = ""
        except OSError as error:
            outcome[name] = refusal or f"unshare: {error.strerror}"
    if not outcome["private root"]:
        try:
            mount("none", "/", None, _RECURSIVE | _PRIVATE)
        except OSError as error:
            outcome["private root"] = f"mount: {error.strerror}"
    return outcome


def _is_administrator() -> bool:
    """Whether this process holds CAP_SYS_ADMIN, which creates namespaces without a user namespace."""
    with Path("/proc/self/status").open() as status:
        effective = next((line for line in status if line.startswith("CapEff:")), "CapEff: 0")
    return bool(int(effective.split()[1], 16) >> 21 & 1)


def _map_identity(user: int, group: int) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path(f"/proc/self/{name}").write_text(text)


def unshare_files() -> None:
    """Take a mount namespace for this process and its future children."""
    unshare(_FLAGS["private root"])
    mount("none", "/", None, _RECURSIVE | _PRIVATE)


def enter_private_root(readable: Sequence[str]) -> str:
    """Make `readable` the whole file system, read-only, without /proc. Needs a mount namespace of our own.

    Returns "" or the reason why not.
    """
    try:
        _build(readable)
    except OSError as error:
        return str(error.strerror or error)
    return ""


def _build(readable: Sequence[str]) -> None:
    os.umask(0o22)
    root = "/tmp" if Path("/tmp").is_dir() else "/mnt"  # noqa: S108 - only hidden below our own mount, in our own view
    with contextlib.ExitStack() as stack:
        # Opened first: a library below /tmp disappears under the new mount.
        sources = [(path, stack.enter_context(_opened(path))) for path in _outermost(readable)]
        mount("tmpfs", root, "tmpfs", _NO_SETUID | _NO_DEVICES, "size=1m,mode=755")
        for path, source in sources:
            target = root + path
            _make_place(Path(target), is_folder=Path(f"/proc/self/fd/{source}").is_dir())
            mount(f"/proc/self/fd/{source}", target, None, _BIND | _RECURSIVE)
            mount("none", target, None, _BIND | _REMOUNT | _READ_ONLY | _NO_SETUID | _NO_DEVICES | _kept_flags(target))
    mount("none", root, None, _BIND | _REMOUNT | _READ_ONLY | _NO_SETUID | _NO_DEVICES)
    os.chdir(root)
    # The old root lands on top of the new one and is then taken away, so no directory is needed for it.
    here = os.fsencode(".")
    _pivot(here)
    detach_mount(".")
    os.chdir("/")


def _make_place(target: Path, *, is_folder: bool) -> None:
    """What a mount covers: an empty folder or file."""
    folder = target if is_folder else target.parent
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not is_folder:
        target.touch()


def _pivot(here: bytes) -> None:
    path = ctypes.create_string_buffer(here)
    address = ctypes.cast(path, ctypes.c_void_p)
    syscall("pivot_root", address, address)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _outermost(paths: Sequence[str]) -> list[str]:
    """`paths` without those below another one."""
    kept: list[str] = []
    for path in sorted({os.path.realpath(path) for path in paths}):
        if not any(path.startswith(f"{outer}/") for outer in kept):
            kept.append(path)
    return kept


def _kept_flags(path: str) -> int:
    """Mount flags that an ordinary user's remount may not drop: noexec and the ones on access times."""
    flags = os.statvfs(path).f_flag
    return flags & (_NO_PROGRAMS | os.ST_NOATIME | os.ST_NODIRATIME | os.ST_RELATIME)
