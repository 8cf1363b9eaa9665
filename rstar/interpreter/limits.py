"""Resource limits that the kernel keeps for a process and that its descendants inherit.

Stops: using more memory than allowed, writing files, opening descriptors without end, core files, process and thread
bombs. Does not stop: wall time (the monitor does) and a program that sleeps.
"""

from __future__ import annotations

import math
import resource
import time
from pathlib import Path

OPEN_FILES = 64
"""Chosen, not tuned: importing a library needs about ten."""
PROCESSES = 1024
"""Processes and threads of the jail's own user; above what all live snapshots need. Chosen, not tuned."""
_STEP_BYTES = 64 << 20
STACK_BYTES = 64 << 20
"""Chosen, not tuned: eight times the usual, for honest recursion that passes through C code."""


def address_space_bytes() -> int:
    """Address space that this process has in use, rounded up so that every zygote's limits are equal. Needs /proc."""
    with Path("/proc/self/statm").open() as status:
        in_use = int(status.read().split()[0]) * resource.getpagesize()
    return -(-in_use // _STEP_BYTES) * _STEP_BYTES


def limit_jail(address_space: int, *, has_own_user: bool) -> None:
    """Set what all executions share; `address_space` is in bytes and counts what the zygote has mapped already."""
    lower(resource.RLIMIT_AS, address_space)
    lower(resource.RLIMIT_FSIZE, 0)
    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_NOFILE, OPEN_FILES)
    lower(resource.RLIMIT_MEMLOCK, 0)
    lower(resource.RLIMIT_MSGQUEUE, 0)
    if has_own_user:
        # Counted per user: with a shared user it would count processes that are not ours.
        lower(resource.RLIMIT_NPROC, PROCESSES)


def limit_processor(seconds: float, later: float) -> None:
    """End this process with SIGXCPU once it has used `seconds` more of processor time, rounded up, and one more.

    `later` are seconds that it may be granted in further calls; the kernel's hard limit counts them in.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = math.ceil(time.process_time() + seconds) + 1
    most = wanted + math.ceil(later) + 1 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_CPU, (min(wanted, most), most))


def prepare_zygote() -> None:
    """Allow a deep stack, and the monitor as many descriptors as it may have: each snapshot takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = STACK_BYTES if hard == resource.RLIM_INFINITY else min(STACK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def lower(kind: int, value: int) -> None:
    """Set both limits of `kind` to `value`, or to the hard limit where that is lower already."""
    _, hard = resource.getrlimit(kind)
    wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (wanted, wanted))
