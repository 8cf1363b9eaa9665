"""The system call filter of the jail: an allow-list in classic BPF, with the arguments checked where it matters.

Stops: sockets, new programs, new processes, signals, tracing, mounts, opening for writing, changes of owner, mode or
limits of others, kernel keyrings, BPF, io_uring and every call that is not listed. Does not stop: reading what Landlock
or the mount namespace lets it see, using processor time and memory (limits do), system calls on our own descriptors.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from errno import EACCES, ENOSYS, EPERM

from rstar.interpreter.kernel import ARCHITECTURES, CLONE_SIBLING, machine, syscall

# (x86_64, aarch64) numbers; None where the architecture lacks the call. Same source as kernel.py.
_ALLOWED: dict[str, tuple[int, int | None]] = {
    # Reading and writing descriptors that are already open.
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "preadv": (295, 69),
    "lseek": (8, 62), "close": (3, 57), "close_range": (436, 436), "dup": (32, 23), "dup3": (292, 24),
    "pipe2": (293, 59), "eventfd2": (290, 19), "ppoll": (271, 73), "pselect6": (270, 72), "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21), "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441), "fadvise64": (221, 223),
    # Looking at files; Landlock and the mount namespace decide which.
    "fstat": (5, 80), "newfstatat": (262, 79), "statx": (332, 291), "faccessat": (269, 48), "faccessat2": (439, 439),
    "readlinkat": (267, 78), "getdents64": (217, 61), "statfs": (137, 43), "fstatfs": (138, 44), "getcwd": (79, 17),
    # State of this process alone.
    "chdir": (80, 49), "fchdir": (81, 50), "umask": (95, 166),
    "brk": (12, 214), "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226),
    "madvise": (28, 233), "futex": (202, 98), "futex_waitv": (449, 449), "set_robust_list": (273, 99),
    "get_robust_list": (274, 100), "rseq": (334, 293), "set_tid_address": (218, 96), "membarrier": (324, 283),
    "sigaltstack": (131, 132), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "rt_sigtimedwait": (128, 137), "rt_sigpending": (127, 136), "rt_sigsuspend": (130, 133),
    "restart_syscall": (219, 128), "setitimer": (38, 103), "getitimer": (36, 102),
    # Time, randomness, and what the machine and this process are.
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "gettimeofday": (96, 169), "times": (100, 153), "getrandom": (318, 278), "uname": (63, 160), "sysinfo": (99, 179),
    "getrusage": (98, 165), "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120), "sched_get_priority_max": (146, 125), "sched_get_priority_min": (147, 126),
    "getpriority": (140, 141), "getcpu": (309, 168), "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173),
    "getpgid": (121, 155), "getsid": (124, 156), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176),
    "getegid": (108, 177), "getresuid": (118, 148), "getresgid": (120, 150), "getgroups": (115, 158),
    "getrlimit": (97, 163), "wait4": (61, 260), "waitid": (247, 95), "exit": (60, 93), "exit_group": (231, 94),
    # Sockets that are already connected: the channel to the monitor, and pairs that the program made itself.
    "sendmsg": (46, 211), "recvmsg": (47, 212), "recvfrom": (45, 207), "shutdown": (48, 210), "getsockopt": (55, 209),
    "getsockname": (51, 204), "getpeername": (52, 205),
    # The older forms that only x86_64 has.
    "stat": (4, None), "lstat": (6, None), "access": (21, None), "readlink": (89, None), "dup2": (33, None),
    "pipe": (22, None), "poll": (7, None), "select": (23, None), "epoll_create": (213, None),
    "epoll_wait": (232, None), "alarm": (37, None), "pause": (34, None), "time": (201, None), "getpgrp": (111, None),
}  # fmt: skip

_CLONE, _CLONE3, _OPEN, _OPENAT, _OPENAT2 = (56, 220), (435, 435), (2, None), (257, 56), (437, 437)
_IOCTL, _FCNTL, _PRCTL, _PRLIMIT = (16, 29), (72, 25), (157, 167), (302, 261)
_SOCKETPAIR, _SENDTO, _SENDMSG, _SECCOMP = (53, 199), (44, 206), (46, 211), (317, 277)

_THREAD_FLAGS = 0x3D0F00
"""What pthread_create asks clone for: memory, files, handlers and thread group shared, thread-local storage set."""
_MAY_WRITE = 0x1 | 0x2 | 0x40 | 0x200 | 0x400 | 0x400000
"""O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_TMPFILE; the same on both architectures."""
_TERMINAL_QUERIES = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX."""
_DESCRIPTOR_COMMANDS = (0, 1, 2, 3, 4, 1030, 1032)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ; not F_SETOWN, which sends signals."""

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _KILL, _NOTIFY, _ERRNO = 0x7FFF0000, 0x80000000, 0x7FC00000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16

_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
Rule = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("rules", ctypes.c_void_p))


def _argument(index: int, *, upper: bool = False) -> Rule:
    """Load one half of an argument; both architectures are little-endian."""
    return (_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * index + (4 if upper else 0))


def _give(action: int) -> Rule:
    return (_RETURN, 0, 0, action)


def _fail(number: int) -> Rule:
    return _give(_ERRNO | number)


def _only_values(index: int, values: Sequence[int]) -> list[Rule]:
    """Allow where the argument is one of `values`, else EPERM."""
    rules = [_argument(index)]
    for value in values:
        rules += [(_EQUAL, 0, 1, value), _give(_ALLOW)]
    return [*rules, _fail(EPERM)]


def _only_reading(index: int) -> list[Rule]:
    return [_argument(index), (_ANY_BIT, 0, 1, _MAY_WRITE), _fail(EACCES), _give(_ALLOW)]


def _special(fork: int) -> list[tuple[tuple[int | None, int | None], list[Rule]]]:
    """The calls whose arguments decide, each with the rules that end in a verdict."""
    threads_or_asked = [
        _argument(0),
        (_EQUAL, 0, 1, CLONE_SIBLING),
        _give(fork),
        (_EQUAL, 0, 1, _THREAD_FLAGS),
        _give(_ALLOW),
        _fail(EPERM),
    ]
    nobody_named = [
        _argument(4),
        (_EQUAL, 1, 0, 0),
        _fail(EPERM),
        _argument(4, upper=True),
        (_EQUAL, 1, 0, 0),
        _fail(EPERM),
        _give(_ALLOW),
    ]
    # PR_SET_PDEATHSIG with SIGKILL, and PR_SET_NAME / PR_GET_NAME of a thread.
    own_death = [
        _argument(0),
        (_EQUAL, 4, 0, 15),
        (_EQUAL, 3, 0, 16),
        (_EQUAL, 0, 3, 1),
        _argument(1),
        (_EQUAL, 0, 1, 9),
        _give(_ALLOW),
        _fail(EPERM),
    ]
    return [
        (_CLONE, threads_or_asked),
        # ENOSYS makes the C library fall back to clone, whose flags a filter can read.
        (_CLONE3, [_fail(ENOSYS)]),
        (_OPENAT2, [_fail(ENOSYS)]),
        (_OPEN, _only_reading(1)),
        (_OPENAT, _only_reading(2)),
        (_IOCTL, _only_values(1, _TERMINAL_QUERIES)),
        (_FCNTL, _only_values(1, _DESCRIPTOR_COMMANDS)),
        (_PRCTL, own_death),
        (_PRLIMIT, _only_values(0, (0,))),
        (_SOCKETPAIR, _only_values(0, (1,))),
        (_SENDTO, nobody_named),
        # A further filter can only forbid more; without a listener of its own.
        (_SECCOMP, _only_values(1, (0,))),
    ]


def compile_filter(*, fork: int = _NOTIFY) -> bytes:
    """The filter as an array of `struct sock_filter`; `fork` is the verdict on the fork that may be approved."""
    name = machine()
    column = 0 if name == "x86_64" else 1
    rules: list[Rule] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, ARCHITECTURES[name]),
        _give(_KILL),
        (_LOAD, 0, 0, _NUMBER),
        # x86_64 has a second set of numbers (x32) that would pass by the first.
        (_AT_LEAST, 0, 1, 0x40000000),
        _give(_KILL),
    ]
    for pair in _ALLOWED.values():
        if (number := pair[column]) is not None:
            rules += [(_EQUAL, 0, 1, number), _give(_ALLOW)]
    for numbers, verdicts in _special(fork):
        if (number := numbers[column]) is not None:
            rules += [(_EQUAL, 0, len(verdicts), number), *verdicts]
    rules.append(_fail(EPERM))
    return _assemble(rules)


def _assemble(rules: Sequence[Rule]) -> bytes:
    return b"".join(struct.pack("HBBI", *rule) for rule in rules)


def install(*, supervised: bool) -> int:
    """Put the filter on this thread and all its descendants; returns the listener, or -1 where not `supervised`.

    Supervised, each fork of the approved kind waits for the holder of the listener. Sending a descriptor away stays
    possible until `forbid_passing`. Raises OSError where the kernel refuses.
    """
    result = _load(compile_filter(fork=_NOTIFY if supervised else _ALLOW), _NEW_LISTENER if supervised else 0)
    return result if supervised else -1


def forbid_passing() -> None:
    """Forbid sendmsg from here on: no descriptor leaves this process or its descendants."""
    number = _SENDMSG[0 if machine() == "x86_64" else 1]
    _load(_assemble([(_LOAD, 0, 0, _NUMBER), (_EQUAL, 0, 1, number), _fail(EPERM), _give(_ALLOW)]), 0)


def forbid_forking() -> None:
    """Forbid even the fork that `install` allows when nobody supervises it; threads stay possible."""
    number = _CLONE[0 if machine() == "x86_64" else 1]
    rules = [
        (_LOAD, 0, 0, _NUMBER),
        (_EQUAL, 0, 3, number),
        _argument(0),
        (_EQUAL, 1, 0, _THREAD_FLAGS),
        _fail(EPERM),
        _give(_ALLOW),
    ]
    _load(_assemble(rules), 0)


def _load(rules: bytes, flags: int) -> int:
    text = ctypes.create_string_buffer(rules, len(rules))
    program = _Program(len(rules) // 8, ctypes.addressof(text))
    return syscall("seccomp", _SET_MODE_FILTER, flags, ctypes.cast(ctypes.pointer(program), ctypes.c_void_p))
