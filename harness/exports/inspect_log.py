"""Inspect AI: a log that `inspect view`, `read_eval_log` and its data frames open; `.eval` or `.json`.

The format is version 2 of `inspect_ai.log.EvalLog` (0.3.285; https://inspect.aisi.org.uk/eval-logs.html). An `.eval`
file is a zip: `header.json` is the log without its samples, `samples/<id>_epoch_<n>.json` one sample each,
`summaries.json` what a list of them shows. A sample is one search: the problem's seeds are epochs, each rule is a
scorer, the reply is the solution whose answer the exported rule chose. `metadata` holds every trajectory's answer,
value and ending.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from harness.exports.exported_run import ExportedRun, clean
from harness.exports.whole_file import whole_file
from harness.failure_bins import bin_of
from harness.metrics import Z_95
from harness.records import ProblemRecord
from harness.run_inputs import slug

VERSION = 2
LogEnding = Literal["eval", "json"]
_VALUES = {"correct": "C", "no_answer": "N", "incorrect": "I", "grader_error": "I"}
"""Inspect's letters: correct, no answer, incorrect. A grader's error counts as wrong, as everywhere here."""
_SUMMARY = (
    "id",
    "epoch",
    "uuid",
    "input",
    "target",
    "scores",
    "model_usage",
    "started_at",
    "completed_at",
    "total_time",
)
_STATUS = {"complete": "success", "partial": "error", "interrupted": "cancelled", "unfinished": "started"}
_SHORT = 1000
"""Characters of a text in a summary: Inspect cuts at 1k itself."""


def write_inspect(source: ExportedRun, out: Path, ending: LogEnding = "eval") -> list[Path]:
    """Write the log into the folder `out`. Raises InputError where it cannot be written."""
    # Inspect finds logs by their ending and reads time, task and task id from the name, which it cuts at underscores.
    stamp = (source.finished or "1970-01-01T00:00:00+00:00").replace(":", "-")
    path = out / f"{stamp}_{slug(source.run.task_name)}_{_task_id(source)}.{ending}"
    with whole_file(path) as temporary:
        (_write_zip if ending == "eval" else _write_json)(source, temporary)
    return [path]


def _write_zip(source: ExportedRun, path: Path) -> None:
    summaries = []
    # Times in a zip are left at their default, so the same run gives the same file.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "_journal/start.json", {"version": VERSION, "eval": _spec(source), "plan": _plan(source)})
        for sample in _samples(source):
            _add(archive, f"samples/{sample['id']}_epoch_{sample['epoch']}.json", sample)
            summaries.append(_summary(sample))
        _add(archive, "summaries.json", summaries)
        _add(archive, "header.json", _header(source))


def _write_json(source: ExportedRun, path: Path) -> None:
    header = json.dumps(_header(source))
    with path.open("w", encoding="ascii") as file:
        # One sample at a time: all of a large run in one object would not fit into memory.
        file.write(header[:-1] + ', "samples": [')
        for number, sample in enumerate(_samples(source)):
            file.write(f"{',' if number else ''}\n{json.dumps(sample)}")
        file.write("\n]}\n")


def _add(archive: zipfile.ZipFile, name: str, content: Any) -> None:
    archive.writestr(zipfile.ZipInfo(name), json.dumps(content), zipfile.ZIP_DEFLATED)


def _header(source: ExportedRun) -> dict[str, Any]:
    run, status = source.run, _STATUS[source.status]
    header: dict[str, Any] = {
        "version": VERSION,
        "status": status,
        "eval": _spec(source),
        "plan": _plan(source),
        "results": {
            "total_samples": run.num_records,
            "completed_samples": source.summary.num_done,
            "scores": [_score(source, rule) for rule in _rules(source)],
        },
        "stats": {"started_at": _started(source), "completed_at": source.finished, "model_usage": {}},
    }
    if status == "error":
        message = f"engines failed on {source.summary.num_failed:,} of {run.num_records:,} searches"
        header["error"] = {"message": message, "traceback": "", "traceback_ansi": ""}
    return header


def _spec(source: ExportedRun) -> dict[str, Any]:
    run, spec = source.run, source.run.spec
    return {
        "eval_id": _id(run.identity),
        "run_id": run.id,
        "created": _started(source),
        "task": run.task_name,
        "task_id": _task_id(source),
        "task_version": run.inputs.task_version,
        "solver": spec.solver,
        "solver_args": source.facts()["spec"]["search"],
        "tags": ["rstar", spec.method, *([source.partial_mark] if source.partial_mark else [])],
        "dataset": {
            "name": run.task_name,
            "samples": run.num_problems,
            "sample_ids": [clean(problem_id) for problem_id in source.numbers],
        },
        "model": f"rstar/{clean(source.model)}",
        "config": {"epochs": len(spec.seeds), "limit": spec.limit},
        "packages": run.sessions[-1]["packages"] if run.sessions else {},
        "metadata": {"rule": source.rule, "budget": source.budget, **source.facts()},
        "scorers": [{"name": rule, "options": {"budget": source.budget}} for rule in _rules(source)],
    }


def _plan(source: ExportedRun) -> dict[str, Any]:
    settings = source.facts()["spec"]["search"]
    return {"name": "rstar", "steps": [{"solver": source.run.spec.method, "params": settings}]}


def _score(source: ExportedRun, rule: str) -> dict[str, Any]:
    point = source.summary.point(rule, source.budget)
    figures = {
        "accuracy": point.accuracy.value,
        # Half the 95 % interval in standard errors: Wilson's, clustered by problem.
        "stderr": (point.accuracy.high - point.accuracy.low) / (2 * Z_95),
        "accuracy_low_95": point.accuracy.low,
        "accuracy_high_95": point.accuracy.high,
    }
    return {
        "name": rule,
        "scorer": rule,
        "scored_samples": source.summary.num_done,
        "unscored_samples": source.run.num_records - source.summary.num_done,
        "params": {"budget": source.budget},
        "metrics": {name: {"name": name, "value": value} for name, value in figures.items()},
        "metadata": {"counts": point.counts, "denominator": source.run.num_records},
    }


def _samples(source: ExportedRun) -> Iterator[dict[str, Any]]:
    epochs = {seed: number for number, seed in enumerate(source.run.spec.seeds, 1)}
    for record in source.records():
        reference = source.reference(record.problem_id)
        question = clean(source.problem(record.problem_id).question)
        sample: dict[str, Any] = {
            "id": clean(record.problem_id),
            "epoch": epochs[record.seed],
            "uuid": _id(source.run.identity, record.problem_id, str(record.seed)),
            "input": question,
            "target": clean(reference) if isinstance(reference, str) else [clean(each) for each in reference],
            "messages": [{"role": "user", "content": question}],
        }
        yield sample | (_failed(record) if record.error else _searched(source, record))


def _failed(record: ProblemRecord) -> dict[str, Any]:
    message = clean(record.error)
    return {
        "error": {"message": message, "traceback": message, "traceback_ansi": message},
        "metadata": {"seed": record.seed},
    }


def _searched(source: ExportedRun, record: ProblemRecord) -> dict[str, Any]:
    last = record.num_counted(source.budget) - 1
    model, reply = f"rstar/{clean(source.model)}", _reply(source, record)
    message = {"role": "assistant", "content": reply, "source": "generate", "model": model}
    usage = _usage(source, record, last)
    return {
        "messages": [{"role": "user", "content": clean(source.problem(record.problem_id).question)}, message],
        "output": {
            "model": model,
            "choices": [{"message": message, "stop_reason": "stop"}],
            "completion": reply,
            "usage": usage[model],
        },
        "scores": {rule: _verdict(source, record, rule) for rule in _rules(source)},
        "metadata": {
            "seed": record.seed,
            "budget": source.budget,
            "stop": record.stop,
            "num_trajectories": last + 1,
            "num_duplicates": record.num_duplicates,
            "trajectories": _trajectories(record, last + 1),
        },
        "model_usage": usage,
        "completed_at": record.timing.finished or None,
        "total_time": record.timing.wall_seconds[last],
        "working_time": record.timing.engine_seconds[last],
    }


def _reply(source: ExportedRun, record: ProblemRecord) -> str:
    """The solution whose answer the rule chose: its text where it was kept, else the answer, else nothing."""
    chosen = source.chosen(record, source.rule)
    if chosen is None:
        return ""
    texts = source.solutions(record)
    return clean(texts[chosen.position] if texts else chosen.answer)


def _verdict(source: ExportedRun, record: ProblemRecord, rule: str) -> dict[str, Any]:
    index, position = source.budget_index, (record.chosen or {})[rule][source.budget_index]
    answer = None if position is None else record.answers[position]
    verdict = record.verdict(rule, index)
    return {
        "value": _VALUES[verdict],
        "answer": clean(answer.text) if answer else None,
        "explanation": clean(answer.detail) if answer else "no final answer was found",
        "metadata": {
            "verdict": verdict,
            "failure_bin": bin_of(record, rule, index, source.budget, source.run.spec.top_k),
        },
    }


def _trajectories(record: ProblemRecord, counted: int) -> list[dict[str, Any]]:
    return [
        {
            "answer": None if position is None else clean(record.answers[position].text),
            "verdict": "no_answer" if position is None else record.answers[position].verdict,
            "value": record.values[number],
            "ending": record.endings[number],
        }
        for number, position in enumerate(record.answer_of[:counted])
    ]


def _usage(source: ExportedRun, record: ProblemRecord, last: int) -> dict[str, dict[str, int]]:
    """Tokens by model: the policy's, and the reward model's where it read some."""
    spent = {name: column[last] for name, column in (record.usage or {}).items()}
    usage = {
        f"rstar/{clean(source.model)}": {
            "input_tokens": spent["prompt_tokens"],
            "output_tokens": spent["completion_tokens"],
            "total_tokens": spent["prompt_tokens"] + spent["completion_tokens"],
            "input_tokens_cache_read": spent["cached_tokens"],
        }
    }
    if spent["reward_tokens"]:
        usage["rstar/reward-model"] = {
            "input_tokens": spent["reward_tokens"],
            "output_tokens": 0,
            "total_tokens": spent["reward_tokens"],
            "input_tokens_cache_read": spent["cached_reward_tokens"],
        }
    return usage


def _summary(sample: dict[str, Any]) -> dict[str, Any]:
    summary = {name: sample[name] for name in _SUMMARY if name in sample}
    summary["input"] = sample["input"][:_SHORT]
    # What Inspect keeps of it as well: short values, no lists.
    summary["metadata"] = {name: each for name, each in sample["metadata"].items() if not isinstance(each, list)}
    summary["error"] = sample["error"]["message"][:_SHORT] if "error" in sample else None
    return summary | {"completed": True, "message_count": len(sample["messages"])}


def _rules(source: ExportedRun) -> list[str]:
    """The exported rule first: Inspect takes the first score for its headline."""
    return [source.rule, *(rule for rule in source.run.spec.rules if rule != source.rule)]


def _started(source: ExportedRun) -> str:
    started: str = source.run.sessions[0]["started"] if source.run.sessions else ""
    return started or source.finished or "1970-01-01T00:00:00+00:00"


def _task_id(source: ExportedRun) -> str:
    """Of this run of the task: the first digits of its identity, of which the run's id ends with eight."""
    return source.run.identity[:22]


def _id(*parts: str) -> str:
    return blake2b("\0".join(parts).encode("utf-8", "backslashreplace"), digest_size=11).hexdigest()
