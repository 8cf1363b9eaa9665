"""The embedded default from nothing: tokenizer, base policy, rounds of self-improvement, PPM.

The paper's loop in miniature, in one folder. Every stage leaves its data and model there with a `stage.json`, and is
not run again when its settings are the same; within a stage a training goes on from its last checkpoint.

    base      the scripted teacher's solutions, two thirds of them wrong -> tokenizer, base policy
    policy-N  rollouts of the policy before -> the two best right ones per problem, of all rounds -> SFT from the base;
              no such round by default, the model card says why
    ppm       rollouts of the teacher and of the last policy -> preference pairs -> PPM, initialised from that policy

Data depend on the seed alone; weights on the machine's arithmetic too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rstar.prompts import prompt_text
from rstar.search.config import SearchConfig
from rstar.seeds import derive
from rstar.synthesis.pairs import PairSettings, counts_by_depth, make_pairs
from rstar.synthesis.procedural_pool import problem_pool
from rstar.synthesis.rollouts import labelled, read_rollouts, rollouts_of, write_rollouts
from rstar.synthesis.select import by_problem, select
from rstar.synthesis.teacher import lesson_text, teach, teacher_rollouts
from rstar.synthesis.walker import Walker
from rstar.training.checkpoints import load_policy, load_trained_tokenizer, new_policy, value_model_of, weights_hash
from rstar.training.data import file_hash, read_sft, write_rows
from rstar.training.examples import SftRow
from rstar.training.settings import TINY_SHAPE, PpmSettings, SftSettings, overridden
from rstar.training.sft import train_sft
from rstar.training.stages import Say, Stages
from rstar.training.tokenizer import train_tokenizer
from rstar.types import SearchResult
from tasks.types import InputError, Problem

BASE_FIRST, ROUND_FIRST, ROUND_STEP, PPM_FIRST, TEACHER_FIRST = 10_000, 100_000, 10_000, 500_000, 600_000
"""First problem indices of the stages in the train split, far from one another and from the catalog's train task."""
ROLLOUTS = "rollouts.jsonl"
AT_ONCE = 48
"""Problems that are sampled side by side. Chosen, not tuned."""
MAX_STEP_TOKENS = 64
"""Of a generated step; the longest of the families has about 45."""
TINY_BASE = SftSettings(learning_rate=2e-3, batch=16, short_first=0.6)
TINY_SFT = SftSettings(learning_rate=1e-3, batch=16, epochs=3)
TINY_PPM = PpmSettings(learning_rate=1e-3, batch=2, short_first=0.6, outcome_weight=1.0)
TINY_PAIRS = PairSettings(per_side=4, hard=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class TinySettings:
    """Settings of the whole. Problems are counted per family and level, of which there are 96."""

    seed: int = 0
    threads: int = 2
    """Torch threads; 1 where other programs use the machine, since waiting threads are waited for."""
    scale: float = 1.0
    """Share of the problems of every stage; below 1 for a trial."""
    base_each: int = 500
    """Problems that the teacher solves, once each."""
    rounds: int = 0
    """Rounds of self-improvement. 0: the policy keeps the misconceptions of the teacher, which a search mends."""
    round_each: int = 10
    """Problems of a round."""
    samples: int = 16
    """Trajectories per problem, in the rounds and for the PPM."""
    ppm_each: int = 10
    """Problems whose rollouts by the policy the PPM learns from."""
    teacher_each: int = 120
    """Problems whose rollouts by the teacher it learns from too, as a PPM of round 1 does."""
    teacher_samples: int = 6
    """Of those, rollouts per problem."""
    extra_layers: int = 2
    """Layers of the PPM on top of the policy's, see `value_model_of`."""
    base: SftSettings = TINY_BASE
    sft: SftSettings = TINY_SFT
    ppm: PpmSettings = TINY_PPM
    pairs: PairSettings = TINY_PAIRS

    def __post_init__(self) -> None:
        if not 0 < self.scale <= 1:
            raise InputError(f"scale = {self.scale} is out of range; use a share above 0, at most 1")

    def count(self, each: int) -> int:
        """`each` at this scale, at least 1."""
        return max(1, round(each * self.scale))


def make_tiny(out: Path, settings: TinySettings, say: Say = print) -> tuple[Path, Path]:
    """Folders of the policy and of the PPM, made in `out`, or what is missing of them."""
    run = Stages(out, {"seed": settings.seed, "scale": settings.scale}, say)
    told = {"each": settings.base_each, "sft": asdict(settings.base), "shape": asdict(TINY_SHAPE)}
    base = run.stage("base", told, lambda folder: _base(folder, settings))
    policy, rolled = base, list[Path]()
    for number in range(1, settings.rounds + 1):
        first = ROUND_FIRST + number * ROUND_STEP
        rolled.append(_rollouts(run, settings, f"rollouts-{number}", policy, first, settings.round_each))
        policy = _round(run, settings, f"policy-{number}", base, rolled)
    rolled.append(_rollouts(run, settings, "rollouts-ppm", policy, PPM_FIRST, settings.ppm_each))
    return policy, _ppm(run, settings, policy, rolled[-1])


def _base(folder: Path, settings: TinySettings) -> dict[str, Any]:
    pool = problem_pool("train", settings.count(settings.base_each), BASE_FIRST)
    lessons = [teach(made, settings.seed) for made in pool]
    rows = [SftRow(each.trajectory.problem.id, each.trajectory.problem.question, lesson_text(each)) for each in lessons]
    write_rows(folder / "sft.jsonl", iter(rows))
    texts = (prompt_text(row.question, "rstar-sft") + row.solution for row in rows)
    tokenizer = train_tokenizer(texts, TINY_SHAPE.vocabulary)
    model = new_policy(TINY_SHAPE, tokenizer, settings.seed)
    report = train_sft(model, tokenizer, rows, _with(settings.base, settings), folder)
    right = sum(each.is_correct for each in lessons) / len(lessons)
    return {
        "line": f"{len(rows)} lessons, {right:.1%} right, loss {report.loss:.3f}",
        "report": asdict(report),
        "data_sha256": file_hash(folder / "sft.jsonl"),
    }


def _rollouts(run: Stages, settings: TinySettings, name: str, policy: Path, first: int, each: int) -> Path:
    """The stage that samples solutions of fresh problems and labels them."""

    def work(folder: Path) -> dict[str, Any]:
        pool = list(problem_pool("train", settings.count(each), first))
        results = _sampled([made.problem for made in pool], policy, settings, name)
        answers = {made.problem.id: made.answer for made in pool}
        # Answers of these families are printed in one canonical form, so "correct" is the same text.
        found = [one for result in results for one in labelled(result, answers[result.problem_id], _is_same)]
        write_rollouts(folder / ROLLOUTS, found)
        solved = len({one.id for one in found if one.is_correct}) / len(pool)
        right = sum(one.count for one in found if one.is_correct) / sum(one.count for one in found)
        return {
            "line": f"{solved:.1%} of {len(pool)} problems solved, {right:.1%} of the trajectories right",
            "coverage": solved,
            "accuracy": right,
            "data_sha256": file_hash(folder / ROLLOUTS),
        }

    return run.stage(name, {"each": each, "samples": settings.samples, "policy": weights_hash(policy)}, work)


def _round(run: Stages, settings: TinySettings, name: str, base: Path, rolled: Sequence[Path]) -> Path:
    """The stage that trains the next policy, from the base, on the best of all rounds so far."""

    def work(folder: Path) -> dict[str, Any]:
        rollouts = [one for path in rolled for one in read_rollouts(path / ROLLOUTS)]
        best = [one.rollout for of_problem in by_problem(rollouts) for one in select(of_problem)]
        write_rows(folder / "sft.jsonl", (SftRow(one.id, one.question, one.solution) for one in best))
        rows = list(read_sft(folder / "sft.jsonl"))  # through the same gate as a user's file
        report = train_sft(load_policy(base), load_trained_tokenizer(base), rows, _with(settings.sft, settings), folder)
        return {
            "line": f"{len(rows)} examples, loss {report.loss:.3f}",
            "report": asdict(report),
            "data_sha256": file_hash(folder / "sft.jsonl"),
        }

    told = {"sft": asdict(settings.sft), "base": weights_hash(base)}
    return run.stage(name, told | {"rollouts": [file_hash(path / ROLLOUTS) for path in rolled]}, work)


def _ppm(run: Stages, settings: TinySettings, policy: Path, rolled: Path) -> Path:
    """The stage that trains the PPM, from the policy whose trajectories it will judge."""

    def work(folder: Path) -> dict[str, Any]:
        from rstar.training.ppm import train_ppm

        lessons = problem_pool("train", settings.count(settings.teacher_each), TEACHER_FIRST)
        rollouts = [one for made in lessons for one in teacher_rollouts(made, settings.seed, settings.teacher_samples)]
        rollouts += read_rollouts(rolled / ROLLOUTS)
        pairs = [pair for of_problem in by_problem(rollouts) for pair in make_pairs(of_problem, settings.pairs)]
        write_rows(folder / "pairs.jsonl", iter(pairs))
        model = value_model_of(policy, settings.seed, settings.extra_layers)
        report = train_ppm(model, load_trained_tokenizer(policy), pairs, _with(settings.ppm, settings), folder)
        return {
            "line": f"{len(pairs)} pairs of {report.num_problems} problems, loss {report.loss:.3f}",
            "pairs": counts_by_depth(pairs),
            "report": asdict(report),
            "data_sha256": file_hash(folder / "pairs.jsonl"),
        }

    told: dict[str, Any] = {
        "ppm": asdict(settings.ppm),
        "pairs": asdict(settings.pairs),
        "policy": weights_hash(policy),
    }
    told |= {"teacher": [settings.teacher_each, settings.teacher_samples], "extra_layers": settings.extra_layers}
    return run.stage("ppm", told | {"rollouts": file_hash(rolled / ROLLOUTS)}, work)


def _sampled(problems: Sequence[Problem], folder: Path, settings: TinySettings, name: str) -> list[SearchResult]:
    """Trajectories of the policy in `folder`, at temperature 1."""
    import torch

    from rstar.engines.transformers import TransformersPolicy

    torch.set_num_threads(settings.threads)
    config, seed = SearchConfig(budget=settings.samples), derive(settings.seed, name)
    with TransformersPolicy.load(folder, device="cpu", max_new_tokens=MAX_STEP_TOKENS) as policy:
        return asyncio.run(rollouts_of(problems, policy, Walker(), config, seed, at_once=AT_ONCE))


def _is_same(answer: str | None, reference: object) -> bool:
    return answer == reference


def _with(settings: Any, tiny: TinySettings) -> Any:
    """Training settings with the seed and the threads of the whole."""
    return overridden(settings, {"seed": tiny.seed, "threads": tiny.threads})
