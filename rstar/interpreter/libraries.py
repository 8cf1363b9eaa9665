"""What programs may import and read: the standard library and the named mathematics libraries, and nothing beside them.

Where packages are installed lies a great deal that is nobody's business here: this project's own reference answers, for
one. So neither that directory nor the standard library's is opened as a whole. Each library is named by the files and
folders that its installer recorded, and modules are found by a table instead of a look into a directory.
"""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import importlib.util
import os
import re
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "sympy", "mpmath", "networkx", "pandas", "gmpy2", "python-flint")
"""Distributions that programs may use, with all that these require; the ones that are not installed are passed over."""
_SITES = ("site-packages", "dist-packages")
_RECORDED = re.compile(r"^([^/,\n.][^/,\n]*)[/,]", re.MULTILINE)
"""First part of each path of an installer's RECORD (packaging.python.org, Recording installed projects)."""
_REQUIRED = re.compile(r"^\s*([\w.-]+)")
_SUFFIXES = tuple(importlib.machinery.all_suffixes())


@dataclass(frozen=True, slots=True)
class Libraries:
    """Where programs' modules are; all links resolved."""

    paths: tuple[str, ...]
    """The programs' sys.path: the standard library's folders."""
    modules: Mapping[str, str]
    """Name of each top-level module → its file."""
    readable: tuple[str, ...]
    """Files and folders that programs may read."""


class LibraryFinder:
    """Finds top-level modules by a table: the jail lets nobody list the folders that hold them."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = dict(modules)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """What the import system asks every finder; None for a module that is not in the table."""
        file = self._modules.get(name) if path is None else None
        return importlib.util.spec_from_file_location(name, file) if file is not None else None


@cache
def installed_libraries() -> Libraries:
    """The libraries of the Python that runs this."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    compiled = stdlib / "lib-dynload"
    folders = [folder for folder in (stdlib, compiled) if folder.is_dir()]
    entries = [entry for entry in sorted(stdlib.iterdir()) if entry.name not in _SITES]
    readable = [*entries, *_of_packages()]
    modules: dict[str, str] = {}
    for entry in (*readable, *(sorted(compiled.iterdir()) if compiled.is_dir() else ())):
        if (file := _module_file(entry)) is not None:
            modules.setdefault(entry.name.partition(".")[0], os.path.realpath(file))
    return Libraries(
        tuple(os.path.realpath(folder) for folder in folders),
        modules,
        tuple(dict.fromkeys(os.path.realpath(entry) for entry in readable if entry.exists())),
    )


def _module_file(entry: Path) -> Path | None:
    """The file that makes `entry` a module; None where it is none."""
    if entry.name.endswith(_SUFFIXES):
        return entry
    return next((file for suffix in _SUFFIXES if (file := entry / f"__init__{suffix}").is_file()), None)


def _of_packages() -> Iterator[Path]:
    """Top-level files and folders of the named libraries and of what they require."""
    waiting, seen = list(LIBRARIES), set()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            yield from _of_module(name)
            continue
        waiting += [
            match[1] for line in found.requires or () if "extra ==" not in line and (match := _REQUIRED.match(line))
        ]
        recorded = {*_RECORDED.findall(found.read_text("RECORD") or "")}
        site = Path(str(found.locate_file("")))
        parts = sorted(part for part in recorded if part != "__pycache__" and not part.endswith(".dist-info"))
        yield from (site / part for part in parts)
        if not recorded:
            yield from _of_module(name)


def _of_module(name: str) -> Iterator[Path]:
    """The same for a library that was installed without a record (a system's package): its folder and its `.libs`."""
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is not None and spec.origin is not None and Path(spec.origin).is_file():
        origin = Path(spec.origin)
        folder = origin.parent if origin.name.startswith("__init__.") else origin
        yield folder
        if (libs := folder.with_name(f"{name}.libs")).is_dir():
            yield libs
