"""A comparison as JSON, every figure and every flip of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from harness.compare import Flip, PairResult
from harness.compared_run import RunAnswer, Side
from harness.metrics import Estimate


def compare_json(results: Sequence[PairResult]) -> dict[str, Any]:
    """Everything, with names that stay."""
    return {"is_complete": all(found.is_complete for found in results), "comparisons": [*map(pair_json, results)]}


def pair_json(found: PairResult) -> dict[str, Any]:
    """One pair, every flip included."""
    difference, interval = found.difference, found.difference.interval()
    sides = {
        name: _side_json(side, list(found.problems), accuracy)
        for name, side, accuracy in zip("ab", (found.a, found.b), found.accuracies, strict=True)
    }
    return {
        "task": found.task,
        "is_complete": found.is_complete,
        "num_problems": difference.num_problems,
        **sides,
        "difference": difference.value,
        "interval_95": [interval.low, interval.high],
        "interval_method": difference.method,
        "p_value": difference.p_value,
        "p_value_holm": found.adjusted_p,
        "test": difference.test,
        "num_gained": difference.num_gained,
        "num_lost": difference.num_lost,
        "detectable": difference.detectable,
        "notes": list(found.notes),
        "settings": list(found.settings),
        "equal_compute": found.compute.for_json(),
        "flips": [_flip_json(found, flip) for flip in found.flips],
    }


def _side_json(side: Side, problems: list[str], accuracy: Estimate) -> dict[str, Any]:
    summary = side.summary
    return {
        "id": side.record.id,
        "folder": str(side.folder),
        "status": side.record.status,
        "is_complete": summary.is_complete,
        "done": summary.num_done,
        "failed": summary.num_failed,
        "missing": summary.num_missing,
        "rule": side.rule,
        "budget": side.budget,
        "seeds": list(side.record.spec.seeds),
        "accuracy": accuracy.value,
        "interval_95": [accuracy.low, accuracy.high],
        "counts": {
            verdict: side.count(problems, verdict) for verdict in ("correct", "incorrect", "no_answer", "grader_error")
        },
        "inputs": asdict(side.record.inputs),
        "graders": sorted(side.graders),
        "commits": summary.commits(),
    }


def _flip_json(found: PairResult, flip: Flip) -> dict[str, Any]:
    return {
        "problem": flip.problem,
        "difference": flip.difference,
        "a": [_answer_json(found.a, flip.problem, each) for each in flip.a],
        "b": [_answer_json(found.b, flip.problem, each) for each in flip.b],
    }


def _answer_json(side: Side, problem: str, answer: RunAnswer) -> dict[str, Any]:
    path, line = side.where(answer)
    journal = side.journal(problem, answer.seed)
    return {
        "seed": answer.seed,
        "verdict": answer.verdict,
        "answer": answer.answer,
        "record": str(path),
        "line": line,
        "journal": str(journal) if journal else None,
    }
