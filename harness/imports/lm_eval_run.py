"""From a sample file of lm-evaluation-harness to a run folder: the replies graded by our checker, as one search each.

A document with k repeats is a search of k trajectories by the method `sample`, judged by a majority vote. What the file
does not say is not made up: costs are 0 in all counters, and the run's session says where it came from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.atomic_file import atomic_text
from harness.exports.whole_file import make_folder
from harness.imports.lm_eval_files import Origin, Sample
from harness.judge import judge
from harness.lm_eval_reply import QUESTION_FIELDS
from harness.provenance import provenance
from harness.records import ProblemRecord, encode
from harness.run_folder import RECORDS, RUN_FILE, RunRecord
from harness.run_inputs import RunInputs
from harness.spec import IMPORTED, NO_REWARD, RunSpec
from harness.spec_fields import make_spec
from rstar.types import SearchResult, Trajectory, Usage
from tasks.answers import GRADER_VERSION, extract
from tasks.jsonl import shorten
from tasks.types import InputError, Problem, Task

TOOL = "lm-evaluation-harness"
PREFIX = "rstar_"
"""Of the names under `tasks/lm_eval`."""
_SHOWN_DIFFERENCES = 5


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a sample file."""

    folder: Path
    num_samples: int
    own_score: float | None
    """lm-eval's own mean `exact_match`; None where the task has another metric."""
    differing: tuple[str, ...]
    """Problems where its verdict on the first reply is not ours."""

    def lines(self) -> Iterator[str]:
        """What to tell the user beside the report."""
        yield f"Imported {self.num_samples:,} documents; graded again by our checker, version {GRADER_VERSION}."
        if self.own_score is None:
            yield f"The task has no exact_match of {TOOL} to compare with."
            return
        shown = ", ".join(self.differing[:_SHOWN_DIFFERENCES])
        more = ", ..." if len(self.differing) > _SHOWN_DIFFERENCES else ""
        yield (
            f"{TOOL}'s own exact_match is {100 * self.own_score:.1f} %; on the first reply its verdict differs from "
            f"ours on {len(self.differing):,} problems{f' ({shown}{more})' if shown else ''}."
        )


def task_name_of(origin: Origin, names: Sequence[str]) -> str:
    """Our task that lm-eval's own name stands for. Raises InputError where there is none."""
    for name in names:
        if origin.task in (name, PREFIX + name.replace("-", "_")):
            return name
    what = f"task {origin.task!r} of {TOOL} is none of ours" if origin.task else "the file's name holds no task"
    raise InputError(f"{what}; say with --task which one has its problems (see 'rstar tasks'), or --task user:FILE")


def import_samples(path: Path, samples: Sequence[Sample], origin: Origin, task: Task, name: str, out: Path) -> Imported:
    """Grade `samples`, write the run below `out`, and say what came of it; `name` is the task's as a run gives it.

    Raises InputError, naming file and line, for a document that is no problem of the task or is one twice, and where
    the run is there already.
    """
    by_question = _ByQuestion(task)
    problems = [by_question.find(sample) for sample in samples]
    spec = _spec(samples, origin, task, name)
    record = RunRecord(spec, _inputs(path, origin, task), task.name, len(task.problems), len(samples))
    folder = record.folder(out)
    if (folder / RUN_FILE).exists():
        raise InputError(f"{folder}: this file was imported before; delete the folder to import it again")
    records, differing = [], []
    for sample, problem in zip(samples, problems, strict=True):
        found = _judged(sample, problem, task, spec)
        records.append(found)
        if sample.own_score is not None and _is_right(found) != (sample.own_score == 1):
            differing.append(problem.id)
    make_folder(folder)
    # The records first: a folder without a run.json is no run, so a kill in between leaves none that is half there.
    with atomic_text(folder / RECORDS) as file:
        file.writelines(encode(found).decode("ascii") for found in records)
    session = provenance("unknown", "not used") | {"seconds": 0.0, "imported": _told(path, samples, origin)}
    replace(record, status="complete", sessions=(session,)).write(folder)
    return Imported(folder, len(samples), _own_score(samples), tuple(differing))


def _judged(sample: Sample, problem: Problem, task: Task, spec: RunSpec) -> ProblemRecord:
    return judge(
        _result(sample, problem),
        task.answers[problem.id],
        seed=spec.seeds[0],
        rules=spec.rules,
        budgets=spec.budgets,
        top_k=spec.top_k,
    )


def _is_right(record: ProblemRecord) -> bool:
    """Whether the first reply is."""
    first = record.answer_of[0]
    return first is not None and record.answers[first].verdict == "correct"


class _ByQuestion:
    """Finds the problem of a document: by its id, or by its question, whose spaces do not count."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.by_id = {problem.id: problem for problem in task.problems}
        self.by_text: dict[str, list[Problem]] = {}
        for problem in reversed(task.problems):
            self.by_text.setdefault(_bare(problem.question), []).append(problem)
        self.taken: dict[str, int] = {}

    def find(self, sample: Sample) -> Problem:
        """The problem. Raises InputError, naming the line, where there is none, or it was taken before."""
        texts = [value for name in QUESTION_FIELDS if isinstance(value := sample.doc.get(name), str) and value.strip()]
        if not texts:
            sample.row.reject(f"field 'doc' holds no question; it needs one of {', '.join(QUESTION_FIELDS)}")
        found = self._known(sample, texts[0])
        if found is None:
            sample.row.reject(
                f"its question {shorten(texts[0])!r} is in no problem of task {self.task.name}; name the task that it "
                "belongs to with --task"
            )
        earlier = self.taken.setdefault(found.id, sample.row.number)
        if earlier != sample.row.number:
            sample.row.reject(f"it is problem {found.id} of task {self.task.name}, as line {earlier} is; remove one")
        return found

    def _known(self, sample: Sample, text: str) -> Problem | None:
        named = self.by_id.get(str(sample.doc.get("id")))
        if named is not None and _bare(named.question) == _bare(text):
            return named
        # A question that a task has twice is its first problem, then its second.
        same = [each for each in reversed(self.by_text.get(_bare(text), [])) if each.id not in self.taken]
        return same[0] if same else next(iter(reversed(self.by_text.get(_bare(text), []))), None)


def _bare(text: str) -> str:
    return "".join(text.split())


def _spec(samples: Sequence[Sample], origin: Origin, task: Task, name: str) -> RunSpec:
    settings, repeats = samples[0].settings, len(samples[0].replies)
    temperature = 0.0 if settings.get("do_sample") is False else settings.get("temperature")
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not temperature >= 0:
        temperature = None
    longest = settings.get("max_gen_toks")
    config = origin.results.get("config")
    seed = config.get("random_seed") if isinstance(config, dict) else None
    powers = [1 << power for power in range(repeats.bit_length()) if 1 << power < repeats]
    return make_spec(
        {
            "task": name,
            "method": "sample",
            "engine": IMPORTED,
            "policy": origin.model,
            "ppm": NO_REWARD,
            "layout": "cot",
            "interpreter": "arithmetic",
            "trees": "none",
            "budgets": [*powers, repeats],
            "seeds": [seed if isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 else 0],
            "limit": None if len(samples) == len(task.problems) else len(samples),
            "search": {} if temperature is None else {"temperature": float(temperature)},
            **({"max_new_tokens": longest} if isinstance(longest, int) and longest > 0 else {}),
        }
    )


def _inputs(path: Path, origin: Origin, task: Task) -> RunInputs:
    """The model is known by name only; with the bytes of the file the run cannot be taken for another evaluation."""
    stated = f"{TOOL}\0{origin.model}\0{_digest(path)}"
    policy = hashlib.sha256(stated.encode()).hexdigest()
    return RunInputs(task.version, task.source.sha256, policy, "", GRADER_VERSION)


def _result(sample: Sample, problem: Problem) -> SearchResult:
    answers = [extract(reply) for reply in sample.replies]
    trajectories = tuple(
        Trajectory(problem, (), "unparsable" if answer is None else "answered", answer) for answer in answers
    )
    values = tuple(-1.0 if answer is None else 0.0 for answer in answers)
    size = len(answers)
    return SearchResult(problem.id, trajectories, values, tuple(Usage() for _ in answers), size)


def _told(path: Path, samples: Sequence[Sample], origin: Origin) -> dict[str, Any]:
    """Where the replies came from, for `run.json`."""
    told = {name: origin.results.get(name) for name in ("git_hash", "date", "lm_eval_version", "model_source")}
    config = origin.results.get("config")
    wanted = ("model", "model_args", "limit", "random_seed", "device", "gen_kwargs", "num_fewshot")
    settings = {name: config[name] for name in wanted if name in config} if isinstance(config, dict) else {}
    content = {
        "tool": TOOL,
        "task": origin.task,
        "model": origin.model,
        "file": path.name,
        "sha256": _digest(path),
        "num_documents": len(samples),
        "own_exact_match": _own_score(samples),
        "generation_kwargs": dict(samples[0].settings),
        **{name: value for name, value in told.items() if value is not None},
        "config": settings,
    }
    # Only what is JSON as it stands goes into run.json.
    kept: dict[str, Any] = json.loads(json.dumps(content, default=str))
    return kept


def _own_score(samples: Sequence[Sample]) -> float | None:
    scores = [sample.own_score for sample in samples if sample.own_score is not None]
    return sum(scores) / len(scores) if scores else None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
