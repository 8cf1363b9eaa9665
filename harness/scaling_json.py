"""A scaling report as JSON."""

from __future__ import annotations

from typing import Any

from harness.saturation import Saturation
from harness.scaling import Scaling, TaskScaling


def for_json(report: Scaling) -> dict[str, Any]:
    """Every figure, with names that stay."""
    return {"x": report.axis, "tasks": [_task_json(task) for task in report.tasks]}


def _task_json(task: TaskScaling) -> dict[str, Any]:
    return {
        "task": task.task,
        "is_complete": task.is_complete,
        "curves": [
            {
                "method": curve.method.label,
                "runs": [run.record.id for run in curve.method.runs],
                "is_complete": curve.method.is_complete,
                "rule": curve.rule,
                "is_own_rule": curve.is_headline,
                "points": [
                    {
                        "budget": point.budget,
                        "x": point.cost,
                        "accuracy": point.accuracy.value,
                        "interval_95": [point.accuracy.low, point.accuracy.high],
                        "counts": point.counts,
                        "truncated": point.truncated,
                    }
                    for point in curve.points
                ],
                "saturation": None if curve.saturation is None else _saturation_json(curve.saturation),
            }
            for curve in task.curves
        ],
        "frontier": [
            {
                "method": each.curve.method.label,
                "rule": each.curve.rule,
                "budget": each.point.budget,
                "x": each.point.cost,
                "accuracy": each.point.accuracy.value,
                "share_of_resamples": each.share,
            }
            for each in task.frontier
        ],
        "cited": [
            {
                "system": each.system,
                "budget": each.budget,
                "accuracy": each.accuracy,
                "is_digitised": each.is_digitised,
                "source": each.source,
                "note": each.note,
            }
            for each in task.cited
        ],
        "notes": list(task.notes),
    }


def _saturation_json(found: Saturation) -> dict[str, Any]:
    return {
        "budgets": list(found.budgets),
        "points_per_doubling": found.slope.value,
        "interval_95": [found.slope.low, found.slope.high],
        "verdict": found.verdict,
    }
