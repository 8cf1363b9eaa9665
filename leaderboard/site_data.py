"""Data files of a site: JSON that a page loads by a script element, which works from a file and needs no server.

`rstarData("data/RUN/run", "...")` hands a text to assets/registry.js, which parses it: data is never run as a program.
Texts of models may be of any length: what is longer than `MAX_TEXT` is cut, and the whole lies in a file of its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from harness.exports.exported_run import clean
from leaderboard.site_files import SiteFiles

MAX_TEXT = 4_000
"""Characters of one text in the file of its page; a long solution has 2,000. Chosen, not tuned."""
Shown = str | list[Any]
"""A text, or [its beginning, its length in characters, the name of the data file that holds all of it]."""


def write_data(files: SiteFiles, name: str, content: Any) -> None:
    """Write `name`.js, which registers `content` under `name`."""
    write_json(files, name, json.dumps(content, separators=(",", ":"), allow_nan=False))


def write_json(files: SiteFiles, name: str, text: str) -> None:
    """The same for content that is JSON already. It stays JSON in a text: nothing in it is read as JavaScript."""
    # ASCII and without `<`: whatever reads the file, in whatever encoding, finds no markup in it.
    literal = json.dumps(text).replace("<", "\\u003c")
    files.content(f"{name}.js", f"rstarData({json.dumps(name)},{literal});\n".encode("ascii"))


@dataclass(slots=True)
class LongTexts:
    """The texts of one problem's page that are too long for it, each written to a file of its own."""

    files: SiteFiles
    prefix: str
    """Of the files' names, below the site's folder."""
    num_written: int = 0

    def shown(self, text: str) -> Shown:
        """`text` as it goes into a data file."""
        if len(text) <= MAX_TEXT:
            # A site has millions of short texts, and all but a few are ASCII, where nothing is to be cleaned.
            return text if text.isascii() else clean(text)
        text = clean(text)
        name = f"{self.prefix}-{self.num_written}"
        self.num_written += 1
        write_data(self.files, name, text)
        return [text[:MAX_TEXT], len(text), name]
