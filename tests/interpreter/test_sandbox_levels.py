"""What a machine lacks for a level is named, and nothing else."""

from __future__ import annotations

import pytest

from harness.doctor_report import sandbox_lines
from rstar.interpreter.layers import Level, report
from tasks.types import InputError

_NAMES = (
    "limits", "own user", "no privileges", "death signal", "landlock", "system call filter", "supervised fork",
    "network namespace", "ipc namespace", "process namespace", "private root",
)  # fmt: skip
_ALL = dict.fromkeys(_NAMES, "")
_NAMESPACES = dict.fromkeys(("network namespace", "ipc namespace", "process namespace", "private root"), "refused")


@pytest.mark.parametrize(
    ("missing", "level"),
    [
        ({}, "full"),
        ({"own user": "not root"}, "full"),
        (_NAMESPACES, "standard"),
        ({"landlock": "old kernel"}, "standard"),
        ({"landlock": "old kernel", "private root": "refused"}, "none"),
        ({"system call filter": "refused"}, "none"),
    ],
)
def test_the_level_is_what_the_active_layers_allow(missing: dict[str, str], level: Level) -> None:
    assert report(_ALL | missing).level == level


def test_a_level_that_is_reached_may_be_required() -> None:
    report(_ALL | _NAMESPACES).require("standard")
    report(_ALL | {"system call filter": "refused"}).require("none")


def test_an_error_names_the_layers_that_the_level_needs_with_their_reasons() -> None:
    found = report(_ALL | _NAMESPACES | {"own user": "not root"})
    with pytest.raises(InputError, match="reaches only 'standard'") as error:
        found.require("full")
    text = str(error.value)
    assert all(f"{name} (refused)" in text for name in _NAMESPACES)
    assert "own user" not in text
    assert "--require-sandbox standard" in text


def test_an_error_below_standard_names_the_filter_alone() -> None:
    found = report(_ALL | {"system call filter": "no seccomp"})
    with pytest.raises(InputError) as error:
        found.require("standard")
    assert "missing: system call filter (no seccomp)." in str(error.value)


def test_advice_is_given_for_what_is_missing_only() -> None:
    assert report(_ALL | {"own user": "not root"}).advice() == ()
    (sentence,) = report(_ALL | _NAMESPACES).advice()
    assert "user namespaces" in sentence
    (sentence,) = report(_ALL | {"landlock": "old kernel"}).advice()
    assert sentence.startswith("Landlock")


def test_doctor_says_what_each_missing_layer_lacks_and_what_would_help() -> None:
    text = "\n".join(sandbox_lines(report(_ALL | _NAMESPACES)))
    assert text.startswith("Sandbox   level standard\n")
    assert text.count("why missing: refused") == len(_NAMESPACES)
    assert "To reach level full: network namespace, ipc namespace, process namespace, private root." in text
    assert "Nothing is missing for level full." in "\n".join(sandbox_lines(report(_ALL)))
