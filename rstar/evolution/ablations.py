"""What the last round would have been with another value model (paper, Table 8) or other SFT data (Table 7).

    pqm, outcome      a PQM and an ORM, from the last policy, on all trees that its PPM has learned from
    sft-random        the base, on two right solutions a problem drawn by lot instead of the two of highest Q
    sft-rejection     the same, on the two that the ORM ranks first (rejection sampling)

Everything else is as in the round itself: settings, trees, number of solutions.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from rstar.evolution.lessons import teacher_groups
from rstar.evolution.rounds import Evolution, Models
from rstar.evolution.settings import Ablation
from rstar.seeds import generator
from rstar.synthesis.coverage import without_noise
from rstar.synthesis.rollouts import Rollout
from rstar.synthesis.shards import read_shards, shards_in
from rstar.synthesis.tree_pairs import Solution, distinct, solutions
from rstar.synthesis.trees import RIGHT, ProblemTrees
from rstar.training.checkpoints import load_trained_tokenizer, value_model_of, weights_hash
from rstar.training.data import file_hash, write_rows
from rstar.training.examples import SftRow
from rstar.training.values import Objective, read_values, tree_values, value_rows, write_values
from rstar.types import Step, Trajectory

Rank = Callable[[ProblemTrees, list[Solution]], list[Solution]]
"""Right solutions of a problem, best first."""


def ablate(evolution: Evolution, name: Ablation, base: Path, last: Models) -> Path:
    """The folder of the model of one ablation. `outcome` must be there before `sft-rejection`."""
    if name == "pqm" or name == "outcome":
        return _value_model(evolution, name, last)
    if name == "sft-random":
        return _reselected(evolution, name, base, lambda: _by_lot(evolution.settings.seed), "")
    orm = evolution.out / "outcome"
    return _reselected(evolution, name, base, lambda: _by_orm(orm, evolution.settings.device), weights_hash(orm))


def _value_model(evolution: Evolution, objective: Objective, last: Models) -> Path:
    settings, scale = evolution.settings.ppm, evolution.settings.ppm_scale
    trainings = evolution.trainings(len(evolution.settings.rounds))
    rounds = sorted({each for number in trainings for each in evolution.pair_rounds(number)})
    searched = [evolution.out / f"search-{each}" for each in rounds]
    told: dict[str, Any] = {"ppm": asdict(settings), "scale": asdict(scale), "policy": weights_hash(last.policy)}
    told["trees"] = [file_hash(path) for folder in searched for path in shards_in(folder)]
    told |= {"teacher": asdict(evolution.settings.teacher_rollouts), "extra_layers": evolution.settings.extra_layers}

    def work(folder: Path) -> dict[str, Any]:
        from rstar.training.ppm import train_values

        path = folder / "values.jsonl"
        trees = without_noise((row for each in searched for row in read_shards(shards_in(each))), Counter[str]())
        taught = (value for each in _taught(evolution, trainings) for value in value_rows(each, objective))
        write_values(path, chain(taught, (value for row in trees for value in tree_values(row, objective))))
        model = value_model_of(last.policy, settings.seed, evolution.settings.extra_layers)
        tokenizer = load_trained_tokenizer(last.policy)
        report = train_values(model, tokenizer, read_values(path), settings, folder, objective, scale=scale)
        line = f"{report.num_pairs} rows of {report.num_problems} problems, loss {report.loss:.3f}"
        return evolution.trained(folder, line, asdict(report), [path], last.policy)

    return evolution.stages.stage(objective, told, work)


def _taught(evolution: Evolution, rounds: Sequence[int]) -> Iterator[list[Rollout]]:
    if not evolution.settings.teacher_rollouts.each:
        return iter(())
    return chain.from_iterable(teacher_groups(evolution.settings, number) for number in rounds)


def _reselected(evolution: Evolution, name: str, base: Path, rank: Callable[[], Rank], ranked_by: str) -> Path:
    """The stages of other SFT rows of all rounds, and of the policy that learns from them."""
    searched = [evolution.out / f"search-{each}" for each in range(1, len(evolution.settings.rounds) + 1)]
    told: dict[str, Any] = {"top": evolution.settings.top, "ranked_by": ranked_by}
    told["trees"] = [file_hash(path) for folder in searched for path in shards_in(folder)]

    def work(folder: Path) -> dict[str, Any]:
        order = rank()
        rows = (row for each in searched for row in _rows(each, order, evolution.settings.top))
        count = write_rows(folder / "sft.jsonl", rows)
        return {"line": f"{count} solutions", "files": {"sft.jsonl": file_hash(folder / "sft.jsonl")}}

    data = evolution.stages.stage(f"data-{name}", told, work)
    return evolution.train_policy(name, base, [data / "sft.jsonl"])


def _rows(searched: Path, order: Rank, top: int) -> Iterator[SftRow]:
    for trees in without_noise(read_shards(shards_in(searched)), Counter[str]()):
        right = [each for each in solutions(trees.nodes) if each.label == RIGHT]
        right = distinct(trees.nodes, right, len(right))
        for each in order(trees, right)[:top]:
            yield SftRow(trees.problem.id, trees.problem.question, trees.nodes.beginning(each.node))


def _by_lot(seed: int) -> Rank:
    def order(trees: ProblemTrees, right: list[Solution]) -> list[Solution]:
        draw = generator(seed, "sft-random", trees.problem.id, trees.source)
        return draw.sample(right, len(right))

    return order


def _by_orm(orm: Path, device: str) -> Rank:
    from rstar.reward.ppm import TransformersPPM

    model = TransformersPPM.load(orm, device=device)

    def order(trees: ProblemTrees, right: list[Solution]) -> list[Solution]:
        texts = [[trees.nodes.text[node] for node in trees.nodes.path(each.node)] for each in right]
        asked = [_trajectory(trees, parts) for parts in texts]
        values = asyncio.run(_scored(model, asked))
        ranked = sorted(range(len(right)), key=lambda index: -values[index])
        return [right[index] for index in ranked]

    return order


async def _scored(model: Any, asked: Sequence[Trajectory]) -> Sequence[float]:
    values: Sequence[float] = (await model.score(asked)).values if asked else ()
    return values


def _trajectory(trees: ProblemTrees, parts: Sequence[str]) -> Trajectory:
    """A finished solution as a reward model reads it; the texts hold the outputs already."""
    return Trajectory(trees.problem, tuple(Step(text, "") for text in parts), "answered")


__all__ = ["ablate"]
