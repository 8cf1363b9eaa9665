"""A record does not depend on company: how many problems are solved at a time, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest
from sum_runs import records, solved, trees, write_task


@pytest.mark.parametrize("preset", ["tiny", "self-consistency", "dvts"])
def test_records_do_not_depend_on_concurrency_or_order(tmp_path: Path, preset: str) -> None:
    settings = {"preset": preset, "trees": "full", "seeds": [0, 1]}
    alone = solved(write_task(tmp_path / "sums.jsonl", 10), tmp_path / "alone", 1, **settings)
    (tmp_path / "other").mkdir()
    shuffled = write_task(tmp_path / "other" / "sums.jsonl", 10, order_seed=3)
    together = solved(shuffled, tmp_path / "together", 8, **settings)
    assert records(together.folder) == records(alone.folder)
    assert trees(together.folder) == trees(alone.folder)
    assert len(records(alone.folder)) == 20


def test_seeds_give_different_searches(tmp_path: Path) -> None:
    found = records(solved(write_task(tmp_path / "sums.jsonl", 6), tmp_path, seeds=[0, 1]).folder)
    assert any(found[f"sums/p{number}", 0]["values"] != found[f"sums/p{number}", 1]["values"] for number in range(6))
