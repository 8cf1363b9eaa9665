from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import Invented, make_run

from harness.cli import main
from leaderboard.build import build
from leaderboard.check import stale_page, stale_site
from leaderboard.table_page import table_page
from tasks.types import InputError


@pytest.fixture
def results(tmp_path: Path) -> Path:
    make_run(tmp_path / "results", 4, budgets=[1])
    return tmp_path / "results"


def run(*arguments: object) -> object:
    with pytest.raises(SystemExit) as leaving:
        main(["leaderboard", "check", *map(str, arguments)])
    return leaving.value.code


def test_the_committed_page_is_stale_as_soon_as_a_run_is_added(results: Path, tmp_path: Path) -> None:
    page = tmp_path / "table.md"
    assert stale_page(page, results) == f"{page}: is missing"
    page.write_text(table_page(results))
    assert stale_page(page, results) == ""
    make_run(results, 4, Invented(skill=0.9), preset="greedy", budgets=[1])
    assert "is not what" in stale_page(page, results)


def test_the_command_writes_checks_and_leaves_with_1_when_stale(results: Path, tmp_path: Path) -> None:
    page = tmp_path / "table.md"
    arguments = ("--results", results, "--page", page)
    assert run(*arguments) == 1
    assert not run(*arguments, "--write")
    assert not run(*arguments)
    page.write_text(page.read_text().replace("| 1 [", "| 7 ["))
    assert run(*arguments) == 1


def test_a_site_is_stale_when_results_or_its_files_change(results: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    build(results, site)
    assert stale_site(site, results) == []
    page = site / "index.html"
    page.write_text(page.read_text().replace("Leaderboard", "Liederboard"))
    assert stale_site(site, results) == [f"{page}: was changed after it was built"]
    page.unlink()
    new = make_run(results, 4, preset="greedy", budgets=[1])
    [changed] = [each for each in results.rglob("problems.jsonl") if each.parent != new]
    changed.write_bytes(changed.read_bytes()[:-1])
    assert sorted(stale_site(site, results)) == sorted(
        [
            f"{page}: is missing",
            f"results/aime2024/{new.name}: is not on the site yet",
            f"results/aime2024/{changed.parent.name}: has changed since the site was built",
        ]
    )


def test_a_folder_without_a_site_is_bad_input(results: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no site's list of files"):
        stale_site(tmp_path, results)


def test_the_page_names_command_commit_and_interval(results: Path) -> None:
    page = table_page(results)
    assert "| 1 [1, 1] | tiny, weighted vote |" in page
    assert "`rstar run --task aime2024 --preset tiny --policy noisy_source.py" in page
    assert "at 0000000000." in page


def test_the_repositorys_own_page_is_fresh() -> None:
    root = Path(__file__).parents[2]
    assert stale_page(root / "leaderboard" / "README.md", root / "results") == ""
