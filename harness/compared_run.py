"""One side of a comparison: a run at one rule and budget, read from its records alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harness.checked_records import checked_records
from harness.metrics import Estimate, accuracy
from harness.records import ProblemRecord
from harness.run_folder import RECORDS, RunRecord, journal_path
from harness.run_summary import ORACLE, RunSummary
from tasks.types import InputError, Verdict


class RunAnswer(NamedTuple):
    """What one search of one problem came to."""

    seed: int
    verdict: Verdict
    answer: str | None
    """The chosen answer; None for no answer, and for the oracle, which chooses none."""
    line: int
    """Of the record in the run's file, from 1."""


@dataclass(slots=True)
class Side:
    """A run at one rule and budget."""

    summary: RunSummary
    rule: str
    budget: int
    answers: dict[str, list[RunAnswer]] = field(default_factory=dict)
    """Problem id to the searches that are done, in order of their seeds."""
    right: dict[str, list[tuple[bool, ...]]] = field(default_factory=dict)
    """Problem id to whether the rule was right at each budget of the run, for each search that is done."""
    graders: set[str] = field(default_factory=set)
    """The grader's versions in the records."""

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return self.summary.folder

    @property
    def record(self) -> RunRecord:
        """What was asked, and of which versions."""
        return self.summary.record

    @property
    def index(self) -> int:
        """The budget's place among those of the run."""
        return self.record.spec.budgets.index(self.budget)

    @property
    def problems(self) -> set[str]:
        """Those of which every seed is done."""
        return {name for name, found in self.answers.items() if len(found) == len(self.record.spec.seeds)}

    def right_at(self, problems: list[str], index: int) -> dict[str, list[bool]]:
        """Whether each search was right at the run's budget of this position, for these problems."""
        return {name: [each[index] for each in self.right[name]] for name in problems}

    def accuracy(self, problems: list[str], index: int) -> Estimate:
        """Over these problems alone."""
        right = self.right_at(problems, index)
        return accuracy([sum(right[name]) for name in problems], len(self.record.spec.seeds))

    def count(self, problems: list[str], verdict: Verdict) -> int:
        """Searches of these problems with this verdict."""
        return sum(each.verdict == verdict for name in problems for each in self.answers[name])

    def where(self, answer: RunAnswer) -> tuple[Path, int]:
        """The file and line of one search's record."""
        return self.folder / RECORDS, answer.line

    @property
    def kept(self) -> str:
        """What a journal of this run holds: the whole tree, or its finished solutions."""
        return "tree" if self.record.spec.trees == "full" else "solutions"

    def journal(self, problem: str, seed: int) -> Path | None:
        """The journal of one search, from which `kept` can be grown again; None where there is none."""
        path = journal_path(self.folder, problem, seed)
        found = [each for each in (path.with_name(f"{path.name}.gz"), path) if each.is_file()]
        return found[0] if found else None


def read_side(folder: Path, rule: str, budget: int) -> Side:
    """The run in `folder` at one rule and budget. Raises InputError where it has no such rule or budget, and for
    damaged files."""
    record = RunRecord.read(folder)
    check_choice(folder, record, rule, budget)
    side = Side(RunSummary(folder, record), rule, budget)
    for line, found in checked_records(folder, record):
        side.summary.add(found)
        if not found.error:
            _add(side, line, found)
    for answers in side.answers.values():
        answers.sort()
    return side


def check_choice(folder: Path, record: RunRecord, rule: str, budget: int) -> None:
    """Raise InputError, naming what there is, for a rule or budget that a run does not have."""
    if rule not in (*record.spec.rules, ORACLE):
        raise InputError(f"{folder}: has no rule {rule}; --rule takes {', '.join((*record.spec.rules, ORACLE))}")
    if budget not in record.spec.budgets:
        raise InputError(f"{folder}: has no budget {budget}; --budget takes {_numbers(record.spec.budgets)}")


def _add(side: Side, line: int, found: ProblemRecord) -> None:
    budgets = side.record.spec.budgets
    if side.rule == ORACLE:
        right = tuple(found.has_correct(budget) for budget in budgets)
        answer = RunAnswer(found.seed, "correct" if right[side.index] else "incorrect", None, line)
    else:
        right = tuple(found.verdict(side.rule, index) == "correct" for index in range(len(budgets)))
        position = (found.chosen or {})[side.rule][side.index]
        text = None if position is None else found.answers[position].text
        answer = RunAnswer(found.seed, found.verdict(side.rule, side.index), text, line)
    side.answers.setdefault(found.problem_id, []).append(answer)
    side.right.setdefault(found.problem_id, []).append(right)
    side.graders.add(found.grader_version)


def _numbers(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
