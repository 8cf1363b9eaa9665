"""Where a run came from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.provenance import Commit, installed, provenance, source_commit


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit that holds a part of the product."""
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness" / "a.py").write_text("1\n")
    for command in (
        ("init", "--quiet"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "one"),
    ):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    return tmp_path


def test_a_committed_product_is_clean(repository: Path) -> None:
    found = source_commit(repository)
    assert found.commit is not None
    assert len(found.commit) == 40
    assert found.is_dirty is False


def test_a_changed_or_new_file_of_the_product_makes_it_dirty(repository: Path) -> None:
    (repository / "harness" / "b.py").write_text("2\n")
    assert source_commit(repository).is_dirty is True
    (repository / "harness" / "b.py").unlink()
    (repository / "harness" / "a.py").write_text("2\n")
    assert source_commit(repository).is_dirty is True


def test_results_and_notes_leave_it_clean(repository: Path) -> None:
    (repository / "results").mkdir()
    (repository / "results" / "run.json").write_text("{}")
    (repository / "notes.txt").write_text("x")
    assert source_commit(repository).is_dirty is False


def test_a_package_below_somebody_elses_repository_is_not_of_it(repository: Path) -> None:
    assert source_commit(repository / "harness") == Commit(None, None)


def test_without_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    assert source_commit(tmp_path) == Commit(None, None)


def test_without_git_there_is_no_commit(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert source_commit(repository) == Commit(None, None)


def test_packages_that_are_not_installed_are_left_out() -> None:
    assert list(installed(("pytest", "no-such-package"))) == ["pytest"]


def test_a_session_names_device_and_sandbox() -> None:
    session = provenance("one GPU", "full")
    assert (session["device"], session["sandbox"]) == ("one GPU", "full")
    assert session["cores"] >= 1
