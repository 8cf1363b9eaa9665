"""Training data from search trees: SFT rows and preference pairs, streamed, each with the nodes that it came from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from rstar.synthesis.coverage import without_noise
from rstar.synthesis.json_stream import written_whole
from rstar.synthesis.pairs import RULES, Pair, PairSettings, pair_of
from rstar.synthesis.select import TOP, select_solutions
from rstar.synthesis.shards import read_shards
from rstar.synthesis.tree_pairs import node_pairs
from rstar.synthesis.trees import ProblemTrees


@dataclass(slots=True)
class ExtractReport:
    """What came of an extraction."""

    num_problems: int = 0
    num_nodes: int = 0
    num_solutions: int = 0
    num_pairs: dict[str, dict[int, int]] = field(default_factory=dict)
    """Rule to depth to number of pairs."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Problems left out, by reason: `noisy` (doubtful label), `unsolved`."""

    def count_pair(self, rule: str, depth: int) -> None:
        """Count one pair."""
        depths = self.num_pairs.setdefault(rule, {})
        depths[depth] = depths.get(depth, 0) + 1

    def as_fields(self) -> dict[str, Any]:
        """All of it as JSON, rules and depths in order."""
        pairs = {rule: self.num_pairs[rule] for rule in RULES if rule in self.num_pairs}
        return asdict(self) | {"num_pairs": {rule: dict(sorted(depths.items())) for rule, depths in pairs.items()}}


def extract(
    shards: Sequence[Path],
    *,
    sft: Path | None,
    pairs: Path | None,
    settings: PairSettings,
    top: int = TOP,
    keep_noisy: bool = False,
) -> ExtractReport:
    """Write the SFT rows and the pairs of a synthesis as JSONL, each file whole or not at all.

    Rows are those of `rstar train`, with `nodes` on top: shard, tree and path of node numbers, for lineage. Raises
    InputError for shards that do not belong together or are torn.
    """
    report, dropped = ExtractReport(), Counter[str]()
    rows = read_shards(shards)
    with _file(sft) as sft_file, _file(pairs) as pair_file:
        for trees in rows if keep_noisy else without_noise(rows, dropped):
            report.num_problems += 1
            report.num_nodes += len(trees.nodes)
            if sft_file is not None:
                found = list(sft_rows(trees, top))
                report.num_solutions += len(found)
                dropped["unsolved"] += not found
                sft_file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in found)
            if pair_file is not None:
                for row in pair_rows(trees, settings):
                    report.count_pair(row["rule"], row["depth"])
                    pair_file.write(json.dumps(row, ensure_ascii=False) + "\n")
    report.dropped = {reason: count for reason, count in sorted(dropped.items()) if count}
    return report


def sft_rows(trees: ProblemTrees, top: int = TOP) -> Iterator[dict[str, Any]]:
    """The best solutions of one problem as rows of an SFT file."""
    for found in select_solutions(trees, top):
        yield {
            "id": trees.problem.id,
            "question": trees.problem.question,
            "solution": trees.nodes.beginning(found.node),
            "average_q": round(found.average_q, 6),
            "nodes": _address(trees, found.node),
        }


def pair_rows(trees: ProblemTrees, settings: PairSettings) -> Iterator[dict[str, Any]]:
    """The pairs of one problem as rows of a pair file."""
    for found in node_pairs(trees, settings):
        nodes = {"chosen": _address(trees, found.chosen), "rejected": _address(trees, found.rejected)}
        counts = {"pos_count": found.counts[0], "neg_count": found.counts[1]}
        pair = pair_of(trees, found)
        yield {name: getattr(pair, name) for name in Pair.__slots__} | counts | {"nodes": nodes}


def _address(trees: ProblemTrees, node: int) -> dict[str, Any]:
    return {"row": trees.source, "tree": trees.nodes.tree[node], "path": trees.nodes.path(node)}


def _file(path: Path | None) -> AbstractContextManager[TextIO | None]:
    """The file to write; None for none."""
    return nullcontext() if path is None else written_whole(path)
