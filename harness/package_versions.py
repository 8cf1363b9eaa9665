"""Which packages are installed, whether rstar-bench can use them, and how they differ from the tested set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import get_args

DISTRIBUTION = "rstar-bench"
CONSTRAINTS = Path(__file__).resolve().parents[1] / "constraints.txt"
"""The tested set: there in a source checkout, not in an installed wheel."""
ENGINE_PACKAGES = {"transformers": ("torch", "transformers"), "vllm": ("vllm",), "scripted": ()}
"""What an engine needs beside the base."""
_ENGINE_EXTRAS = {"transformers": "search", "vllm": "vllm"}
_NO_RUN = "imported"
"""Stands in records of other tools' results; nothing runs with it."""
_TOOLS = ("dev", "docs", "release", "browser")
"""Extras that are tools: what they ask for is nobody's business but the developers'."""


@dataclass(frozen=True, slots=True)
class Package:
    """One package that rstar-bench names."""

    name: str
    version: str | None
    """None: not installed."""
    required: str
    """`>=2.11`."""
    extras: tuple[str, ...]
    """The extras that ask for it; empty: the base does."""
    is_satisfied: bool
    """Installed, and in a version that is allowed."""
    tested: str | None
    """The version in constraints.txt; None where that does not name it or is not there."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """Whether an engine can be loaded here."""

    name: str
    packages: dict[str, str | None]
    advice: str
    """What to install; empty: nothing is missing."""


def packages() -> list[Package]:
    """Every package that rstar-bench asks for, those of the base first; tools of developers left out."""
    from packaging.requirements import Requirement

    asked: dict[str, tuple[str, list[str]]] = {}
    for line in metadata.requires(DISTRIBUTION) or []:
        requirement = Requirement(line)
        extra = _extra(requirement.marker)
        if requirement.name == DISTRIBUTION or extra in _TOOLS:
            continue
        extras = asked.setdefault(requirement.name, (str(requirement.specifier), []))[1]
        if extra:
            extras.append(extra)
    tested = dict(_constraints())
    return [_package(name, required, tuple(extras), tested) for name, (required, extras) in asked.items()]


def engines() -> list[EngineState]:
    """The engines of `rstar run --engine`, and what each lacks."""
    from harness.spec import Engine

    found = []
    for name in (each for each in get_args(Engine) if each != _NO_RUN):
        versions = {package: installed_version(package) for package in ENGINE_PACKAGES.get(name, ())}
        lacks = any(version is None for version in versions.values())
        advice = f"pip install '{DISTRIBUTION}[{_ENGINE_EXTRAS[name]}]'" if lacks else ""
        found.append(EngineState(name, versions, advice))
    return found


def installed_version(name: str) -> str | None:
    """The version of an installed package; None where there is none. vllm counts in its build for CPUs too."""
    for each in (name, f"{name}-cpu"):
        try:
            return metadata.version(each)
        except metadata.PackageNotFoundError:
            continue
    return None


def _package(name: str, required: str, extras: tuple[str, ...], tested: dict[str, str]) -> Package:
    from packaging.specifiers import SpecifierSet

    version = installed_version(name)
    is_satisfied = version is not None and SpecifierSet(required).contains(version, prereleases=True)
    return Package(name, version, required, extras, is_satisfied, tested.get(name.lower().replace("_", "-")))


def _extra(marker: object) -> str:
    """The extra that a requirement belongs to; empty: the base."""
    text = "" if marker is None else str(marker)
    return text.partition('extra == "')[2].partition('"')[0]


def _constraints() -> Iterator[tuple[str, str]]:
    """(name, version) of every line of constraints.txt, names in the normal form of package indexes."""
    if not CONSTRAINTS.is_file():
        return
    for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines():
        name, mark, version = line.partition("#")[0].strip().partition("==")
        if mark:
            yield name.strip().lower().replace("_", "-"), version.strip()
