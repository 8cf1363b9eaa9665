"""Run folders made by hand: a spec, records with the ends that a test wants, and the choices that the rules make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.judge import choose_again
from harness.record_file import RecordFile
from harness.records import COUNTERS, JudgedAnswer, ProblemRecord, Timing
from harness.run_folder import RECORDS, RunRecord, Status
from harness.run_inputs import RunInputs
from harness.spec import RunSpec
from harness.spec_fields import make_spec
from rstar.types import Ending
from tasks.types import Verdict

SESSION: dict[str, Any] = {
    "started": "2026-01-02T03:04:05+00:00",
    "seconds": 60.0,
    "commit": "0" * 40,
    "is_dirty": False,
    "packages": {"rstar-bench": "0.1.0"},
    "device": "a device",
}
ANSWERLESS: tuple[Ending, ...] = ("max_depth", "code_error", "unparsable", "truncated")


@dataclass(frozen=True, slots=True)
class End:
    """How one trajectory ended: `answer` "" for none, and then `ending` says why."""

    answer: str = ""
    verdict: Verdict = "incorrect"
    value: float = -1.0
    ending: Ending = "answered"
    number: int | None = None
    """Equivalence class; None: one for each different text."""


def right(value: float = 0.5, answer: str = "right") -> End:
    """A right answer of this value."""
    return End(answer, "correct", value)


def wrong(value: float = 0.5, answer: str = "wrong") -> End:
    """A wrong answer of this value."""
    return End(answer, "incorrect", value)


def spec_of(budgets: Sequence[int] = (1, 2), **changes: Any) -> RunSpec:
    """The spec of a run that nobody has to run: its models are names."""
    given = {"task": "sums", "engine": "scripted", "policy": "models/a", "method": "sample", "budgets": list(budgets)}
    return make_spec(given | changes)


def record_of(spec: RunSpec, problem_id: str, ends: Sequence[End], seed: int = 0) -> ProblemRecord:
    """A record with these trajectories, whose answers the rules have chosen as in a real run."""
    first = {end.answer: end for end in reversed(ends) if end.answer}
    texts = list(dict.fromkeys(end.answer for end in ends if end.answer))
    answers = []
    for index, text in enumerate(texts):
        number = first[text].number
        answers.append(JudgedAnswer(text, index if number is None else number, first[text].verdict, "by hand"))
    record = ProblemRecord(
        problem_id,
        seed,
        budget=spec.budgets[-1],
        answers=tuple(answers),
        answer_of=tuple(texts.index(end.answer) if end.answer else None for end in ends),
        values=tuple(end.value for end in ends),
        endings=tuple(end.ending for end in ends),
        usage={name: tuple(10 * (number + 1) for number in range(len(ends))) for name in COUNTERS},
        grader_version="1",
        timing=Timing(
            tuple(0.5 * (number + 1) for number in range(len(ends))),
            tuple(1.0 * (number + 1) for number in range(len(ends))),
            0.25,
            "2026-01-02T03:05:00+00:00",
        ),
    )
    return replace(record, chosen=choose_again(record, rules=spec.rules, budgets=spec.budgets, top_k=spec.top_k))


def failed(problem_id: str, seed: int = 0, error: str = "policy: connection lost") -> ProblemRecord:
    """A record of an engine's failure."""
    return ProblemRecord(problem_id, seed, error=error)


def write_run(
    folder: Path,
    spec: RunSpec,
    records: Sequence[ProblemRecord],
    num_problems: int | None = None,
    status: Status = "complete",
) -> Path:
    """A run's folder with these records; by default as many problems as records."""
    count = len(records) // len(spec.seeds) if num_problems is None else num_problems
    inputs = RunInputs("1", "a" * 64, "b" * 64, "" if spec.ppm == "none" else "c" * 64, "1")
    run = RunRecord(spec, inputs, "sums", max(count, 1), count, status, (SESSION,))
    folder.mkdir(parents=True, exist_ok=True)
    run.write(folder)
    with RecordFile(folder / RECORDS) as file:
        for record in records:
            file.append(record)
    return folder
