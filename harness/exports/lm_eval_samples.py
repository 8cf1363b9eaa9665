"""lm-evaluation-harness: `samples_<task>_<time>.jsonl` and `results_<time>.json`, as `--log_samples` writes them.

Fields are those of `lm_eval.result_schema` (0.4.13: `SampleResult`, `EvalResults`) and of `evaluation_tracker`. One
line per search; the exported rule stands where lm-eval has its filter. `resps` holds the trajectories within the
budget, their texts where the run kept them and else their answers; `filtered_resps` what the rule chose. `arg_1` of the
arguments holds the search's settings, its seed, and the verdict. `exact_match` is the verdict of our checker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.atomic_file import atomic_text
from harness.exports.exported_run import ExportedRun, clean
from harness.exports.whole_file import make_folder
from harness.metrics import Z_95
from harness.records import ProblemRecord
from harness.run_inputs import slug
from rstar.prompts import prompt_text

METRICS = ("exact_match", "no_answer", "grader_error", "engine_failed")
"""0 or 1 for each search; the first is the score."""


def write_lm_eval(source: ExportedRun, out: Path) -> list[Path]:
    """Write both files into `out/<model>/`. Raises InputError where a file cannot be written."""
    folder = out / slug(source.model)
    make_folder(folder)
    time = _time(source)
    # The reader cuts the name at its first and its last underscore; the time has none.
    stamp = time.replace(tzinfo=None).isoformat().replace(":", "-")
    samples, results = folder / f"samples_{_task(source)}_{stamp}.jsonl", folder / f"results_{stamp}.json"
    hashes = sha256()
    with atomic_text(samples) as file:
        for sample in _samples(source):
            hashes.update((sample["doc_hash"] + sample["prompt_hash"] + sample["target_hash"]).encode())
            file.write(json.dumps(sample, ensure_ascii=False) + "\n")
    with atomic_text(results) as file:
        file.write(json.dumps(_results(source, time, hashes.hexdigest()), indent=2, ensure_ascii=False) + "\n")
    return [samples, results]


def _samples(source: ExportedRun) -> Iterator[dict[str, Any]]:
    for record in source.records():
        problem, reference = source.problem(record.problem_id), source.reference(record.problem_id)
        doc = {"id": problem.id, "question": problem.question, "subject": problem.subject, "level": problem.level}
        doc = {name: clean(text) for name, text in doc.items()}
        target = clean(reference if isinstance(reference, str) else str(list(reference)))
        prompt = clean(prompt_text(problem.question, source.run.spec.layout)) if source.task else ""
        hashes = {
            "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
            "prompt_hash": _hash(prompt),
            "target_hash": _hash(target),
        }
        chosen = source.chosen(record, source.rule)
        verdict = "failed" if record.error else record.verdict(source.rule, source.budget_index)
        yield {
            "doc_id": source.numbers[record.problem_id],
            "doc": doc,
            "target": target,
            "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": _settings(source, record, verdict)}},
            "resps": [_replies(source, record)],
            "filtered_resps": [clean(chosen.answer) if chosen else ""],
            "filter": source.rule,
            "metrics": list(METRICS),
            **hashes,
            "exact_match": float(verdict == "correct"),
            "no_answer": float(verdict == "no_answer"),
            "grader_error": float(verdict == "grader_error"),
            "engine_failed": float(verdict == "failed"),
        }


def _replies(source: ExportedRun, record: ProblemRecord) -> list[str]:
    """One text for each trajectory within the budget; empty for one without text and answer."""
    counted = record.num_counted(source.budget)
    texts = source.solutions(record)
    if texts is not None:
        return [clean(text) for text in texts[:counted]]
    found = record.answer_of[:counted]
    return ["" if position is None else clean(record.answers[position].text) for position in found]


def _settings(source: ExportedRun, record: ProblemRecord, verdict: str) -> dict[str, Any]:
    spec = source.run.spec
    return {
        "run": source.run.id,
        "run_status": source.status,
        "method": spec.method,
        "budget": source.budget,
        "seed": record.seed,
        "temperature": spec.config.temperature,
        "verdict": verdict,
        "error": clean(record.error),
    }


def _results(source: ExportedRun, time: datetime, task_hash: str) -> dict[str, Any]:
    name, run = _task(source), source.run
    alias = f"{run.task_name} ({source.partial_mark})" if source.partial_mark else run.task_name
    rule, point = source.rule, source.summary.point(source.rule, source.budget)
    figures: dict[str, Any] = {
        "name": name,
        "alias": alias,
        "sample_len": run.num_records,
        f"exact_match,{rule}": point.accuracy.value,
        # Half the 95 % interval in standard errors: Wilson's, clustered by problem; lm-eval has no field for its ends.
        f"exact_match_stderr,{rule}": (point.accuracy.high - point.accuracy.low) / (2 * Z_95),
        f"no_answer,{rule}": point.counts["no_answer"] / run.num_records,
        f"grader_error,{rule}": point.counts["grader_error"] / run.num_records,
        f"engine_failed,{rule}": (point.counts["failed"] + point.counts["missing"]) / run.num_records,
    }
    return {
        "results": {name: figures},
        "group_subtasks": {name: []},
        "configs": {name: {"task": name, "output_type": "generate_until"}},
        "versions": {name: run.inputs.task_version},
        "n-shot": {name: 0},
        "higher_is_better": {name: {metric: metric == "exact_match" for metric in METRICS}},
        "n-samples": {name: {"original": run.num_task_problems, "effective": run.num_problems}},
        "config": {
            "model": "rstar",
            "model_args": {"policy": source.model, "budget": source.budget, "method": run.spec.method},
            "limit": run.spec.limit,
            "device": run.spec.device,
            "random_seed": run.spec.seeds[0],
        },
        "git_hash": source.summary.commits()[-1] if run.sessions else "unknown",
        "date": time.timestamp(),
        "model_source": "rstar",
        "model_name": clean(source.model),
        "model_name_sanitized": slug(source.model),
        "task_hashes": {name: task_hash},
        "total_evaluation_time_seconds": str(source.summary.wall_seconds),
        "rstar_run": source.facts(),
    }


def _task(source: ExportedRun) -> str:
    return slug(source.run.task_name)


def _time(source: ExportedRun) -> datetime:
    """When the run ended. One that has no time at all is of the year 1970."""
    return (
        datetime.fromisoformat(source.finished).astimezone(UTC) if source.finished else datetime.fromtimestamp(0, UTC)
    )


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
