"""The GitHub Action and the workflow example: they parse, and every `rstar` command in them is one that there is."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from paired_runs import make

from harness.cli import COMMANDS

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github/actions/rstar-gate/action.yml"
EXAMPLE = ROOT / "docs/examples/rstar-gate.yml"
WORKFLOWS = [EXAMPLE, *sorted((ROOT / ".github/workflows").glob("*.yml"))]


def parsed(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def steps(path: Path) -> Iterator[dict[str, Any]]:
    content = parsed(path)
    if "runs" in content:
        yield from content["runs"]["steps"]
    for job in content.get("jobs", {}).values():
        yield from job["steps"]


def commands(path: Path) -> list[list[str]]:
    """The `rstar` commands in the scripts of a file, and the flags that scripts add to a list for one."""
    scripts = "\n".join(step.get("run", "") for step in steps(path))
    added = [word for each in re.findall(r"flags\+?=\((.*?)\)", scripts) for word in shlex.split(each)]
    found = [shlex.split(line) for line in scripts.splitlines() if line.startswith("rstar ")]
    return [[*words, *(added if "${flags[@]}" in words else [])] for words in found]


def known_flags(name: str) -> set[str]:
    target = getattr(import_module(COMMANDS[name].module), COMMANDS[name].attribute)
    app = typer.Typer()
    app.command()(target)
    return {flag for each in typer.main.get_command(app).params for flag in each.opts}


@pytest.mark.parametrize("path", [ACTION, EXAMPLE], ids=lambda path: path.stem)
def test_every_command_in_the_yaml_exists_with_its_flags(path: Path) -> None:
    found = commands(path)
    assert found
    for words in found:
        assert words[1] in COMMANDS
        flags = {word for word in words if word.startswith("--")}
        assert flags <= known_flags(words[1]), flags - known_flags(words[1])


def test_the_action_is_composite_and_every_script_names_its_shell() -> None:
    content = parsed(ACTION)
    assert content["runs"]["using"] == "composite"
    assert all(step.get("shell") == "bash" for step in steps(ACTION))
    assert all("description" in each for each in (*content["inputs"].values(), *content["outputs"].values()))


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.stem)
def test_no_script_holds_an_expression_that_an_input_could_turn_into_a_command(path: Path) -> None:
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


def test_the_example_gives_the_action_only_inputs_that_it_has() -> None:
    inputs = set(parsed(ACTION)["inputs"])
    uses = [step for step in steps(EXAMPLE) if step.get("uses") == "./.github/actions/rstar-gate"]
    assert len(uses) == 2
    for step in uses:
        assert set(step["with"]) <= inputs
    assert (ROOT / uses[0]["uses"] / "action.yml").is_file()


@pytest.mark.parametrize(("accept", "code"), [("better,same,unsure", 11), ("worse", 0)])
def test_the_script_of_the_action_runs_and_hands_on_the_outcome(tmp_path: Path, accept: str, code: int) -> None:
    make(tmp_path / "a run", [1] * 60)
    make(tmp_path / "b", [0] * 60)
    [script] = [step["run"] for step in steps(ACTION) if step.get("id") == "gate"]
    # The console script of this environment, whatever the caller's PATH.
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "rstar"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harness.cli "$@"\n')
    program.chmod(0o755)
    given = {
        "BASELINE": "a run", "CANDIDATE": "b", "SMOKE": "false", "TOLERANCE": "2", "ACCEPT": accept,
        "OPTIONS": "--rule majority", "FILES": "out; touch hacked", "GITHUB_OUTPUT": str(tmp_path / "output"),
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        env=os.environ | given,
        capture_output=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert (tmp_path / "output").read_text() == "outcome=worse\n"
    assert sorted(file.name for file in (tmp_path / "out; touch hacked").iterdir()) == [
        "gate.json",
        "gate.md",
        "gate.xml",
    ]
    assert not (tmp_path / "hacked").exists()
