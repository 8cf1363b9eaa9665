"""The processes behind the supervisor, from the outside in.

keeper    enters the namespaces and waits; where it dies, or the supervisor does, everything below dies
monitor   first process of its own process namespace; keeps clocks, hears reports, ends and reaps (monitor.py)
nursery   holds the imported libraries, one per set of libraries; forks workers, never runs a program
worker    a nursery's child inside the jail (jail.py); forks an execution per request (execution.py)

All of them but the executions run only our own code. Forks below the nursery make siblings, so the monitor is the
parent of every worker and execution.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from rstar.interpreter import chance, execution, namespaces, preload, seccomp, tame_runner
from rstar.interpreter.family import Worker, kill
from rstar.interpreter.jail import JailSettings, enter_jail
from rstar.interpreter.kernel import PR_SET_CHILD_SUBREAPER, SiblingFork, die_with_parent, mount, prctl
from rstar.interpreter.libraries import LibraryFinder
from rstar.interpreter.limits import address_space_bytes, prepare_zygote
from rstar.interpreter.monitor import Monitor, MonitorSettings
from rstar.interpreter.namespaces import Outcome
from rstar.interpreter.private_memory import PrivateMemory

_BUILD_SECONDS = 240.0
"""For a nursery to import its libraries on a cold disk, and for a worker to enter its jail; a second when nothing else
runs, two minutes were seen beside a training run of a higher priority. Where it fails its socket ends, at once."""
_WORKER = b"W"
_USERS = 1 << 30
"""Jails that root builds take user ids from here up, far above those that systems hand out. Chosen, not tuned."""


@dataclass(frozen=True, slots=True)
class ZygoteSettings:
    """What the supervisor sends as JSON."""

    control: int
    """Descriptor of the socket to the supervisor."""
    paths: tuple[str, ...]
    modules: dict[str, str]
    readable: tuple[str, ...]
    """What libraries.py says of each."""
    seconds: float
    memory_mb: int
    output_bytes: int
    display: str
    workers: int
    libraries: tuple[str, ...]
    """Which nurseries to run: `heavy`, `light`, or both."""


def main(arguments: dict[str, Any]) -> NoReturn:
    """The keeper, and through its forks everything else."""
    for name in ("paths", "readable", "libraries"):
        arguments[name] = tuple(arguments[name])
    settings = ZygoteSettings(**arguments)
    os.environ.clear()
    os.umask(0o77)
    die_with_parent()
    outcome = namespaces.enter()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prepare_zygote()
    if (pid := os.fork()) == 0:
        _guarded(lambda: _monitor(settings, outcome))
    os.close(settings.control)
    os.waitpid(pid, 0)
    _end_orphans()
    os._exit(0)


def _guarded(life: Any) -> NoReturn:
    """Run a process's life to its end; a failure of our own leaves with a code, and a line where someone reads it."""
    try:
        life()
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        if os.environ.get("RSTAR_DEBUG"):
            raise
    os._exit(execution.BROKEN)


def _end_orphans() -> None:
    """Kill what outlived the monitor and fell to us. In a process namespace of its own nothing can."""
    for _ in range(64):
        try:
            with Path(f"/proc/self/task/{os.getpid()}/children").open() as children:
                pids = [int(pid) for pid in children.read().split()]
        except OSError:
            return
        if not pids:
            return
        for pid in pids:
            kill(pid)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


# Monitor.


def _monitor(settings: ZygoteSettings, outcome: Outcome) -> NoReturn:
    die_with_parent()
    supervisor = socket.socket(fileno=settings.control)
    nurseries = {library: _start_nursery(settings, library, outcome) for library in settings.libraries}
    processes = _own_processes(outcome)
    for nursery in nurseries.values():
        outcome.update(_answer(nursery)[0])

    def start_worker(library: str) -> Worker:
        worker, entered = _start_worker(nurseries[library], library)
        outcome.update(entered)
        return worker

    own = MonitorSettings(settings.seconds, settings.output_bytes)
    monitor = Monitor(supervisor, own, start_worker, PrivateMemory(processes))
    for library in settings.libraries:
        for _ in range(settings.workers):
            monitor.add_worker(start_worker(library))
    for nursery in nurseries.values():
        monitor.require(nursery)
    monitor.serve(json.dumps(outcome).encode())


def _own_processes(outcome: Outcome) -> int:
    """A descriptor of the /proc that shows our process ids, or -1."""
    if outcome["process namespace"]:
        return os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if outcome["private root"]:
        # Only the outer /proc is visible, which counts other ids.
        return -1
    try:
        mount("proc", "/proc", "proc", 2 | 4 | 8)
    except OSError:
        return -1
    return os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def _answer(control: socket.socket) -> tuple[Outcome, list[int], int]:
    """The first message of a process that we started: what it entered, descriptors, and its process id."""
    control.settimeout(_BUILD_SECONDS)
    control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    data, extra, _, _ = control.recvmsg(1 << 16, 256)
    control.setblocking(False)
    if not data:
        raise RuntimeError("a process of the zygote ended while it started")
    pid, descriptors = 0, []
    for _, kind, content in extra:
        if kind == socket.SCM_RIGHTS:
            descriptors = [int.from_bytes(content[:4], sys.byteorder)]
        else:
            pid = int.from_bytes(content[:4], sys.byteorder)
    return json.loads(data), descriptors, pid


def _start_worker(nursery: socket.socket, library: str) -> tuple[Worker, Outcome]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    socket.send_fds(nursery, [_WORKER], [theirs.fileno()])
    theirs.close()
    outcome, descriptors, pid = _answer(ours)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)
    return Worker(pid, library, ours, descriptors[0] if descriptors else -1), outcome


# Nursery and worker.


def _start_nursery(settings: ZygoteSettings, library: str, outcome: Outcome) -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    if os.fork() == 0:
        ours.close()
        _guarded(lambda: _nursery(settings, library, theirs, dict(outcome)))
    theirs.close()
    return ours


def _nursery(settings: ZygoteSettings, library: str, control: socket.socket, outcome: Outcome) -> NoReturn:
    die_with_parent()
    os.close(settings.control)
    sys.path[:] = settings.paths
    sys.meta_path.insert(len(sys.meta_path) - 1, LibraryFinder(settings.modules))
    sys.argv[:], sys.orig_argv[:] = [""], []
    preload.import_all(preload.LIGHT + (preload.HEAVY if library == "heavy" else ()))
    preload.warm_up()
    chance.replace_entropy()
    preload.settle_memory()
    entered: Outcome = {}
    address_space = address_space_bytes() + (settings.memory_mb << 20)
    if not outcome["private root"]:
        entered["private root"] = _enter_private_root(settings)
    jail = JailSettings(settings.readable, address_space, _own_user(settings))
    life = _Worker(settings, jail, has_own_processes=not outcome["process namespace"])
    _hide_our_modules()
    gc.freeze()
    fork = SiblingFork()
    control.send(json.dumps(entered).encode())
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 16, 2)
        if not data:
            os._exit(0)
        if fork() == 0:
            control.close()
            _guarded(partial(life.live, descriptors[0]))
        os.close(descriptors[0])


def _enter_private_root(settings: ZygoteSettings) -> str:
    """A root of the nursery's own: the monitor keeps the old one, and it sees nothing of a program's."""
    try:
        namespaces.unshare_files()
    except OSError as error:
        return str(error.strerror)
    return namespaces.enter_private_root(settings.readable)


def _own_user(settings: ZygoteSettings) -> int | None:
    """The user id for the jail: one that nobody else has, where we are root and the libraries stay readable to it."""
    if os.geteuid() != 0:
        return None
    user = _USERS + os.getppid() % 1_000_000 + int.from_bytes(os.urandom(3), "big")
    if (pid := os.fork()) == 0:
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            os._exit(0 if all(_is_readable(path) for path in settings.readable) else 1)
        os._exit(1)
    return user if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0 else None


def _is_readable(path: str) -> bool:
    return os.access(path, os.R_OK | (os.X_OK if Path(path).is_dir() else 0))


def _hide_our_modules() -> None:
    """A program finds none of our code by name."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "rstar"]:
        del sys.modules[name]
    del sys.modules["__main__"].__dict__["main"]


@dataclass(frozen=True, slots=True)
class _Worker:
    settings: ZygoteSettings
    jail: JailSettings
    has_own_processes: bool
    """Whether the monitor is the first process of a namespace of its own."""

    def live(self, control: int) -> NoReturn:
        """Enter the jail, say so, and serve."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        outcome, listener = enter_jail(self.jail, [control])
        channel = socket.socket(fileno=control)
        passed = [listener] if listener >= 0 else []
        socket.send_fds(channel, [json.dumps(outcome).encode()], passed)
        if listener >= 0:
            os.close(listener)
        if not outcome["system call filter"]:
            seccomp.forbid_passing()
        settings = execution.ExecutionSettings(
            self.settings.seconds,
            self.settings.output_bytes,
            "official" if self.settings.display == "official" else "plain",
            forbid_forking=listener < 0 and not outcome["system call filter"],
            dies_with_namespace=self.has_own_processes,
        )
        tame = tame_runner.TameSettings(settings)
        execution.serve(channel.detach(), settings, tame.serve)
