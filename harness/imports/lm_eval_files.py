"""What lm-evaluation-harness leaves behind: `samples_<task>_<time>.jsonl` and, beside it, `results_<time>.json`.

Fields are those of `lm_eval.result_schema` (0.4.13). A sample file has one line per document and filter; the replies,
`resps`, are the same for all filters of a document: one list for each request, with one text for each repeat.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from tasks.jsonl import Row, describe, read_rows, shorten
from tasks.types import InputError

_NAME = re.compile(r"samples_(?P<task>.+)_(?P<time>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl")
_KIND = "this is no sample file of lm-evaluation-harness (--log_samples writes samples_<task>_<time>.jsonl)"


@dataclass(frozen=True, slots=True)
class Sample:
    """One document and the model's replies to it."""

    row: Row
    """Where it stands first; `row.reject` names the line."""
    doc_id: int
    doc: Mapping[str, Any]
    replies: tuple[str, ...]
    settings: Mapping[str, Any]
    """The `generation_kwargs` of the request."""
    own_score: float | None
    """lm-eval's own `exact_match`, by the first filter; None where the task has another metric."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the files say of the evaluation."""

    task: str
    """lm-eval's name of the task, from the file's name; empty where the file was renamed."""
    model: str
    results: Mapping[str, Any] = field(default_factory=dict)
    """The content of the results file; empty without one."""


def read_samples(path: Path) -> list[Sample]:
    """The documents, in the file's order.

    Raises InputError, naming file and line, for a file of another kind, a broken line, a document that stands there
    twice with different replies, and repeats that differ in number.
    """
    found: dict[int, Sample] = {}
    for row in read_rows(path):
        sample = _sample(row)
        known = found.setdefault(sample.doc_id, sample)
        if known.replies != sample.replies:
            row.reject(
                f"field 'doc_id' repeats {sample.doc_id} of line {known.row.number} with other replies; import the "
                "samples of one evaluation at a time"
            )
        first = next(iter(found.values()))
        if len(first.replies) != len(sample.replies):
            row.reject(
                f"field 'resps' holds {len(sample.replies)} replies, those before it {len(first.replies)}; every "
                "document needs as many"
            )
    return list(found.values())


def read_origin(path: Path, results: Path | None, model: str | None) -> Origin:
    """Task and model of the sample file `path`, from its name, its folder and the results file that goes with it.

    `results` None looks for `results_<time>.json` beside it. Raises InputError for a results file that cannot be read,
    and where nothing names the model.
    """
    named = _NAME.fullmatch(path.name)
    if results is None and named:
        beside = path.with_name(f"results_{named['time']}.json")
        results = beside if beside.is_file() else None
    content = _read_results(results) if results else {}
    name = model or _model(content)
    if not name:
        raise InputError(
            f"{path}: nothing says which model answered; give its name with --model, or the results file with --results"
        )
    return Origin(named["task"] if named else "", name, content)


def _sample(row: Row) -> Sample:
    for name, kind in (("doc_id", int), ("doc", dict), ("resps", list)):
        value = row.fields.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            _reject(row, name, value)
    [*requests] = row.fields["resps"]
    replies = requests[0] if len(requests) == 1 else requests
    if not isinstance(replies, list) or not replies or not all(isinstance(each, str) for each in replies):
        row.reject(
            f"field 'resps' holds {describe(row.fields['resps'])} without one text per repeat; import takes tasks "
            "whose output_type is generate_until"
        )
    score = row.fields.get("exact_match")
    return Sample(
        row,
        row.fields["doc_id"],
        row.fields["doc"],
        tuple(replies),
        _settings(row.fields.get("arguments")),
        float(score) if isinstance(score, int | float) else None,
    )


def _reject(row: Row, name: str, value: object) -> NoReturn:
    what = "is missing" if name not in row.fields else f"holds {describe(value)}"
    row.reject(f"field '{name}' {what}; {_KIND}")


def _settings(arguments: object) -> Mapping[str, Any]:
    """Of `{"gen_args_0": {"arg_0": prompt, "arg_1": settings}}`."""
    first = arguments.get("gen_args_0") if isinstance(arguments, dict) else None
    found = first.get("arg_1") if isinstance(first, dict) else None
    return found if isinstance(found, dict) else {}


def _read_results(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name the results file of lm-eval") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({shorten(str(error))}); name the results file of lm-eval") from error
    if not isinstance(content, dict) or not isinstance(content.get("results"), dict):
        raise InputError(f"{path}: has no field 'results'; name the results file of lm-eval, results_<time>.json")
    return content


def _model(content: Mapping[str, Any]) -> str:
    """The most telling name: of the weights, else of the class of model."""
    config = content.get("config")
    given = config.get("model_args") if isinstance(config, dict) else None
    of_args = [given.get(name) for name in ("pretrained", "model", "policy")] if isinstance(given, dict) else []
    names = [*of_args, content.get("model_name"), config.get("model") if isinstance(config, dict) else None]
    return next((name for name in names if isinstance(name, str) and name), "")
