"""The base policy of an evolution without one: tokenizer and model from the scripted teacher's solutions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rstar.evolution.settings import EvolutionSettings
from rstar.prompts import prompt_text
from rstar.seeds import derive
from rstar.synthesis.procedural_pool import problem_pool
from rstar.synthesis.rollouts import Rollout
from rstar.synthesis.teacher import error_rates, lesson_text, teach, teacher_rollouts
from rstar.training.checkpoints import new_policy, weights_hash
from rstar.training.data import file_hash, write_rows
from rstar.training.examples import SftRow
from rstar.training.tokenizer import train_tokenizer


def teacher_groups(settings: EvolutionSettings, number: int) -> Iterator[list[Rollout]]:
    """The teacher's labelled solutions for round `number`, of problems of their own, problem by problem."""
    chosen, rates = settings.teacher_rollouts, error_rates(settings.lessons.misconceptions)
    for made in problem_pool("train", chosen.each, chosen.first + (number - 1) * chosen.each):
        yield teacher_rollouts(made, settings.seed, chosen.times, rates)


def lessons_of(settings: EvolutionSettings) -> Iterator[tuple[SftRow, bool]]:
    """The rows that the base learns from, and whether each is right."""
    lessons, rates = settings.lessons, error_rates(settings.lessons.misconceptions)
    pool = list(problem_pool("train", lessons.each, lessons.first, levels=lessons.levels))
    # Without further misconceptions the first solution of a problem is the one that `rstar train tiny` takes.
    for seed in (settings.seed, *(derive(settings.seed, "lesson", number) for number in range(1, lessons.times))):
        for made in pool:
            lesson = teach(made, seed, rates)
            problem = lesson.trajectory.problem
            yield SftRow(problem.id, problem.question, lesson_text(lesson)), lesson.is_correct


def teach_base(folder: Path, settings: EvolutionSettings) -> dict[str, Any]:
    """Write lessons, tokenizer and model in `folder`; returns the facts of the stage.

    The teacher's mistakes stay in: a base that imitates them has something to unlearn.
    """
    from rstar.training.sft import train_sft

    lessons = settings.lessons
    taught = list(lessons_of(settings))
    rows = [row for row, _ in taught]
    write_rows(folder / "sft.jsonl", iter(rows))
    texts = (prompt_text(row.question, "rstar-sft") + row.solution for row in rows)
    tokenizer = train_tokenizer(texts, lessons.shape.vocabulary)
    model = new_policy(lessons.shape, tokenizer, settings.seed)
    report = train_sft(model, tokenizer, rows, lessons.sft, folder)
    right = sum(is_correct for _, is_correct in taught) / len(taught)
    return {
        "line": f"{len(rows)} lessons, {right:.1%} right, loss {report.loss:.3f}",
        "report": asdict(report),
        "weights_sha256": weights_hash(folder),
        "data": {"base/sft.jsonl": file_hash(folder / "sft.jsonl")},
        "starts_from": "",
    }
