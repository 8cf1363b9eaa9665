"""Honest programs print exactly what plain CPython prints for them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from honest import HONEST
from jail import Jail

from rstar.interpreter import run_program


@pytest.fixture(scope="module")
def plain_output() -> dict[str, str]:
    """Name of each honest program → what plain CPython printed; one process for all of them."""
    oracle = [sys.executable, str(Path(__file__).with_name("oracle.py"))]
    answer = subprocess.run(oracle, input=json.dumps([*HONEST.values()]), capture_output=True, text=True, check=True)
    return dict(zip(HONEST, json.loads(answer.stdout), strict=True))


def test_the_oracle_ran_every_program(plain_output: dict[str, str]) -> None:
    assert [name for name, text in plain_output.items() if not text or "RAISED" in text] == []


@pytest.mark.parametrize("name", HONEST)
def test_the_jail_prints_what_plain_python_prints_for_one_that(
    name: str, jail: Jail, plain_output: dict[str, str]
) -> None:
    executions = jail.walk(HONEST[name])
    assert [(execution.status, execution.error) for execution in executions] == [("ok", "")] * len(executions)
    assert "".join(execution.stdout for execution in executions) == plain_output[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", HONEST)
def test_the_last_step_alone_prints_the_same_for_one_that(name: str, jail: Jail, plain_output: dict[str, str]) -> None:
    """Asked without the steps before it having been asked for: the path is replayed."""
    fresh = [f"replayed = {name!r}", *HONEST[name]]
    assert plain_output[name].endswith(jail.run(*fresh).stdout)
    assert jail.run(*fresh).stdout or len(fresh) > 2


def test_the_blocking_call_gives_one_execution_per_step(plain_output: dict[str, str]) -> None:
    name = "defines classes across steps"
    executions = run_program(HONEST[name], seconds=60, memory_mb=2048)
    assert [execution.status for execution in executions] == ["ok"] * len(HONEST[name])
    assert "".join(execution.stdout for execution in executions) == plain_output[name]
