"""`rstar ppm report` behind its flags: ask the model about labelled trees, and write down what it is worth."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from harness.ppm_statistics import PpmCounts, PpmReport, wanted
from rstar.protocols import RewardModel
from rstar.synthesis.pairs import PairSettings
from rstar.synthesis.shards import read_shards, shards_in
from rstar.synthesis.trees import ProblemTrees
from rstar.types import Step, Trajectory
from tasks.types import InputError

AT_ONCE = 16
"""Problems whose nodes are scored side by side. Chosen, not tuned."""


def measure(model: RewardModel, places: Sequence[Path], budgets: Sequence[int], limit: int | None = None) -> PpmReport:
    """The report on the trees of shards, or of folders of them. Raises InputError where there are none."""
    shards = [path for place in places for path in (shards_in(place) if place.is_dir() else [place])]
    counts = PpmCounts(budgets, PairSettings())
    rows = (row for shard in shards for row in read_shards([shard]))
    asyncio.run(_all(model, islice(rows, limit), counts))
    if not counts.num_problems:
        raise InputError(
            f"{', '.join(map(str, places))}: no search trees; name folders that 'rstar synthesize' has filled"
        )
    return counts.report()


async def _all(model: RewardModel, rows: Any, counts: PpmCounts) -> None:
    while batch := list(islice(rows, AT_ONCE)):
        scored = await asyncio.gather(*(_scored(model, trees, counts.settings) for trees in batch))
        for trees, values in zip(batch, scored, strict=True):
            counts.add(trees, values)


async def _scored(model: RewardModel, trees: ProblemTrees, settings: PairSettings) -> dict[int, float]:
    asked = wanted(trees, settings)
    if not asked:
        return {}
    scores = await model.score([_trajectory(trees, node) for node in asked])
    return dict(zip(asked, scores.values, strict=True))


def _trajectory(trees: ProblemTrees, node: int) -> Trajectory:
    """The solution up to a node as a reward model reads it; the texts hold the outputs already."""
    nodes = trees.nodes
    steps = tuple(Step(nodes.text[each], "") for each in nodes.path(node))
    return Trajectory(trees.problem, steps, "answered" if nodes.answer[node] is not None else "open")


def for_json(report: PpmReport) -> dict[str, Any]:
    """Everything, with names that stay; null where there was nothing to average."""
    content = asdict(report)
    for depth in content["depths"]:
        depth |= {name: None for name in ("right", "wrong", "drift") if math.isnan(depth[name])}
    for line, choice in zip(content["choices"], report.choices, strict=True):
        line["regret"] = choice.regret
    return content


def lines(report: PpmReport) -> list[str]:
    """The report for a reader."""
    text = [f"{report.num_problems:,} problems, {report.num_solutions:,} finished solutions", "", "pairs ranked right"]
    text += [
        f"  {each.rule:10} depth {each.depth:2}  {each.accuracy:6.1%} of {each.num_pairs:,}" for each in report.pairs
    ]
    text += ["", "calibration            n   error   Brier"]
    for name, found in (("answers", report.ends), ("open steps", report.steps)):
        text.append(f"  {name:12}{found.count:10,}{found.expected_error:8.3f}{found.brier:8.3f}")
    text += ["", "value by depth   right            wrong            change from the step before"]
    text += [
        f"  {each.depth:2}  {_signed(each.right):>12} ({each.num_right:,})"
        f"  {_signed(each.wrong):>8} ({each.num_wrong:,})  {_signed(each.drift)}"
        for each in report.depths
    ]
    text += ["", f"{'choice of N':>12}{'best':>22}{'majority':>22}{'weighted':>22}{'oracle':>22}   regret"]
    for line in report.choices:
        cells = "".join(f"{each.text():>22}" for each in (line.best, line.majority, line.weighted, line.oracle))
        text.append(f"{line.budget:>12}{cells}{100 * line.regret:9.1f}")
    return text


def _signed(value: float) -> str:
    """A mean with its sign; a dash where there was nothing to average."""
    return "-" if math.isnan(value) else f"{value:+.3f}"
