"""Everything that a site says of one run: its own page, and the data behind its problems and their trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.anatomy import Anatomy
from harness.kept_trees import TREES, Source, kept_tree, tree_path
from harness.records import ProblemRecord
from harness.run_folder import RunRecord
from harness.run_summary import RunSummary
from leaderboard.problem_data import ENGINE_FAILED, NO_RECORD, VERDICTS, outcomes, record_json
from leaderboard.run_page import run_context
from leaderboard.site_data import LongTexts, write_data, write_json
from leaderboard.site_files import SiteFiles
from leaderboard.site_options import SiteOptions
from leaderboard.statements import PER_FILE, Statements, statements_of, write_statements
from leaderboard.tree_data import write_tree_data
from tasks.types import InputError


@dataclass(slots=True)
class _Row:
    """One search: what the grid shows of it, and its record as JSON."""

    outcomes: str
    chosen: str
    """Letter of what the run's own rule chose at its largest budget."""
    json: str
    tree: int = 0


@dataclass(slots=True)
class RunSite:
    """The pages of one run; takes its records one at a time, and writes when they are all there.

    `key` names the run in addresses: letters, digits, dots and hyphens.
    """

    folder: Path
    run: RunRecord
    key: str
    files: SiteFiles
    options: SiteOptions = field(default_factory=SiteOptions)
    summary: RunSummary = field(init=False)
    anatomy: Anatomy = field(init=False)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """(part of the run's folder, why it is not shown)."""
    _statements: Statements = field(init=False)
    _rows: dict[tuple[str, int], _Row] = field(default_factory=dict)
    _has_trees: bool = field(init=False)
    _with_trees: list[ProblemRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.summary = RunSummary(self.folder, self.run)
        self.anatomy = Anatomy(self.folder, self.run)
        self._has_trees = (self.folder / TREES).is_dir()
        self._statements = statements_of(self.run, self.options.with_questions)

    @property
    def data(self) -> str:
        """Name of the folder of the run's data files."""
        return f"data/{self.key}"

    def add(self, line: int, record: ProblemRecord) -> None:
        """Take one record, which stands in this line of the file."""
        self.summary.add(record)
        self.anatomy.add(line, record)
        chosen = ENGINE_FAILED
        if not record.error:
            chosen = VERDICTS[record.verdict(self.run.spec.rule, len(self.run.spec.budgets) - 1)]
            if self._may_have_tree(record):
                self._with_trees.append(record)
        long = LongTexts(self.files, f"{self.data}/text-{len(self._rows)}")
        self._rows[record.key] = _Row(outcomes(record), chosen, record_json(record, long))

    def finish(self) -> list[tuple[str, str]]:
        """Write the page and the data. Returns what was left out and why."""
        order = self._order()
        problems = list(dict.fromkeys(problem_id for problem_id, _ in order))
        place = {problem_id: number for number, problem_id in enumerate(problems)}
        number = {key: row for row, key in enumerate(order)}
        self._write_trees(number)
        self._write_records(order)
        rows = [self._rows.get(key) for key in order]
        seeds = {seed: index for index, seed in enumerate(self.run.spec.seeds)}
        write_data(
            self.files,
            f"{self.data}/run",
            self._facts()
            | {
                "ids": problems,
                "statements": self._statements.folder,
                "reason": self._statements.reason,
                "places": [self._statements.order.get(each, -1) for each in problems],
                "problem": [place[problem_id] for problem_id, _ in order],
                "seed": [seeds.get(seed, 0) for _, seed in order],
                "outcomes": [row.outcomes if row else "" for row in rows],
                "chosen": "".join(row.chosen if row else NO_RECORD for row in rows),
                "tree": [row.tree if row else 0 for row in rows],
            },
        )
        self.files.page(
            "run.html",
            f"runs/{self.key}.html",
            title=f"{self.key} on {self.run.task_name}",
            **run_context(self.key, self.run, self.summary, self.anatomy, self.left_out),
        )
        return self.left_out

    def _may_have_tree(self, record: ProblemRecord) -> bool:
        if self.options.trees == "journals":
            return True
        return self._has_trees and tree_path(self.folder, record.problem_id, record.seed).is_file()

    def _order(self) -> list[tuple[str, int]]:
        """(problem, seed) of every search, those without a record included where the task is known."""
        known = self._statements.chosen
        place = {problem_id: number for number, problem_id in enumerate(known)}
        every = {*self._rows, *((problem_id, seed) for problem_id in known for seed in self.run.spec.seeds)}
        return sorted(every, key=lambda key: (place.get(key[0], len(place)), key))

    def _write_records(self, order: Sequence[tuple[str, int]]) -> None:
        for first in range(0, len(order), PER_FILE):
            rows = (self._rows.get(key) for key in order[first : first + PER_FILE])
            content = ",".join(row.json if row else "null" for row in rows)
            write_json(self.files, f"{self.data}/records-{first // PER_FILE}", f"[{content}]")

    def _write_trees(self, number: dict[tuple[str, int], int]) -> None:
        num_written = 0
        source: Source = "files" if self.options.trees == "kept" else "journals"
        for record in sorted(self._with_trees, key=lambda record: number[record.key]):
            if num_written >= self.options.max_trees:
                self.left_out.append((TREES, f"only the first {num_written} are shown; raise --max-trees"))
                return
            try:
                tree = kept_tree(self.folder, self.run, record, source)
            except InputError as error:
                self.left_out.append((TREES, str(error).replace(f"{self.folder}/", "")))
                continue
            if tree is not None:
                write_tree_data(self.files, f"{self.data}/tree-{number[record.key]}", tree)
                self._rows[record.key].tree = 1
                num_written += 1

    def _facts(self) -> dict[str, Any]:
        spec = self.run.spec
        return {
            "key": self.key,
            "task": self.run.task_name,
            "solver": spec.solver,
            "method": spec.method,
            "variant": getattr(spec.config, "variant", ""),
            "rule": spec.rule,
            "rules": list(spec.rules),
            "budgets": list(spec.budgets),
            "seeds": list(spec.seeds),
            "top_k": spec.top_k,
            "kept": spec.trees,
        }


def write_shared_pages(files: SiteFiles, records: Sequence[RunRecord], options: SiteOptions) -> None:
    """The pages that show any problem and any tree of any run, and the statements of all tasks."""
    files.page("problem.html", "problem.html", title="Problem")
    files.page("tree.html", "tree.html", title="Search tree")
    for record in records:
        write_statements(files, record, options.with_questions)
