"""The command beside a row makes the same run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from harness import cli_run
from harness.cli import main
from harness.spec import RunSpec
from harness.spec_fields import make_spec
from leaderboard.run_command import run_command


class Planned(Exception):
    pass


@pytest.mark.parametrize(
    "fields",
    [
        {"preset": "greedy", "limit": 48},
        {"preset": "tiny", "budgets": [1, 4], "seeds": [0, 7], "rule": "majority", "top_k": 7},
        {"preset": "paper-eval", "policy": "my models/7B", "ppm": "judge", "search": {"exploration": 1.5}},
        {"preset": "self-consistency", "policy": "m", "ppm": "none", "max_new_tokens": 512, "top_p": 0.9},
        {"method": "mcts", "policy": "m", "ppm": "p", "search": {"variant": "official", "scores_steps": False}},
        {"method": "beam", "policy": "m", "ppm": "p", "layout": "bootstrap", "dtype": "bfloat16", "trees": "full"},
    ],
)
def test_the_command_asks_for_the_same_spec(fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = make_spec({"task": "aime2024", **fields})
    seen: list[RunSpec] = []

    def plan(spec: RunSpec, _out: Path) -> None:
        seen.append(spec)
        raise Planned

    monkeypatch.setattr(cli_run, "plan_run", plan)
    words = shlex.split(run_command(wanted))
    assert words[:2] == ["rstar", "run"]
    with pytest.raises(Planned):
        main(words[1:])
    assert seen == [wanted]


def test_the_command_names_nothing_that_is_so_anyway() -> None:
    assert (
        run_command(make_spec({"task": "procedural", "preset": "tiny"})) == "rstar run --task procedural --preset tiny"
    )


def test_where_a_model_lies_on_one_machine_stays_there() -> None:
    spec = make_spec({"task": "aime2024", "preset": "tiny", "policy": "/home/me/secret/7B", "ppm": "/home/me/judge"})
    assert run_command(spec) == "rstar run --task aime2024 --preset tiny --policy 7B --ppm judge"
