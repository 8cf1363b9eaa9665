"""The data file of one search tree, with long texts cut and kept aside."""

from __future__ import annotations

from typing import Any

from leaderboard.site_data import LongTexts, write_data
from leaderboard.site_files import SiteFiles

_FIELDS = ("origin", "is_counted", "nodes", "rollouts")


def write_tree_data(files: SiteFiles, name: str, content: dict[str, Any]) -> None:
    """Write the data file `name` for a tree of `harness.search_tree`."""
    long = LongTexts(files, f"{name}-text")
    shown = {field: content[field] for field in _FIELDS}
    write_data(files, name, {**shown, "texts": [long.shown(text) for text in content["texts"]]})
