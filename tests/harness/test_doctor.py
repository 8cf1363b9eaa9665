"""`rstar doctor`: what it says about packages, folders and GPUs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness import machine, package_versions
from harness.doctor_report import folder_lines, machine_lines, package_lines, size
from harness.package_versions import Package, engines, packages


def package(**changes: object) -> Package:
    fields = {"name": "numpy", "version": "2.4.6", "required": ">=2.0", "extras": (), "is_satisfied": True}
    return Package(**{**fields, "tested": "2.4.6", **changes})  # type: ignore[arg-type]


def text(*found: Package) -> str:
    return "\n".join(package_lines(found))


def test_a_package_of_another_version_than_the_tested_one_is_named() -> None:
    assert "all as in the tested set" in text(package(), package(name="torch", version="2.13.0+cpu", tested="2.13.0"))
    assert "other than the tested set: numpy 2.5.0 (tested 2.4.6)" in text(package(version="2.5.0"))


def test_a_package_that_is_too_old_and_one_of_the_base_that_is_missing_are_named() -> None:
    assert "WRONG VERSION: numpy 1.26, needed >=2.0" in text(package(version="1.26", is_satisfied=False))
    assert "MISSING: numpy >=2.0" in text(package(version=None, is_satisfied=False))
    assert "MISSING" not in text(package(version=None, is_satisfied=False, extras=("search",)))


def test_the_packages_of_this_environment_are_read_with_what_is_asked_of_them() -> None:
    found = {each.name: each for each in packages()}
    assert found["numpy"].extras == ()
    assert found["numpy"].is_satisfied
    assert "search" in found["torch"].extras
    assert "pytest" not in found
    assert found["math-verify"].extras == ("math-verify",)


def test_an_engine_says_what_to_install_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_versions, "installed_version", lambda name: None if name == "torch" else "1")
    found = {each.name: each for each in engines()}
    assert found["transformers"].advice == "pip install 'rstar-bench[search]'"
    assert found["scripted"].advice == ""


def test_gpus_are_those_that_the_driver_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = "NVIDIA H100 80GB HBM3, 81559, 81000, 560.35.03\nBroken, [N/A], [N/A], 1\n"
    monkeypatch.setattr(machine.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    done = subprocess.CompletedProcess([], 0, listed, "")
    monkeypatch.setattr(machine.subprocess, "run", lambda *_, **__: done)
    [gpu] = machine.gpus()
    assert (gpu.name, gpu.memory_mib, gpu.driver) == ("NVIDIA H100 80GB HBM3", 81559, "560.35.03")
    here = machine.machine()
    assert any("H100 80GB HBM3, 80 GiB, 79 GiB free, driver 560.35.03" in line for line in machine_lines(here))


def test_a_driver_that_fails_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "which", lambda _: "/bin/false")
    assert machine.gpus() == ()


def test_folders_are_counted_without_following_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSTAR_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "file").write_bytes(b"x" * 5000)
    (tmp_path / "cache" / "link").symlink_to(tmp_path / "cache" / "file")
    found = {each.purpose: each for each in machine.folders(tmp_path / "none")}
    assert 5000 <= found["downloads"].used_bytes < 6000
    assert not found["results"].exists
    assert found["results"].free_bytes > 0
    assert "not there yet" in "\n".join(folder_lines([found["results"]]))


@pytest.mark.parametrize(
    ("num_bytes", "expected"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (80 << 30, "80 GiB")]
)
def test_sizes_are_read_easily(num_bytes: int, expected: str) -> None:
    assert size(num_bytes) == expected
