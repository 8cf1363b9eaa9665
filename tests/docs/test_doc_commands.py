"""Every block of commands in README.md and docs/ is run, here or in the slow suite, or says why it cannot be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from block_runs import run_in_process, run_in_shell, workplace
from doc_blocks import ROOT, Block, blocks, pages

FAST_BLOCKS = [
    block for page in pages() for block in blocks(page) if block.is_commands and block.marker.kind in ("", "run")
]
SLOW_PAGES = [page for page in pages() if any(block.marker.kind == "slow" for block in blocks(page))]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One working folder for all fast blocks: they read, or write what no other reads."""
    return workplace(tmp_path_factory.mktemp("repository"))


@pytest.mark.parametrize("block", FAST_BLOCKS, ids=lambda block: block.name)
def test_a_block_runs(
    block: Block, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setenv("RSTAR_CACHE_DIR", str(repository / ".cache"))
    found = run_in_process(block)
    assert found is None, f"{found}\n{capsys.readouterr().err}"


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_of_a_page_run_one_after_the_other(page: Path, tmp_path: Path) -> None:
    folder = workplace(tmp_path)
    for block in blocks(page):
        if block.is_commands and block.marker.kind != "not run":
            found = run_in_shell(block, folder)
            assert found is None, found


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_python_and_yaml_in_a_page_can_be_read(page: Path) -> None:
    import yaml

    for block in blocks(page):
        if block.language == "python":
            compile(block.text, block.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
        elif block.language in ("yaml", "yml"):
            assert yaml.safe_load(block.text) is not None, block.name


def test_a_block_that_cannot_be_run_gives_its_reason() -> None:
    silent = [
        block.name
        for page in pages()
        for block in blocks(page)
        if block.is_commands and block.marker.kind == "not run" and len(block.marker.reason.split()) < 2
    ]
    assert silent == []
