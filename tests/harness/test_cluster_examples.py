"""The launch files of docs/cluster.md: readable by their programs, and asking for flags that there are."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]

from harness.cli_run import run

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
SLURM, KUBERAY = EXAMPLES / "cluster.sbatch", EXAMPLES / "cluster-kuberay.yaml"


def flags_of_run() -> set[str]:
    """All flags of `rstar run`."""
    app = typer.Typer()
    app.command()(run)
    return {flag for parameter in typer.main.get_command(app).params for flag in parameter.opts}


def flags_in(command: str) -> set[str]:
    """Those that the `rstar run` in `command` gets."""
    one_line = command.replace("\\\n", " ").strip()
    [arguments] = re.findall(r"rstar run (.*?)(?: &|$)", one_line, flags=re.DOTALL | re.MULTILINE)
    return {word for word in shlex.split(arguments) if word.startswith("--")}


def job() -> dict[str, Any]:
    [found] = yaml.safe_load_all(KUBERAY.read_text())
    assert isinstance(found, dict)
    return found


def test_the_slurm_script_is_valid_bash() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    done = subprocess.run([bash, "-n", str(SLURM)], capture_output=True, text=True, timeout=20, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


def test_both_files_use_flags_that_there_are() -> None:
    for command in (SLURM.read_text(), job()["spec"]["entrypoint"]):
        found = flags_in(command)
        assert {"--workers", "--ray-wait", "--gpus-per-worker"} <= found
        assert found <= flags_of_run()


def test_the_kuberay_job_asks_for_as_many_gpus_as_workers() -> None:
    spec = job()["spec"]
    words = shlex.split(spec["entrypoint"])
    workers, gpus = (int(words[words.index(flag) + 1]) for flag in ("--workers", "--gpus-per-worker"))
    [group] = spec["rayClusterSpec"]["workerGroupSpecs"]
    [container] = group["template"]["spec"]["containers"]
    assert group["replicas"] * int(container["resources"]["limits"]["nvidia.com/gpu"]) == workers * gpus


def test_the_head_of_the_kuberay_job_keeps_the_results_and_no_worker_does() -> None:
    cluster = job()["spec"]["rayClusterSpec"]
    mounts = [
        {each["mountPath"] for each in spec["template"]["spec"]["containers"][0]["volumeMounts"]}
        for spec in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])
    ]
    assert "/results" in mounts[0]
    assert all("/results" not in each for each in mounts[1:])
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
