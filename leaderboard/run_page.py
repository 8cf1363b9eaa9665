"""What the page of a run says: spec, provenance, figures, anatomy, and examples of what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.anatomy import Anatomy
from harness.failure_bins import BIN_TITLES, BINS
from harness.failure_rates import FailureRates, failure_rates
from harness.record_file import read_records
from harness.report import RULE_TITLES
from harness.run_folder import RECORDS, RunRecord
from harness.run_statistics import RunStatistics, run_statistics
from harness.run_summary import RunSummary
from leaderboard.run_tables import dissections, figures

MAX_SUBSET_WORK = 20_000
"""Records times trajectories squared up to which expectations over subsets are computed: a fifth of a second, of the
minute that a site of 200 runs may take. Chosen, not tuned."""
MAX_RATES = 1_000
"""Records of a run up to which they are read a second time for rates of failures. Chosen, not tuned."""


@dataclass(frozen=True, slots=True)
class Example:
    """A wrong search, and the address of its page after `problem.html#`."""

    bin_title: str
    problem_id: str
    address: str


def run_context(
    key: str, run: RunRecord, summary: RunSummary, anatomy: Anatomy, left_out: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The variables of run.html."""
    statistics = _statistics(summary.folder, run) if summary.num_done else None
    rates = statistics.rates if statistics else _rates(summary.folder, run) if summary.num_done else None
    return {
        "key": key,
        "task": run.task_name,
        "subtitle": subtitle(run),
        "partial": _partial(summary),
        "facts_of_run": tuple(_provenance(run, summary)),
        "spec": tuple(_spec(run)),
        "has_statistics": statistics is not None,
        "tables": tuple(figures(summary, statistics, rates)) if summary.num_done else (),
        "anatomy": tuple(dissections(anatomy)) if summary.num_done else (),
        "examples": tuple(_examples(key, anatomy)) if summary.num_done else (),
        "left_out": tuple(left_out),
        "rule_title": RULE_TITLES[run.spec.rule],
        "budget": run.spec.budgets[-1],
    }


def subtitle(run: RunRecord) -> str:
    """Search, models and size in one line."""
    spec = run.spec
    seeds = f"seed {spec.seeds[0]}" if len(spec.seeds) == 1 else f"{len(spec.seeds)} seeds"
    part = "" if run.num_problems == run.num_task_problems else f" of {run.num_task_problems:,}"
    models = f"policy {_name(spec.policy)}, PPM {_name(spec.ppm)}"
    return f"{spec.method}, {models}, {run.num_problems:,}{part} problems, {seeds}"


def address(key: str, problem_id: str, seed: int) -> str:
    """What stands after `#` in the address of a problem or a tree."""
    return f"run={quote(key)}&problem={quote(problem_id, safe='', errors='replace')}&seed={seed}"


def _partial(summary: RunSummary) -> str:
    if summary.is_complete:
        return ""
    return (
        f"Not complete: {summary.num_done:,} of {summary.record.num_records:,} searches done, {summary.num_failed:,} "
        f"failed, {summary.num_missing:,} missing. Those count as wrong in every figure here."
    )


def _name(model: str) -> str:
    """A model without the folders of the machine that it lay on."""
    return Path(model).name or model


def _provenance(run: RunRecord, summary: RunSummary) -> Iterator[tuple[str, str]]:
    yield "Identity", run.identity
    yield "Status", run.status
    yield "Commit", ", ".join(summary.commits()) or "unknown"
    for title, found in (("Task data", run.inputs.task_sha256), ("Policy", run.inputs.policy_sha256),
                         ("PPM", run.inputs.ppm_sha256), ("ORM", run.inputs.orm_sha256)):  # fmt: skip
        if found:
            yield f"{title}, SHA-256", found
    yield "Task version", run.inputs.task_version
    yield "Grader version", run.inputs.grader_version
    for number, session in enumerate(run.sessions, 1):
        yield f"Session {number}" if len(run.sessions) > 1 else "Session", _session(session)
    for error, count in summary.errors.most_common(3):
        yield "Engine failed", f"{count:,} times: {' '.join(error.split())[:200]}"


def _session(session: dict[str, Any]) -> str:
    parts = [str(session.get("started", "")), str(session.get("device", ""))]
    if isinstance(session.get("seconds"), int | float):
        parts.append(f"{session['seconds']:,.0f} s")
    if session.get("sandbox"):
        parts.append(f"sandbox {session['sandbox']}")
    if session.get("python"):
        parts.append(f"Python {session['python']}")
    packages = session.get("packages")
    if isinstance(packages, dict):
        parts.append(", ".join(f"{name} {found}" for name, found in packages.items()))
    return " · ".join(part for part in parts if part)


def _spec(run: RunRecord) -> Iterator[tuple[str, str]]:
    content = run.spec.content()
    content["task"] = run.task_name
    for name in ("policy", "ppm", "orm"):
        content[name] = _name(content[name])
    search = content.pop("search")
    for name, value in {**content, **{f"search.{name}": value for name, value in search.items()}}.items():
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _statistics(folder: Path, run: RunRecord) -> RunStatistics | None:
    if run.num_records > MAX_RATES or run.num_records * run.spec.budgets[-1] ** 2 > MAX_SUBSET_WORK:
        return None
    return run_statistics(folder)


def _rates(folder: Path, run: RunRecord) -> FailureRates | None:
    if run.num_records > MAX_RATES:
        return None
    return failure_rates(run, read_records(folder / RECORDS), run.spec.rule, run.spec.budgets[-1])


def _examples(key: str, anatomy: Anatomy) -> Iterator[Example]:
    last = anatomy.dissection(anatomy.run.spec.rule, anatomy.run.spec.budgets[-1])
    for name in BINS:
        for each in last.examples[name]:
            yield Example(BIN_TITLES[name], each.problem_id, address(key, each.problem_id, each.seed))
