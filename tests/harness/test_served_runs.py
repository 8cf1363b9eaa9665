"""Runs whose policy is on a server: named by its model, resumed after the server went away, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import noisy_source
import pytest
from model_server import ModelServer, model_server
from sum_runs import records, rstar, write_task

from harness import served_engines
from harness.engines import open_engines
from harness.retrying import Engines
from harness.run import EngineDown, Options, plan_resume, plan_run, run
from harness.run_folder import RUN_FILE
from harness.spec_fields import make_spec
from tasks.types import InputError


def sums(question: str, partial: str, seed: int) -> str:
    """The model of `noisy_source`, on a server."""
    return noisy_source.candidates(question, partial, 1, seed)[0]


def fields(task: Path, server: ModelServer, **changes: Any) -> dict[str, Any]:
    return {
        "task": f"user:{task}",
        "policy": f"{server.url}#tiny",
        "interpreter": "arithmetic",
        "preset": "self-consistency",
        "budgets": [1, 4],
        **changes,
    }


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers are asked again at once."""
    limits = served_engines._limits
    monkeypatch.setattr(served_engines, "_limits", lambda *given: limits(*given) | {"first_pause": 0.001})


@contextmanager
def without_pauses(*arguments: Any) -> Iterator[Engines]:
    with open_engines(*arguments) as engines:
        yield replace(engines, pause_seconds=0.0)


@pytest.mark.parametrize("stops", ["kept", "dropped"])
def test_a_run_goes_on_after_its_server_went_away_and_loses_nothing(tmp_path: Path, stops: str) -> None:
    task = write_task(tmp_path / "sums.jsonl", 6)
    how = Options(2, max_failures=2, make_engines=without_pauses)
    with model_server(sums, stops=stops) as server:
        whole = plan_run(make_spec(fields(task, server)), tmp_path / "whole")
        assert run(whole, how).status == "complete"
        port = server.server_address[1]
    with model_server(dying(40), port, stops=stops) as server:
        plan = plan_run(make_spec(fields(task, server)), tmp_path / "here")
        with pytest.raises(EngineDown, match=f"lastly with: --policy {server.url}: "):
            run(plan, how)
    done = [record for record in records(plan.folder).values() if not record["error"]]
    assert 0 < len(done) < 6
    with model_server(sums, port, stops=stops):
        assert run(plan_resume(plan.folder), how).status == "complete"
    assert records(plan.folder) == records(whole.folder)


def dying(num_steps: int) -> Any:
    """The same model, until it has written so many steps; then it breaks every connection."""
    left = num_steps

    def write(question: str, partial: str, seed: int) -> str:
        nonlocal left
        left -= question.startswith("What is")
        if left < 0:
            raise ConnectionAbortedError
        return sums(question, partial, seed)

    return write


def test_the_record_says_which_server_and_what_it_cannot_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSTAR_API_KEY", "sk-very-secret")
    task = write_task(tmp_path / "sums.jsonl", 2)
    with model_server(sums, models=("a", "b/c-7B"), key="sk-very-secret", gives_many=False) as server:
        arguments = ("--task", f"user:{task}", "--preset", "greedy", "--interpreter", "arithmetic", "--out", tmp_path)
        assert rstar("run", *arguments, "--policy", server.url, "--policy-model", "b/c-7B") == 0
    [path] = tmp_path.glob(f"*/*/{RUN_FILE}")
    assert path.parent.name.startswith("greedy-b-c-7B-")
    written = path.read_text()
    assert "very-secret" not in written
    stated = json.loads(written)["sessions"][0]["how"]["policy_server"]
    assert (stated["url"], stated["model"], stated["max_model_len"]) == (server.url, "b/c-7B", 4096)
    assert stated["version"] == "0.0-scripted"
    printed = capsys.readouterr()
    assert f"--policy {server.url}: completions: n is ignored" in printed.err
    requests = json.loads(written)["sessions"][0]["engines"]["policy"]["requests"]
    assert f"Server of the policy: {requests:,} requests, 0 of them failed" in printed.out


def test_the_only_model_of_a_server_need_not_be_named(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 1)
    arguments = ("--task", f"user:{task}", "--preset", "greedy", "--interpreter", "arithmetic", "--out", tmp_path)
    with model_server(sums) as server:
        assert rstar("run", *arguments, "--policy", server.url) == 0
        assert rstar("run", *arguments, "--policy", f"{server.url}#tiny") == 0
    assert len(list(tmp_path.glob(f"*/*/{RUN_FILE}"))) == 1


def test_a_served_policy_may_be_judged_by_a_served_model(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 2)
    with model_server(sums, classifies="logit") as server:
        spec = make_spec(fields(task, server, preset="tiny", ppm=f"{server.url}#tiny"))
        plan = plan_run(spec, tmp_path)
        assert run(plan, Options(2)).status == "complete"
    stated = json.loads((plan.folder / RUN_FILE).read_text())["sessions"][0]["how"]
    assert stated["ppm_server"]["path"] == "/classify"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy": "builtin", "engine": "server"}, "'policy': builtin does not go with engine server; name one with"),
        ({"engine": "transformers"}, "does not go with engine transformers; use engine server"),
        ({"chat_template": "alpaca"}, "chat template 'alpaca' is unknown; use one of plain, chatml"),
        ({"chat_template": "chatml"}, "layout rstar-sft goes through none; use layout chat, cot, cot-steps"),
        ({"policy": "http://a:b@host/v1#m"}, "holds a user or a password"),
        ({"policy": "http://host/v1"}, "names no model; write http://host/v1#MODEL"),
    ],
)
def test_what_does_not_go_together_is_one_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    task = write_task(tmp_path / "sums.jsonl", 1)
    given = {"task": f"user:{task}", "preset": "greedy", "policy": "http://host/v1#m", "ppm": "none", **change}
    with pytest.raises(InputError, match=message) as caught:
        plan_run(make_spec(given), tmp_path)
    assert "\n" not in str(caught.value)


def test_where_a_server_is_is_no_part_of_the_identity_and_its_model_is(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 1)

    def name(policy: str, **changes: str) -> str:
        given = {"task": f"user:{task}", "preset": "greedy", "policy": policy, "ppm": "none", **changes}
        return plan_run(make_spec(given), tmp_path).record.id

    here = name("http://here:1/v1#m")
    assert name("https://there.example/v1#m") == here
    assert name("http://here:1/v1#n") != here
    assert name("http://here:1/v1#m", layout="cot") != here
    assert name("http://here:1/v1#m", layout="cot", chat_template="chatml") != name("http://here:1/v1#m", layout="cot")


def test_a_served_policy_needs_neither_torch_nor_transformers() -> None:
    code = (
        "import sys\n"
        "import harness.engines, harness.policy_check\n"
        "import rstar.engines.openai_server, rstar.engines.server_reward\n"
        "print(sorted({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
