"""Where a training row comes from: its node in a search tree, the problem, the models that searched, and the round."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from rstar.evolution.manifest import read_manifest
from rstar.synthesis.shards import read_shards
from rstar.synthesis.trees import ProblemTrees
from rstar.training.checkpoints import weights_hash
from rstar.training.data import file_hash
from tasks.types import InputError

_ROW = re.compile(r"(?P<file>.+\.jsonl):(?P<line>[1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of one row, from the row back to the base model."""

    row: dict[str, Any]
    """`file`, `line`, `sha256`, and the problem's `id`."""
    nodes: dict[str, dict[str, Any]]
    """`solution`, or `chosen` and `rejected`: shard, row in it, tree, and per step node, Q, N and text."""
    problem: dict[str, Any]
    search: dict[str, Any]
    """Stage, round, and the models that guided it."""
    models: dict[str, dict[str, Any]]
    """Every model on the way to this search: weights, data, what it was trained from."""
    used_by: list[str]
    """Models that learned from the row's file."""
    checks: dict[str, bool]
    """File or model to whether it still has the hash that the manifest says."""

    def for_json(self) -> dict[str, Any]:
        """Everything, with names that stay."""
        return {name: getattr(self, name) for name in self.__slots__}


def trace(name: str) -> Trace:
    """The lineage of the row `EVOLUTION/data-N/FILE.jsonl:LINE`. Raises InputError where there is no such row."""
    match = _ROW.fullmatch(name)
    if match is None:
        raise InputError(f"{name}: is no row; write FILE:LINE, e.g. runs/tiny/data-2/sft.jsonl:17")
    path, line = Path(match["file"]), int(match["line"])
    out = path.resolve().parent.parent
    known, stage = read_manifest(out)["stages"], path.resolve().parent.name
    text = _line(path, line)
    row = json.loads(text)
    told = {"file": f"{stage}/{path.name}", "line": line, "sha256": sha256(text.encode()).hexdigest(), "id": row["id"]}
    number = re.fullmatch(r"data-(\d+)", stage)
    if number is None:
        raise InputError(
            f"{name}: the rows of {stage} come from no search tree; rows of data-1, data-2, ... do"
            + (" (these are the scripted teacher's lessons)" if stage == "base" or stage.startswith("teacher-") else "")
        )
    search = f"search-{number[1]}"
    nodes, trees = _nodes(out / search, row["nodes"])
    models = _models(known, int(number[1]))
    shard = next(iter(nodes.values()))["shard"]
    used = [each for each, facts in known.items() if told["file"] in facts.get("data", {})]
    return Trace(
        told,
        nodes,
        _problem(trees),
        {
            "stage": search,
            "round": int(number[1]),
            "coverage": known.get(search, {}).get("coverage", {}).get("coverage"),
        },
        models,
        used,
        _checks(out, known, path, told["file"], f"{search}/{shard}", [*models, *used]),
    )


def _line(path: Path, line: int) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            found = next(islice(file, line - 1, line), None)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a row as FILE:LINE") from error
    if found is None:
        raise InputError(f"{path}: has no line {line}; name one that it has")
    return found.rstrip("\n")


def _nodes(searched: Path, address: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], ProblemTrees]:
    """The nodes of a row by their part in it, and the problem's trees."""
    parts = {"solution": address} if "row" in address else dict(address)
    shard, _, number = next(iter(parts.values()))["row"].partition("#")
    trees = next(islice(read_shards([searched / shard]), int(number), None), None)
    if trees is None:
        raise InputError(f"{searched / shard}: has no row {number}; restore the file that the training data came from")
    found = {}
    for part, each in parts.items():
        nodes = trees.nodes
        steps = [{"node": n, "q": nodes.q[n], "visits": nodes.visits[n], "text": nodes.text[n]} for n in each["path"]]
        last = each["path"][-1]
        found[part] = {
            "shard": shard,
            "row": int(number),
            "tree": each["tree"],
            "node": last,
            "ending": nodes.ending[last],
            "label": nodes.label[last],
            "steps": steps,
        }
    return found, trees


def _problem(trees: ProblemTrees) -> dict[str, Any]:
    problem = trees.problem
    return {
        "id": problem.id,
        "question": problem.question,
        "reference": trees.reference,
        "num_rollouts": trees.num_rollouts,
        "num_right": trees.num_right,
    }


def _models(known: Mapping[str, Any], number: int) -> dict[str, dict[str, Any]]:
    """The models that the search of a round depended on, nearest first."""
    names = []
    for before in range(number - 1, 0, -1):
        names += [f"policy-{before}", f"ppm-{before}"]
    return {
        name: {key: known[name].get(key) for key in ("weights_sha256", "data", "starts_from")}
        for name in (*names, "base")
        if name in known
    }


def _checks(
    out: Path, known: Mapping[str, Any], path: Path, file: str, shard: str, models: list[str]
) -> dict[str, bool]:
    stage, _, name = file.partition("/")
    searched, _, tree_file = shard.partition("/")
    checks = {
        file: known.get(stage, {}).get("files", {}).get(name) == file_hash(path),
        shard: known.get(searched, {}).get("shards", {}).get(tree_file) == file_hash(out / shard),
    }
    for model in models:
        checks[model] = known[model].get("weights_sha256") == weights_hash(out / model)
    return checks
