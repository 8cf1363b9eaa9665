"""Shards of search trees: what goes in comes out, and what does not belong together is refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from adding import exact, guides, spec
from hand_trees import drawn

from rstar.prompts import solution_text
from rstar.search.presets import METHODS
from rstar.synthesis import shards
from rstar.synthesis.labels import Labels
from rstar.synthesis.shards import check_shards, read_outcomes, read_shards, write_shard
from rstar.synthesis.spill import Spill
from rstar.synthesis.trees import problem_trees
from rstar.types import SearchResult
from tasks.types import InputError, Problem

ROWS = [
    replace(drawn(seed), reference=("1", "one") if seed == 2 else "1", source="", usage={"requests": seed})
    for seed in range(5)
]
PROBLEM = Problem("adding/1", "What is the sum 3 + 4 + 5?", "sums", "2")


def searched(method: str) -> SearchResult:
    how, given = spec(), guides()
    labels = Labels(PROBLEM, "12", exact)
    return asyncio.run(METHODS[method].search(PROBLEM, given.policy, labels, given.interpreter, how.config, 0))


def written(folder: Path, number: int, spec_hash: str = "s") -> Path:
    path = folder / f"trees-{number:05d}.parquet"
    write_shard(path, iter(ROWS), spec_hash)
    return path


def test_a_shard_gives_back_what_was_written(tmp_path: Path) -> None:
    path = written(tmp_path, 0)
    assert list(read_shards([path])) == [replace(row, source=f"{path.name}#{n}") for n, row in enumerate(ROWS)]


def test_many_nodes_are_several_row_groups_and_come_back_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "GROUP_NODES", 100)
    path = written(tmp_path, 0)
    assert pq.ParquetFile(path).num_row_groups == 3
    assert [row.nodes for row in read_shards([path])] == [row.nodes for row in ROWS]


def test_equal_rows_make_equal_bytes(tmp_path: Path) -> None:
    assert written(tmp_path, 0).read_bytes() == written(tmp_path, 1).read_bytes()


def test_outcomes_are_read_without_nodes(tmp_path: Path) -> None:
    found = list(read_outcomes(written(tmp_path, 0)))
    assert [(each.num_rollouts, each.num_right, each.difficulty) for each in found] == [
        (row.num_rollouts, row.num_right, row.difficulty) for row in ROWS
    ]


def test_shards_of_two_specs_are_refused_together(tmp_path: Path) -> None:
    paths = [written(tmp_path, 0, "first"), written(tmp_path, 1, "second")]
    with pytest.raises(InputError, match=r"trees-00001.parquet: was made with other settings \(second\)"):
        check_shards(paths)


def test_a_shard_of_another_version_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, 0)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({b"rstar.format": b"rstar-trees-0", b"rstar.spec": b"s"}), path)
    with pytest.raises(InputError, match="has the format 'rstar-trees-0', not rstar-trees-1"):
        list(read_shards([path]))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_torn_shard_is_refused(tmp_path: Path, share: float) -> None:
    path = written(tmp_path, 0)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"is torn or no Parquet file .*delete it and synthesize again"):
        list(read_shards([path]))


def test_a_table_that_is_no_shard_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="is no shard of search trees"):
        check_shards([tmp_path / "other.parquet"])


def test_an_empty_folder_has_nothing_to_read() -> None:
    with pytest.raises(InputError, match="no shard of search trees to read"):
        list(read_shards([]))


def test_a_spill_gives_its_rows_in_the_order_of_the_pool(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "s.jsonl")
    for place in (3, 0, 2):
        spill.add(place, ROWS[place])
    assert list(Spill(tmp_path / "s.jsonl").rows()) == [ROWS[0], ROWS[2], ROWS[3]]


def test_a_torn_line_of_a_spill_is_dropped_and_a_changed_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    spill = Spill(path)
    for place in range(3):
        spill.add(place, ROWS[place])
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    assert set(Spill(path).places) == {0, 1}
    path.write_bytes(whole.replace(b"What?", b"Where", 1))
    with pytest.raises(InputError, match="line 1: is damaged; delete the file"):
        Spill(path)


def test_a_record_holds_every_node_of_the_search_with_its_q() -> None:
    result = searched("mcts")
    nodes = problem_trees(PROBLEM, "12", [(0, result)]).nodes
    found = [node for root in result.trees for node in root.walk()]
    assert [nodes.beginning(index) for index in range(len(nodes))] == [solution_text(node.trajectory) for node in found]
    assert nodes.q == [node.q_value for node in found]
    assert nodes.visits == [node.visit_count for node in found]
    assert all(above < index for index, above in enumerate(nodes.parent))


@pytest.mark.parametrize("method", ["mcts", "sample"])
def test_rollouts_end_at_the_nodes_of_their_trajectories(method: str) -> None:
    result = searched(method)
    row = problem_trees(PROBLEM, "12", [(0, result)])
    ends = sorted((number, node) for node, number in enumerate(row.nodes.rollout) if number >= 0)
    assert [row.nodes.beginning(node) for _, node in ends] == [solution_text(each) for each in result.trajectories]
    assert row.num_right == sum(each.answer == "12" for each in result.trajectories)


def test_q_of_independent_samples_is_the_mean_label_below_a_node() -> None:
    result = searched("sample")
    nodes = problem_trees(PROBLEM, "12", [(0, result)]).nodes
    for node in range(len(nodes)):
        beginning = nodes.beginning(node)
        below = [
            value
            for each, value in zip(result.trajectories, result.values, strict=True)
            if solution_text(each).startswith(beginning)
        ]
        if nodes.ending[node] == "open":
            assert nodes.q[node] == pytest.approx(sum(below) / len(below))


def test_labels_are_those_of_the_reference_and_failures_have_none() -> None:
    nodes = problem_trees(PROBLEM, "12", [(0, searched("mcts"))]).nodes
    for answer, label, ending in zip(nodes.answer, nodes.label, nodes.ending, strict=True):
        assert label == (0 if ending != "answered" else 1 if answer == "12" else -1)
    assert "code_error" in nodes.ending
