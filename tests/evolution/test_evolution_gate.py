"""A round that is significantly worse than the one before ends the evolution, with the evidence."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import evolution as module
from harness.cli import main
from harness.evolution import Outcome, gate
from harness.evolution_report import markdown
from rstar.evolution.presets import MICRO
from rstar.evolution.rounds import Models


def stored(monkeypatch: pytest.MonkeyPatch, before: str, now: str) -> None:
    """Greedy runs with an answer per problem: 1 right, 0 wrong."""
    found = {name: {(f"p/{i}", 0): mark == "1" for i, mark in enumerate(marks)} for name, marks in
             (("before", before), ("now", now))}  # fmt: skip
    monkeypatch.setattr(module, "outcomes", lambda folder, *_: found[Path(folder).name])


@pytest.mark.parametrize(
    ("before", "now", "is_worse"),
    [
        ("1" * 10, "0" * 10, True),
        ("0" * 10, "1" * 10, False),
        ("1" * 5 + "0" * 5, "1" * 4 + "0" * 6, False),
        ("1" * 10, "1" * 10, False),
        ("1" * 6 + "0" * 4, "0" * 6 + "0" * 4, True),
        ("1" * 5 + "0" * 5, "0" * 5 + "0" * 5, False),
    ],
)
def test_only_a_significant_loss_stops(monkeypatch: pytest.MonkeyPatch, before: str, now: str, is_worse: bool) -> None:
    stored(monkeypatch, before, now)
    found = gate(2, Path("before"), Path("now"), 0.05)
    assert found.is_worse is is_worse
    assert "round 2 against round 1" in found.line


class Rounds:
    """Stands for the stages: every round is done at once."""

    def __init__(self, out: Path) -> None:
        self.settings, self.out, self.done = MICRO, out, list[int]()

    def base(self) -> Path:
        return self.out / "base"

    def round(self, number: int, *_: Any) -> Models:
        self.done.append(number)
        return Models(self.out / f"policy-{number}", self.out / f"ppm-{number}")


class Runs:
    """Stands for the evaluations."""

    def __init__(self) -> None:
        self.runs: dict[Any, Any] = {}

    def greedy(self, *_: Any) -> Path:
        return Path("before")

    def round(self, *_: Any) -> Path:
        return Path("now")


@pytest.mark.parametrize(("force", "done"), [(False, [1]), (True, [1, 2])])
def test_the_evolution_ends_at_a_worse_round_unless_forced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, force: bool, done: list[int]
) -> None:
    stored(monkeypatch, "1" * 12, "0" * 12)
    rounds: Any = Rounds(tmp_path)
    runs: Any = Runs()
    said = list[str]()
    outcome: Outcome = module._rounds(rounds, runs, said.append, force=force)
    assert rounds.done == done
    assert outcome.stopped_by is not None
    evidence = json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))
    assert evidence[0]["comparison"]["num_lost"] == 12
    assert any("stopped" in line for line in said) is not force
    assert "**worse: stopped**" in markdown([], replace(MICRO), outcome.gates)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_evolution_says_that_the_same_command_goes_on(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any, **__: Any) -> Outcome:
        signal.raise_signal(number)
        raise AssertionError("the signal came to nothing")

    monkeypatch.setattr(module, "evolve", interrupted)
    with pytest.raises(SystemExit) as left:
        main(["evolve", "--preset", "micro", "--out", str(tmp_path)])
    assert left.value.code == 130
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"stopped; what is done stays in {tmp_path}, and the same command goes on"
