"""The jails that the tests share: starting one takes about a second, so each lives for the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jail import Jail
from probe import Scene, open_scene

MEMORY_MB = 256
"""Memory limit of the jails that hostile programs run in: the bombs take 600 MB."""


@pytest.fixture(scope="session")
def scene() -> Iterator[Scene]:
    with open_scene() as made:
        yield made


def _jail(**settings: object) -> Iterator[Jail]:
    jail = Jail(**settings)
    yield jail
    jail.close()


@pytest.fixture(scope="session")
def hostile_jail(scene: Scene) -> Iterator[Jail]:
    """For programs that end by themselves; started when the scene's secrets already stand in the environment."""
    yield from _jail(seconds=15, memory_mb=MEMORY_MB)


@pytest.fixture(scope="session")
def hasty_jail(scene: Scene) -> Iterator[Jail]:
    """For programs that never end."""
    yield from _jail(seconds=0.25, memory_mb=MEMORY_MB)


@pytest.fixture(scope="session")
def jail() -> Iterator[Jail]:
    """For honest programs."""
    yield from _jail(seconds=60, memory_mb=2048)


@pytest.fixture(scope="session")
def clean_jail() -> Iterator[Jail]:
    """Never sees a poisoned program; the poisoned jails are compared with it."""
    yield from _jail(seconds=60, memory_mb=2048)


@pytest.fixture(scope="session")
def poisoned_jail() -> Iterator[Jail]:
    """One worker, so that whoever comes later meets what a poisoned program left."""
    yield from _jail(seconds=60, memory_mb=2048, workers=1)


@pytest.fixture(scope="session")
def breaking_jail() -> Iterator[Jail]:
    """For programs that spoil the process that they leave behind; two seconds, because some spoil it by hanging."""
    yield from _jail(seconds=2, memory_mb=MEMORY_MB, workers=1)
