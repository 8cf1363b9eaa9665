from __future__ import annotations

from pathlib import Path

import pytest

from harness.atomic_file import atomic_text
from tasks.types import InputError


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with atomic_text(path) as file:
        file.write("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "out"
    path.write_text("old")

    def write_in_part() -> None:
        with atomic_text(path) as file:
            file.write("new")
            raise error

    with pytest.raises(error):
        write_in_part()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere/out: cannot be written"), atomic_text(tmp_path / "nowhere" / "out"):
        pass


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a regular file"), atomic_text(tmp_path):
        pass


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    with atomic_text(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_an_error_of_the_block_itself_keeps_its_kind(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), atomic_text(tmp_path / "out"):
        raise BrokenPipeError(32, "Broken pipe")


def test_a_lone_surrogate_becomes_its_escape(tmp_path: Path) -> None:
    with atomic_text(tmp_path / "out") as file:
        file.write('"\ud800"')
    assert (tmp_path / "out").read_bytes() == b'"\\ud800"'
