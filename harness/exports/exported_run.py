"""What every export is made from: a run's records, its figures, and, where they are wanted, questions and solutions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.checked_records import checked_records
from harness.kept_searches import kept_solutions
from harness.records import ProblemRecord
from harness.run_folder import RunRecord
from harness.run_inputs import chosen_problems
from harness.run_summary import RunSummary
from harness.spec import BUILTIN
from tasks.catalog import load_task
from tasks.types import InputError, Problem, Reference, Task


@dataclass(frozen=True, slots=True)
class Solution:
    """The trajectory whose answer a rule chose."""

    answer: str
    position: int
    """Of the trajectory; the best-valued one with that answer, of equal ones the first."""


@dataclass(frozen=True, slots=True)
class ExportedRun:
    """One run, at one budget and by one rule where the format has room for one figure only."""

    folder: Path
    run: RunRecord
    summary: RunSummary
    rule: str
    budget: int
    task: Task | None
    """None where questions and references are left out."""
    has_solutions: bool
    """Whether the texts of kept solutions are wanted."""
    numbers: Mapping[str, int] = field(default_factory=dict)
    """Problem id to its place in the run, from 0: the task's order, or without the task that of the ids."""
    problems: Mapping[str, Problem] = field(default_factory=dict)
    """By id; empty where questions are left out."""
    finished: str = ""
    """When the last record was made, or else the run began, UTC, ISO 8601; empty where neither is known."""

    @property
    def budget_index(self) -> int:
        """Place of `budget` among the run's."""
        return self.run.spec.budgets.index(self.budget)

    @property
    def model(self) -> str:
        """The policy's name, without the folders above it."""
        return self.run.spec.policy if self.run.spec.policy == BUILTIN else Path(self.run.spec.policy).name

    def records(self) -> Iterator[ProblemRecord]:
        """The records, one at a time, in the order in which they were written."""
        for _, record in checked_records(self.folder, self.run):
            yield record

    def problem(self, problem_id: str) -> Problem:
        """The problem, or one without a question where the task was left out."""
        return self.problems.get(problem_id, Problem(problem_id, ""))

    def reference(self, problem_id: str) -> Reference:
        """The reference answer; empty where the task was left out."""
        return self.task.answers[problem_id] if self.task else ""

    def solutions(self, record: ProblemRecord) -> list[str] | None:
        """The text of every trajectory; None where none was kept or wanted."""
        return kept_solutions(self.folder, self.run, record) if self.has_solutions else None

    def chosen(self, record: ProblemRecord, rule: str) -> Solution | None:
        """What `rule` chose at the budget; None for no answer and for a search that an engine failed on."""
        position = (record.chosen or {}).get(rule, (None,) * len(self.run.spec.budgets))[self.budget_index]
        if position is None:
            return None
        counted = range(record.num_counted(self.budget))
        members = [each for each in counted if record.answer_of[each] == position]
        return Solution(record.answers[position].text, max(members, key=lambda each: record.values[each]))

    def facts(self) -> dict[str, Any]:
        """What a reader should know about the run as a whole; no path of this machine is in it."""
        spec = self.run.spec.content()
        for name in ("policy", "ppm"):
            spec[name] = Path(spec[name]).name
        spec["task"] = self.run.task_name
        return {
            "id": self.run.id,
            "identity": self.run.identity,
            "status": self.status,
            "is_complete": self.summary.is_complete,
            "num_problems": self.run.num_problems,
            "num_task_problems": self.run.num_task_problems,
            "done": self.summary.num_done,
            "failed": self.summary.num_failed,
            "missing": self.summary.num_missing,
            "commits": self.summary.commits(),
            "grader_version": self.run.inputs.grader_version,
            "task_version": self.run.inputs.task_version,
            "task_sha256": self.run.inputs.task_sha256,
            "policy_sha256": self.run.inputs.policy_sha256,
            "ppm_sha256": self.run.inputs.ppm_sha256,
            "spec": spec,
        }

    @property
    def status(self) -> str:
        """`complete`, `partial`, `interrupted` or `unfinished`, by what is there and not by what `run.json` hopes."""
        if self.summary.is_complete:
            return "complete"
        return "unfinished" if self.run.status == "complete" else self.run.status

    @property
    def partial_mark(self) -> str:
        """For a title: empty for a complete run."""
        if self.summary.is_complete:
            return ""
        return f"PARTIAL: {self.summary.num_done:,} of {self.run.num_records:,} searches done"


def open_run(
    folder: Path,
    *,
    rule: str | None = None,
    budget: int | None = None,
    is_partial_ok: bool = False,
    with_task: bool = True,
    with_solutions: bool = True,
) -> ExportedRun:
    """The run in `folder`, ready to be exported; by default its own rule at its largest budget.

    Raises InputError for damaged files, for an unfinished run unless `is_partial_ok`, and where the task is not at hand
    as it was.
    """
    run = RunRecord.read(folder)
    spec = run.spec
    if not run.num_records:
        raise InputError(f"{folder}: the run has no problems; there is nothing to export")
    if rule is not None and rule not in spec.rules:
        raise InputError(f"--rule {rule}: this run has {', '.join(spec.rules)}; name one of them")
    if budget is not None and budget not in spec.budgets:
        known = ", ".join(map(str, spec.budgets))
        raise InputError(f"--budget {budget}: answers were chosen at {known}; name one of them")
    summary, ids = RunSummary(folder, run), set()
    finished = run.sessions[0]["started"] if run.sessions else ""
    for _, record in checked_records(folder, run):
        summary.add(record)
        ids.add(record.problem_id)
        finished = max(finished, record.timing.finished)
    if not summary.is_complete and not is_partial_ok:
        raise InputError(
            f"{folder}: is unfinished: {summary.num_done:,} of {run.num_records:,} searches done, "
            f"{summary.num_failed:,} failed, {summary.num_missing:,} missing; go on with 'rstar resume {folder}', or "
            "export what is there with --partial"
        )
    task = _task(folder, run, ids) if with_task else None
    order = [problem.id for problem in chosen_problems(task, spec.limit)] if task else sorted(ids)
    return ExportedRun(
        folder,
        run,
        summary,
        rule or spec.rule,
        budget or spec.budgets[-1],
        task,
        with_solutions,
        numbers={problem_id: number for number, problem_id in enumerate(order)},
        problems={problem.id: problem for problem in task.problems} if task else {},
        finished=finished,
    )


def clean(text: str) -> str:
    """`text` without lone surrogates, which JSON may carry and UTF-8 may not: each becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _task(folder: Path, run: RunRecord, ids: set[str]) -> Task:
    hint = "leave questions and references out with --without-task"
    try:
        task = load_task(run.spec.task)
    except InputError as error:
        raise InputError(f"{error}; or {hint}") from error
    found, wanted = (task.version, task.source.sha256), (run.inputs.task_version, run.inputs.task_sha256)
    if found != wanted:
        raise InputError(
            f"{folder}: task {run.task_name} has version and hash {found} now, the run had {wanted}; bring that back, "
            f"or {hint}"
        )
    strange = ids.difference(task.answers)
    if strange:
        raise InputError(f"{folder}: holds problem {min(strange)}, which is not in task {run.task_name}; {hint}")
    return task
