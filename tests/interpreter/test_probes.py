"""Hostile programs against the jail: nothing outside changes, nothing secret comes out, the next asker gets its answer.

`test_the_program_does_damage_without_a_jail` (slow) runs the same programs where nothing contains them, so that none of
them proves nothing. A few do no damage to plain `exec` either; they are listed there, with what they are for.
"""

from __future__ import annotations

import itertools

import pytest
from jail import Jail
from naive import run_naively
from probe import Probe, Scene, damage, picture, reset
from probes import ALL, HARMLESS_NAIVELY

_NONCE = itertools.count()


def _next(jail: Jail) -> None:
    """A program that was never run before still gets its true answer."""
    number = next(_NONCE)
    answer = jail.run(f"print({number} * 7)")
    for _ in range(4):
        if answer.status != "timeout":
            break
        number = next(_NONCE)  # the hasty jail's limit is short enough for a busy machine to miss it now and then
        answer = jail.run(f"print({number} * 7)")
    assert (answer.status, answer.stdout, answer.error) == ("ok", f"{number * 7}\n", "")


@pytest.mark.parametrize("probe", ALL, ids=[probe.name for probe in ALL])
def test_the_jail_stops_a_program_that(probe: Probe, scene: Scene, hostile_jail: Jail, hasty_jail: Jail) -> None:
    jail = hasty_jail if probe.endless else hostile_jail
    reset(scene)
    before = picture(scene)
    execution = jail.run(*probe.prefix, scene.program(probe))
    assert damage(scene, before, probe, execution) == []
    _next(jail)


@pytest.mark.slow
@pytest.mark.parametrize("probe", ALL, ids=[probe.name for probe in ALL])
def test_the_program_does_damage_without_a_jail(probe: Probe, scene: Scene) -> None:
    reset(scene)
    before = picture(scene)
    answers = run_naively([[*probe.prefix, scene.program(probe)], ["print(6 * 7)"]], 3 if probe.endless else 60)
    harm = damage(scene, before, probe, answers[0])
    if answers[1] is None or answers[1].stdout != "42\n":
        harm.append("the next program got no answer, or a wrong one")
    assert harm or probe.name in HARMLESS_NAIVELY
