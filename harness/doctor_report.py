"""What `rstar doctor` prints: one section for each thing that a run needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.machine import Folder, Machine
from harness.package_versions import EngineState, Package

if TYPE_CHECKING:
    from rstar.interpreter.layers import SandboxReport

READY = ("cached", "generated", "local")
"""States of a task whose data are on this machine."""
_MARGIN = 10


def machine_lines(machine: Machine) -> Iterator[str]:
    """Python, cores, memory, and every GPU."""
    memory = "unknown memory"
    if machine.memory_bytes is not None:
        memory = f"{size(machine.memory_bytes)} of memory"
        if machine.free_memory_bytes is not None:
            memory += f", {size(machine.free_memory_bytes)} available"
    yield _line("Machine", f"Python {machine.python} on {machine.system}, {machine.cores} cores, {memory}")
    if not machine.gpus:
        yield _line("GPU", "none that nvidia-smi lists; models run on the processor")
    for number, gpu in enumerate(machine.gpus):
        room = f"{size(gpu.memory_mib << 20)}, {size(gpu.free_mib << 20)} free"
        yield _line("" if number else "GPU", f"{gpu.name}, {room}, driver {gpu.driver}")


def sandbox_lines(sandbox: SandboxReport | str) -> Iterator[str]:
    """Every layer, what it stops, and what would help where it is missing."""
    if isinstance(sandbox, str):
        yield _line("Sandbox", f"none: {sandbox}")
        return
    yield _line("Sandbox", f"level {sandbox.level}")
    width = max(len(layer.name) for layer in sandbox.layers)
    for layer in sandbox.layers:
        state = "active " if layer.is_active else "MISSING"
        yield f"  {state}  {layer.name:{width}}  stops: {layer.stops}"
        if not layer.is_active:
            yield f"{'':{width + 13}}why missing: {layer.missing}"
    lacking = ", ".join(layer.name for layer in sandbox.lacking("full"))
    yield f"  To reach level full: {lacking}." if lacking else "  Nothing is missing for level full."
    yield from (f"  {sentence}" for sentence in sandbox.advice())


def engine_lines(engines: Sequence[EngineState]) -> Iterator[str]:
    """Which engines can be loaded, and what to install for the others."""
    width = max(len(engine.name) for engine in engines)
    for number, engine in enumerate(engines):
        there = ", ".join(f"{name} {version}" for name, version in engine.packages.items() if version)
        state = f"not installed: {engine.advice}" if engine.advice else f"ready{f' ({there})' if there else ''}"
        yield _line("" if number else "Engines", f"{engine.name:{width}}  {state}")


def package_lines(packages: Sequence[Package]) -> Iterator[str]:
    """What is too old or missing, and what differs from the tested set."""
    there = [package for package in packages if package.version]
    shown = ("numpy", "scipy", "sympy", "torch", "transformers", "trl", "vllm", "ray", "math-verify")
    yield _line("Packages", ", ".join(f"{each.name} {each.version}" for each in there if each.name in shown))
    for package in packages:
        if package.version and not package.is_satisfied:
            yield _line("", f"WRONG VERSION: {package.name} {package.version}, needed {package.required}")
        elif not package.version and not package.extras:
            yield _line("", f"MISSING: {package.name} {package.required}; install rstar-bench again")
    tested = [package for package in there if package.tested]
    if not tested:
        yield _line("", "no constraints.txt here (it is in the repository), so not compared with the tested set")
        return
    other = [f"{each.name} {each.version} (tested {each.tested})" for each in tested if differs(each)]
    yield _line("", f"other than the tested set: {', '.join(other)}" if other else "all as in the tested set")


def folder_lines(folders: Sequence[Folder]) -> Iterator[str]:
    """Where things are kept and how much room is left there."""
    width = max(len(folder.purpose) for folder in folders)
    for number, folder in enumerate(folders):
        used = size(folder.used_bytes) if folder.exists else "not there yet"
        moved = f"; set by {folder.set_by}" if folder.set_by else ""
        text = f"{folder.purpose:{width}}  {folder.path} ({used}; {size(folder.free_bytes)} free on its disk{moved})"
        yield _line("" if number else "Folders", text)


def task_lines(tasks: Mapping[str, str]) -> Iterator[str]:
    """Which tasks can run without the network."""
    ready = [name for name, state in tasks.items() if state in READY]
    yield _line("Tasks", f"ready: {', '.join(ready) or 'none'}")
    if len(ready) < len(tasks):
        yield _line("", f"{len(tasks) - len(ready)} others are fetched when first used (rstar tasks)")


def differs(package: Package) -> bool:
    """Whether it is installed in another version than the tested one; the build (`+cpu`) does not count."""
    return bool(package.version and package.tested and package.version.partition("+")[0] != package.tested)


def size(num_bytes: int) -> str:
    """`3.2 GiB`, from bytes."""
    value, unit = float(num_bytes), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"


def _line(title: str, text: str) -> str:
    return f"{title:{_MARGIN}}{text}"
