"""Checks that the built documentation asks no other host for anything: by reading its files, and in a browser.

    python tests/docs/site_requests.py build/site

The browser is Chromium through Playwright where both are there (`--require-browser` insists); every page is opened, and
every request that is not to the local server is an error, as is a failed one and an error in the console.
"""

from __future__ import annotations

import argparse
import functools
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_LOADING = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc\s*=\s*[\"']?(?P<src>(?:https?:)?//[^\"'\s>]+)"
    r"|<link\b(?=[^>]*\brel\s*=\s*[\"']?(?:stylesheet|preload|icon|preconnect|dns-prefetch|prefetch|manifest))"
    r"[^>]*?\bhref\s*=\s*[\"']?(?P<href>(?:https?:)?//[^\"'\s>]+)",
    re.IGNORECASE,
)
_STYLE = re.compile(r"(?:@import\s+|url\()\s*[\"']?(?P<src>(?:https?:)?//[^\"')\s]+)", re.IGNORECASE)


def loads_from_elsewhere(site: Path) -> list[str]:
    """Every element of a page, and every rule of a style sheet, that loads something from another host."""
    found = []
    for path in sorted(site.rglob("*")):
        if path.suffix not in (".html", ".css"):
            continue
        text = path.read_text(encoding="utf-8")
        hits = [*_LOADING.finditer(text), *_STYLE.finditer(text)] if path.suffix == ".html" else _STYLE.finditer(text)
        found += [f"{path.relative_to(site)}: {hit.group(0)[:120]}" for hit in hits]
    return found


def browser_complaints(site: Path, chromium: str) -> list[str]:
    """What goes wrong, or leaves for another host, while every page is opened."""
    from playwright.sync_api import sync_playwright

    complaints: list[str] = []
    handler = functools.partial(_Quiet, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}/"
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            page.on(
                "request", lambda r: None if r.url.startswith((home, "data:", "blob:")) else complaints.append(r.url)
            )
            page.on("response", lambda r: complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)
            page.on("console", lambda m: complaints.append(f"{page.url}: {m.text}") if m.type == "error" else None)
            for name in _pages(site):
                page.goto(home + name, wait_until="networkidle")
            browser.close()
    finally:
        server.shutdown()
    return complaints


def _pages(site: Path) -> Iterator[str]:
    yield from (str(path.relative_to(site)) for path in sorted(site.rglob("*.html")) if path.name != "404.html")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


def main() -> int:
    """0 where nothing leaves, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path)
    parser.add_argument("--require-browser", action="store_true")
    asked = parser.parse_args()
    found = loads_from_elsewhere(asked.site)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        import playwright  # noqa: F401
    except ImportError:
        chromium = None
    if chromium:
        found += browser_complaints(asked.site, chromium)
    elif asked.require_browser:
        found.append("no Chromium with Playwright here: the pages were read, not opened")
    number = len(list(_pages(asked.site)))
    how = "read and opened in Chromium" if chromium else "read (no Chromium with Playwright here to open them)"
    sys.stdout.write("\n".join([*found, f"{number} pages {how}: {len(found)} requests elsewhere or errors", ""]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
