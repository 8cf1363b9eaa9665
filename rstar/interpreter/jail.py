"""The jail of one worker: every layer that a process can put on itself, entered once, inherited by each execution."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass

from rstar.interpreter import landlock, seccomp
from rstar.interpreter.kernel import (
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    die_with_parent,
    drop_capabilities,
    machine,
    prctl,
)
from rstar.interpreter.limits import limit_jail
from rstar.interpreter.namespaces import Outcome


@dataclass(frozen=True, slots=True)
class JailSettings:
    """What a jail is built from."""

    readable: tuple[str, ...]
    """Files and folders that stay readable."""
    address_space: int
    """Bytes that an execution may have mapped, the zygote's own included."""
    user: int | None
    """User id to become; None to stay who we are."""


def enter_jail(settings: JailSettings, keep: Sequence[int]) -> tuple[Outcome, int]:
    """Enter the jail with `keep` as the only descriptors above 2. Returns what is active and the fork listener or -1.

    Never raises for a layer that the machine lacks: the outcome holds the reason, and the supervisor decides.
    """
    outcome: Outcome = {}
    _close_others(keep)
    with _noting(outcome, "limits"):
        limit_jail(settings.address_space, has_own_user=settings.user is not None)
    with _noting(outcome, "own user"):
        _become(settings.user)
    with _noting(outcome, "no privileges"):
        drop_capabilities()
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        prctl(PR_SET_DUMPABLE, 0)
    with _noting(outcome, "death signal"):
        # Last of the identity changes, because those clear it.
        die_with_parent()
    with _noting(outcome, "landlock"):
        landlock.restrict(settings.readable)
    return outcome, _filter(outcome)


def _filter(outcome: Outcome) -> int:
    """Install the system call filter, supervised where the kernel can; returns the listener or -1."""
    outcome["system call filter"] = outcome["supervised fork"] = ""
    if not machine():
        outcome["system call filter"] = "only x86_64 and aarch64 are known"
        return -1
    try:
        return seccomp.install(supervised=True)
    except OSError as error:
        outcome["supervised fork"] = f"seccomp listener: {error.strerror}"
    try:
        return seccomp.install(supervised=False)
    except OSError as error:
        outcome["system call filter"] = f"seccomp: {error.strerror}"
        return -1


@contextlib.contextmanager
def _noting(outcome: Outcome, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    outcome[name] = ""
    try:
        yield
    except (OSError, ValueError) as error:
        outcome[name] = str(error)


def _become(user: int | None) -> None:
    if user is None:
        raise OSError(
            "only root can take another user id" if os.geteuid() else "the libraries are not readable to others"
        )
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _close_others(keep: Sequence[int]) -> None:
    low = 3
    for descriptor in [*sorted(keep), resource.getrlimit(resource.RLIMIT_NOFILE)[0]]:
        os.closerange(low, descriptor)
        low = descriptor + 1
