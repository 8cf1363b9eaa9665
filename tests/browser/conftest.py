"""A site in a real browser: Debian's Chromium through Playwright, from files; every request is noted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed: run `make test-browser`")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1400, "height": 900}
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ROOT = Path(__file__).parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def chromium() -> str | None:
    """The browser: the one that RSTAR_CHROMIUM names, or the first that is installed."""
    names = (os.environ.get("RSTAR_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium is installed: run `make test-browser` as root, or name one with RSTAR_CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the published runs, with their trees where journals are there, and of an evolution."""
    from test_evolutions import REPORT, write

    from leaderboard.build import build
    from leaderboard.site_options import SiteOptions

    folder = tmp_path_factory.mktemp("site")
    results = folder / "results"
    shutil.copytree(ROOT / "results" / "procedural", results / "procedural")
    write(results / "evolutions" / "made-up", REPORT)
    build(results, folder / "site", SiteOptions(trees="journals", max_trees=12))
    return folder / "site"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile, wide and light."""
    made = browser.new_context(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    made.set_default_timeout(60_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which a complaint in the console, an error or a request that is no file fails the test."""
    complaints: list[str] = []
    made = context.new_page()
    made.on("console", lambda said: complaints.append(f"console: {said.text}") if said.type in _LOUD else None)
    made.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    made.on("request", lambda asked: complaints.append(f"request: {asked.url}") if not _is_local(asked.url) else None)
    made.on("requestfailed", lambda asked: complaints.append(f"not loaded: {asked.url}"))
    made.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    yield made
    assert complaints == []


_LOUD = ("error", "warning")


def _is_local(url: str) -> bool:
    return url.startswith(("file://", "data:", "blob:"))


def serious(page: Page) -> list[str]:
    """What axe-core finds on the page that is serious or critical: rule, element and why."""
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [
        f"{each['id']}: {node['target']}: {node['failureSummary']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
