"""`rstar serve` on the command line: what it refuses in one line, and how it stops."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serve_world import CHAT, KEY, body
from sum_runs import SOURCE, rstar

from harness import cli_serve

SCRIPTED = ("serve", "--engine", "scripted", "--policy", SOURCE, "--interpreter", "arithmetic", "--preset", "tiny")


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line with which the command ends."""
    assert rstar(*arguments) == 2
    line = capsys.readouterr().err
    assert line.startswith("error: ")
    assert line.count("\n") == 1
    return line


def test_a_port_in_use_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"--port {port}" in refusal(capsys, *SCRIPTED, "--port", port)


def test_a_missing_model_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ("--policy", tmp_path / "none", "--ppm", "builtin", "--preset", "tiny", "--port", 0)
    assert "does not exist" in refusal(capsys, "serve", *arguments)


def test_a_missing_extra_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.util.find_spec

    def without_uvicorn(name: str, *rest: Any) -> Any:
        return None if name == "uvicorn" else known(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without_uvicorn)
    assert "pip install 'rstar-bench[serve]'" in refusal(capsys, *SCRIPTED)


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("--host", "0.0.0.0"), "RSTAR_API_KEY"),
        (("--host", "no.such.host.invalid"), "--host"),
        (("--api-keys", "/does/not/exist"), "--api-keys"),
        (("--concurrency", "0"), "--concurrency"),
        (("--request-seconds", "nan"), "--request-seconds"),
        (("--max-budget", "2", "--budget", "4", "--port", "0"), "--max-budget"),
        (("--method", "magic"), "method"),
        (("--set", "speed=3", "--port", "0"), "speed"),
    ],
)
def test_what_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], word: str
) -> None:
    monkeypatch.delenv("RSTAR_API_KEY", raising=False)
    assert word in refusal(capsys, *SCRIPTED, *flags)


def test_the_file_of_a_run_sets_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, seen = tmp_path / "run.yaml", []
    file.write_text("task: aime2024\npreset: tiny\nbudgets: [1, 9]\nsearch: {num_candidates: 3}\nthreads: 2\n")
    monkeypatch.setattr(cli_serve, "_serve", lambda *what: seen.append(what) or 0)
    assert rstar(*SCRIPTED[:-2], file, "--temperature", 0.5, "--queue", 7) == 0
    spec, resources, limits = seen[0][:3]
    assert (spec.method, spec.config.budget, spec.config.num_candidates, spec.config.temperature) == ("mcts", 9, 3, 0.5)
    assert (resources.threads, limits) == (2, {"queue": 7})


def test_a_field_that_only_a_run_has_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.yaml").write_text("out: results\n")
    assert "'out'" in refusal(capsys, *SCRIPTED, tmp_path / "run.yaml")


@pytest.mark.parametrize("kind", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_server_that_is_told_to_stop_ends_what_it_does_and_leaves_with_0(kind: signal.Signals) -> None:
    # As in a container: all addresses, the key from the environment.
    environment = os.environ | {"RSTAR_API_KEY": KEY, "RSTAR_TEST_PAUSE": "0.02", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "harness.cli", *map(str, SCRIPTED), "--host", "0.0.0.0", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        url = line.split()[2].replace("0.0.0.0", "127.0.0.1").removesuffix("/v1")
        assert httpx2.post(url + CHAT, json=body()).status_code == 401
        headers = {"authorization": f"Bearer {KEY}"}
        with httpx2.stream("POST", url + CHAT, json=body(budget=2, stream=True), headers=headers, timeout=60) as reply:
            server.send_signal(kind)
            text = "".join(reply.iter_text())
        assert text.endswith("data: [DONE]\n\n")
        _, errors = server.communicate(timeout=60)
    finally:
        server.kill()
        server.communicate()
    assert server.returncode == 0
    lines = [json.loads(each) for each in errors.splitlines()]
    assert [each["event"] for each in lines] == ["listening", "request", "stopping", "request", "stopped"]
