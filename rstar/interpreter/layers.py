"""The layers of the sandbox, what each stops, and the levels that a user can insist on."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from tasks.types import InputError

Level = Literal["none", "standard", "full"]
LEVELS: tuple[Level, ...] = get_args(Level)
DEFAULT_LEVEL: Level = "standard"

_STOPS = {
    "own process": "secrets in the environment, inherited descriptors, memory of the search",
    "limits": "memory and processor bombs, written files, core files, descriptors without end",
    "own user": "reaching processes and files of other users; counts processes apart",
    "no privileges": "capabilities, set-user-id programs, tracing",
    "death signal": "programs that outlive the supervisor",
    "landlock": "reading anything but the libraries, writing anywhere, TCP",
    "system call filter": "sockets, new programs, new processes, signals, changes of files and limits",
    "supervised fork": "forks that nobody asked for, while snapshots can fork",
    "network namespace": "every network, loopback included",
    "ipc namespace": "shared memory and queues of others; the host name",
    "process namespace": "seeing and signalling other processes; survivors",
    "private root": "seeing any file but the libraries",
}
_FILES = ("landlock", "private root")
"""Either of them hides files."""
_FULL = ("network namespace", "ipc namespace", "process namespace", "private root", "landlock", "system call filter")


_ADVICE = (
    (
        frozenset({"network namespace", "ipc namespace", "process namespace", "private root"}),
        (
            "Namespaces need root or user namespaces: in Docker --security-opt seccomp=unconfined, on Debian and "
            "Ubuntu sysctl kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0."
        ),
    ),
    (frozenset({"landlock"}), "Landlock needs Linux 5.13 or later with landlock in /sys/kernel/security/lsm."),
    (frozenset({"system call filter"}), "The system call filter needs Linux 5.5 or later on x86_64 or aarch64."),
)
"""Names of layers → what makes them available."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer on this machine."""

    name: str
    is_active: bool
    stops: str
    missing: str
    """Why it is not active; empty where it is."""


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """What contains programs on this machine, for this user."""

    layers: tuple[Layer, ...]
    level: Level
    """The highest level that holds here."""

    def require(self, level: Level) -> None:
        """Raise InputError where this machine does not reach `level`."""
        if LEVELS.index(self.level) >= LEVELS.index(level):
            return
        missing = "; ".join(f"{layer.name} ({layer.missing})" for layer in self.lacking(level))
        raise InputError(
            f"--require-sandbox {level}: this machine reaches only '{self.level}'; missing: {missing}. "
            f"Run 'rstar doctor' for what would help, or accept less with --require-sandbox {self.level}"
        )

    def lacking(self, level: Level) -> tuple[Layer, ...]:
        """The layers that keep this machine from `level`; none where it reaches it."""
        if LEVELS.index(self.level) >= LEVELS.index(level):
            return ()
        needed = _FULL if level == "full" else ("system call filter", *_FILES)
        return tuple(layer for layer in self.layers if layer.name in needed and not layer.is_active)

    def advice(self) -> tuple[str, ...]:
        """What would raise the level, one sentence a kind of layer; nothing where all that levels need is active."""
        lacking = {layer.name for layer in self.lacking("full")}
        return tuple(how for names, how in _ADVICE if lacking & names)


def report(outcome: Mapping[str, str]) -> SandboxReport:
    """The report for what a zygote entered: layer name → "" or the reason why it is missing."""
    known = {"own process": "", **outcome}
    layers = tuple(
        Layer(name, known.get(name, "not tried") == "", stops, known.get(name, "not tried"))
        for name, stops in _STOPS.items()
    )
    active = {layer.name for layer in layers if layer.is_active}
    return SandboxReport(layers, _level(active))


def _level(active: set[str]) -> Level:
    """`standard` needs the filter and one of the two that hide files; `full` every namespace as well."""
    if "system call filter" not in active or not active.intersection(_FILES):
        return "none"
    return "full" if active.issuperset(_FULL) else "standard"


def check_level(level: str | None) -> Level:
    """The level that a user named, the default for None. Raises InputError for anything else."""
    for known in LEVELS:
        if level == known:
            return known
    if level is None:
        return DEFAULT_LEVEL
    raise InputError(f"--require-sandbox: no level {level!r}; use one of {', '.join(LEVELS)}")


def check_system() -> None:
    """Raise InputError where programs cannot be executed at all."""
    if sys.platform != "linux":
        raise InputError(
            f"the step interpreter needs Linux (x86_64 or aarch64); this is {sys.platform}. "
            "Run it in a Linux container or virtual machine"
        )
