"""Extraction from search trees: nodes a second on one core, and memory, against two ways that one would write at first.

    python tests/benchmarks/extraction.py --nodes 1000000 --json extraction.json

Both take the two best right solutions and the paper's pairs (or the released code's) from the same Parquet shards:

- `ours`: `rstar.synthesis.extract`, streamed, both JSONL files written.
- `pandas`: one row per node in a data frame, `groupby` over problems and parents, ends found by merging upwards.
- `objects`: every tree rebuilt as linked node objects and searched recursively, as the released scripts do.

Each runs in a process of its own, so its peak memory is its own. `pandas` reads `--rival-nodes` only. The two others
write nothing, and their counts are compared with ours. Trees are synthetic: 8 candidates, depth 6, steps of some 120
characters, 2 % of the steps failing.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from rstar.synthesis.extract import extract
from rstar.synthesis.pairs import PAIR_PRESETS
from rstar.synthesis.shards import read_shards, shards_in, write_shard
from rstar.synthesis.trees import Nodes, Pass, ProblemTrees
from tasks.types import Problem

SHARD_PROBLEMS = 256
TARGET_PER_SECOND = 20_000
TARGET_GIB = 2.0
WORDS = "total price sum each left right value rate number share count speed area days".split()


def make_problem(number: int) -> ProblemTrees:
    """A tree of some 300 nodes: inner ones have 8 children of which two or three were entered."""
    rng = random.Random(number)
    nodes = Nodes()
    nodes.add(tree=0, parent=-1, text="", q=0.0, visits=16, value=0.0, ending="open", answer=None, label=0, rollout=-1)
    level, rollout = [0], 0
    for depth in range(1, 7):
        following = []
        for parent in level:
            for _ in range(8):
                kind = "answered" if depth == 6 else "code_error" if rng.random() < 0.02 else "open"
                label = rng.choice((1, -1)) if kind == "answered" else 0
                words, numbers = " ".join(rng.choices(WORDS, k=9)), (rng.randrange(10**6), rng.randrange(99))
                text = f"\n# Step {depth}: {words}\nv{depth} = {numbers[0]} * {numbers[1]}"
                nodes.add(
                    tree=0,
                    parent=parent,
                    text=text + "\n<end_of_step>"
                    if label == 0
                    else f"\n<answer>\\boxed{{{rng.randrange(99)}}}<end_of_answer>",
                    q=float(label) if label else round(rng.uniform(-1, 1), 4),
                    visits=1,
                    value=float(label),
                    ending=kind,
                    answer=str(label) if label else None,
                    label=label,
                    rollout=rollout if label else -1,
                )
                rollout += bool(label)
                if kind == "open":
                    following.append(len(nodes) - 1)
        level = rng.sample(following, min(len(following), 8))
    problem = Problem(f"bench/{number:07d}", f"What is the value of case {number}?", "bench", str(number % 6 + 1))
    return ProblemTrees(problem, "1", False, (Pass(0, 16, 1),), nodes)


def make_shards(folder: Path, num_nodes: int) -> tuple[int, int]:
    """(problems, nodes) that were written."""
    problems = nodes = shard = 0
    while nodes < num_nodes:

        def rows(first: int, so_far: int) -> Iterator[ProblemTrees]:
            for number in range(first, first + SHARD_PROBLEMS):
                if so_far >= num_nodes:
                    return
                row = make_problem(number)
                so_far += len(row.nodes)
                yield row

        made = list(rows(problems, nodes))
        nodes += write_shard(folder / f"trees-{shard:05d}.parquet", iter(made), "bench")
        problems += len(made)
        shard += 1
    return problems, nodes


def with_ours(shards: list[Path], rule: str, out: Path) -> dict[str, int]:
    report = extract(shards, sft=out / "sft.jsonl", pairs=out / "pairs.jsonl", settings=PAIR_PRESETS[rule])
    return {"solutions": report.num_solutions} | {r: sum(d.values()) for r, d in report.num_pairs.items()}


def with_pandas(shards: list[Path], rule: str, out: Path) -> dict[str, int]:
    """A data frame of nodes; the paper's rule only."""
    import pandas as pd
    import pyarrow.parquet as pq

    counts = {"solutions": 0, "siblings": 0, "final": 0}
    for shard in shards:
        table = pq.read_table(shard, columns=["problem_id", "nodes"]).to_pandas()
        flat = table.explode("nodes", ignore_index=True)
        nodes = pd.DataFrame(list(flat["nodes"]))
        nodes["problem_id"] = flat["problem_id"]
        nodes["node"] = nodes.groupby("problem_id").cumcount()
        for _, of_problem in nodes.groupby("problem_id", sort=False):
            _pandas_problem(of_problem.set_index("node"), counts)
    return counts


def _pandas_problem(nodes: Any, counts: dict[str, int]) -> None:
    ends = nodes[nodes.label != 0]
    right, wrong, paths = set(), set(), {}
    for node in ends.index:
        path, above = [], node
        while nodes.parent.at[above] >= 0:
            path.append(above)
            (right if ends.label.at[node] > 0 else wrong).add(above)
            above = nodes.parent.at[above]
        paths[node] = (nodes.q.loc[path].mean(), nodes.q.loc[path].min())
    good = sorted((end for end in ends.index if ends.label.at[end] > 0), key=lambda e: (-paths[e][0], -paths[e][1]))
    bad = sorted((end for end in ends.index if ends.label.at[end] < 0), key=lambda e: paths[e][0])
    counts["solutions"] += len(good[:2])
    if not good or not bad:
        return
    counts["final"] += len(good[:2]) * len(bad[:2])
    for _, children in nodes[nodes.parent >= 0].groupby("parent"):
        best = children[children.index.isin(right)].nlargest(2, "q")
        worst = children[children.index.isin(wrong)].nsmallest(2, "q")
        counts["siblings"] += sum(a > b for a in best.q for b in worst.q)


class Linked:
    """A node object, as one would write it first."""

    def __init__(self, text: str, q: float, label: int, parent: Linked | None) -> None:
        self.text, self.q, self.label, self.parent = text, q, label, parent
        self.children: list[Linked] = []
        self.right = self.wrong = 0

    def count(self) -> None:
        self.right, self.wrong = int(self.label > 0), int(self.label < 0)
        for child in self.children:
            child.count()
            self.right += child.right
            self.wrong += child.wrong

    def traces(self) -> list[list[Linked]]:
        found = []
        if self.label:
            path, node = [], self
            while node.parent is not None:
                path.append(node)
                node = node.parent
            found.append(path[::-1])
        for child in self.children:
            found += child.traces()
        return found


def with_objects(shards: list[Path], rule: str, out: Path) -> dict[str, int]:
    counts = {"solutions": 0, "siblings": 0, "final": 0}
    for trees in read_shards(shards):
        nodes = trees.nodes
        linked: list[Linked] = []
        for parent, text, q, label in zip(nodes.parent, nodes.text, nodes.q, nodes.label, strict=True):
            node = Linked(text, q, label, linked[parent] if parent >= 0 else None)
            if node.parent is not None:
                node.parent.children.append(node)
            linked.append(node)
        linked[0].count()
        traces = linked[0].traces()
        texts = {id(trace[-1]): "".join(node.text for node in trace) for trace in traces}
        means = sorted(
            ((sum(n.q for n in t) / len(t), min(n.q for n in t), t[-1]) for t in traces), key=lambda e: -e[0]
        )
        good = list({texts[id(end)]: end for _, _, end in means[::-1] if end.label > 0}.values())[::-1]
        bad = [end for _, _, end in means[::-1] if end.label < 0]
        counts["solutions"] += len(good[:2])
        if good and bad:
            counts["final"] += len(good[:2]) * len(bad[:2])
            for node in linked:
                best = sorted((c for c in node.children if c.right), key=lambda c: -c.q)[:2]
                worst = sorted((c for c in node.children if c.wrong), key=lambda c: c.q)[:2]
                counts["siblings"] += sum(a.q > b.q for a in best for b in worst)
    return counts


SIDES = {"ours": with_ours, "pandas": with_pandas, "objects": with_objects}


def measure(side: str, folder: Path, rule: str) -> dict[str, Any]:
    """One side in this process, its imports left out."""
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    with tempfile.TemporaryDirectory() as out:
        begun = time.process_time()
        counts = SIDES[side](shards_in(folder), rule, Path(out))
        seconds = time.process_time() - begun
    return {"seconds": seconds, "gib": peak_gib(), "counts": counts}


def peak_gib() -> float:
    """Peak memory of this process alone; `ru_maxrss` would count that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def in_process(side: str, folder: Path, rule: str, runs: int) -> dict[str, Any]:
    """Median of `runs`, each in a process of its own."""
    found = []
    for _ in range(runs):
        command = [sys.executable, __file__, "--side", side, "--folder", str(folder), "--rule", rule]
        found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return found[0] | {"seconds": median(each["seconds"] for each in found), "gib": max(each["gib"] for each in found)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--rival-nodes", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rule", default="paper")
    asked = parser.parse_args()
    if asked.side:
        print(json.dumps(measure(asked.side, asked.folder, asked.rule)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as work:
        sets = {}
        for name, size in (("all", asked.nodes), ("part", asked.rival_nodes)):
            (Path(work) / name).mkdir()
            sets[name] = make_shards(Path(work) / name, size)
        jobs = [("ours", "all", "paper"), ("objects", "all", "paper"), ("ours", "all", "released")]
        jobs += [("ours", "part", "paper"), ("pandas", "part", "paper")]
        for side, name, rule in jobs:
            found = in_process(side, Path(work) / name, rule, 1 if side == "pandas" else asked.runs)
            nodes = sets[name][1]
            rows.append({"side": side, "rule": rule, "nodes": nodes, "per_second": nodes / found["seconds"]} | found)
    print(f"{'side':<10}{'rule':<10}{'nodes':>11}{'CPU s':>9}{'nodes/s':>11}{'GiB':>7}  found")
    for row in rows:
        print(
            f"{row['side']:<10}{row['rule']:<10}{row['nodes']:>11,}{row['seconds']:>9.2f}{row['per_second']:>11,.0f}"
            f"{row['gib']:>7.2f}  {row['counts']}"
        )
    ours, objects, _, part, pandas = rows
    assert ours["counts"] == objects["counts"], "the sides do not find the same"
    assert part["counts"] == pandas["counts"], "the sides do not find the same"
    ratios = part["per_second"] / pandas["per_second"], ours["per_second"] / objects["per_second"]
    print(f"ours, written to files, is {ratios[0]:.1f} x pandas and {ratios[1]:.2f} x objects, which write nothing")
    print(f"target: {TARGET_PER_SECOND:,} nodes/s and {TARGET_GIB} GiB at {asked.nodes:,} nodes")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
