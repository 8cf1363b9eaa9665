"""The documentation site: every page can be reached, every example runs, and what loads from elsewhere is found."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from doc_blocks import ROOT
from site_requests import loads_from_elsewhere

EXAMPLES = ROOT / "docs" / "examples" / "extend"


def test_every_page_stands_in_the_navigation_once() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    named = re.findall(r"[\w-]+\.md", navigation)
    assert sorted(named) == sorted(str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("name", ["my_prm.py", "my_task.py"])
def test_an_example_does_what_it_says(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    assert capsys.readouterr().out


def test_every_example_is_shown_on_the_page() -> None:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    assert all(f'--8<-- "extend/{path.name}"' in page for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('<script src="https://cdn.example/a.js"></script>', 1),
        ('<link rel="stylesheet" href=//fonts.example/css>', 1),
        ('<link href="https://fonts.example" rel="preconnect">', 1),
        ("<style>@import url(https://fonts.example/a.css)</style>", 1),
        ('<img alt="x" src="images/a.png"><a href="https://arxiv.org">paper</a>', 0),
        ('<link rel="canonical" href="https://example.org/page">', 0),
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(tmp_path: Path, text: str, number: int) -> None:
    (tmp_path / "page.html").write_text(text)
    assert len(loads_from_elsewhere(tmp_path)) == number
