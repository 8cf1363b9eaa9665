"""Hugging Face: an entry for a model repository's `.eval_results/`, and the older `model-index` with the whole curve.

`.eval_results/*.yaml` is what the Hub shows on a model's page and on the benchmark's leaderboard
(https://huggingface.co/docs/hub/eval-results; fields: github.com/huggingface/hub-docs, `docs/hub/eval-results.md`).
One figure to a file, with the search in its notes, because scores of different set-ups stand in files of their own. The
benchmark is named by its data set on the Hub, which only the user knows: `rstar` takes its data elsewhere.

`model-index.yaml` is a block for the head of the model card (`model-index`, `huggingface_hub.EvalResult`), with every
rule and budget. Figures are per cent.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness.atomic_file import atomic_text
from harness.exports.exported_run import ExportedRun, clean
from harness.exports.whole_file import make_folder
from harness.report import RULE_TITLES
from harness.run_inputs import slug
from harness.run_summary import Point
from tasks.types import InputError

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
DIGITS = 4
"""Of a figure in per cent: more than any interval here is sure of."""


def write_hf_eval(
    source: ExportedRun, out: Path, *, dataset: str | None, task_id: str, source_url: str | None
) -> list[Path]:
    """Write both files into the folder `out`, laid out as in a model repository.

    `dataset` is the benchmark's id on the Hub, `task_id` the task's in its `eval.yaml`; `source_url` a page that shows
    the records. Raises InputError without a data set, and where a file cannot be written.
    """
    if dataset is None or not _REPOSITORY.fullmatch(dataset):
        raise InputError(
            f"--hub-dataset {dataset or ''}: name the benchmark's data set on the Hub, e.g. --hub-dataset openai/gsm8k"
        )
    point = source.summary.point(source.rule, source.budget)
    entry: dict[str, Any] = {
        "dataset": {"id": dataset, "task_id": task_id},
        "value": _per_cent(point),
        "date": source.finished,
        "notes": notes(source, point),
    }
    if source_url is not None:
        entry["source"] = {"url": source_url, "name": f"rstar run {source.run.id}"}
    name = slug(f"{source.run.task_name}-{source.run.spec.solver}-{source.rule}-{source.budget}")
    paths = [out / ".eval_results" / f"{name}.yaml", out / "model-index.yaml"]
    _write(paths[0], [entry])
    _write(paths[1], {"model-index": [_model_index(source, dataset)]})
    return paths


def notes(source: ExportedRun, point: Point) -> str:
    """The set-up and the interval in one line, and first of all whether the run is not complete."""
    spec, interval = source.run.spec, point.accuracy
    seeds = f", mean of {len(spec.seeds)} seeds" if len(spec.seeds) > 1 else ""
    size = f"{source.run.num_problems:,} of {source.run.num_task_problems:,} problems"
    parts = [
        *([source.partial_mark] if source.partial_mark else []),
        f"{spec.solver} search, {source.budget} trajectories, {RULE_TITLES[source.rule]}",
        f"95 % interval {100 * interval.low:.1f} to {100 * interval.high:.1f}, {size}{seeds}",
        f"rstar {source.run.id}, grader {source.run.inputs.grader_version}",
    ]
    return "; ".join(parts)


def _model_index(source: ExportedRun, dataset: str) -> dict[str, Any]:
    mark = f" ({source.partial_mark})" if source.partial_mark else ""
    metrics = [
        {
            "type": "accuracy",
            "value": _per_cent(point),
            "name": f"{RULE_TITLES[rule]} at {budget}{mark}",
            "args": {
                "rule": rule,
                "trajectories": budget,
                "interval_95": [round(100 * end, DIGITS) for end in (point.accuracy.low, point.accuracy.high)],
            },
        }
        for rule in source.summary.rules
        for budget in source.run.spec.budgets
        for point in [source.summary.point(rule, budget)]
    ]
    return {
        "name": clean(source.model),
        "results": [
            {
                "task": {"type": "text-generation", "name": "Mathematical problem solving"},
                "dataset": {"type": dataset, "name": source.run.task_name},
                "metrics": metrics,
            }
        ],
    }


def _per_cent(point: Point) -> float:
    return round(100 * point.accuracy.value, DIGITS)


def _write(path: Path, content: Any) -> None:
    import yaml  # type: ignore[import-untyped]

    make_folder(path.parent)
    with atomic_text(path) as file:
        yaml.safe_dump(content, file, sort_keys=False, allow_unicode=True, width=1000)
