"""What a run's records say beyond its curve: expectations over subsets, agreement of seeds, rates of failures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.expectations import SubsetPoint, SubsetRule, caveat, subset_curve
from harness.failure_rates import FailureRates, failure_rates
from harness.grade_summary import aligned
from harness.metrics import Agreement, Estimate, agreement
from harness.record_file import read_records
from harness.records import ProblemRecord
from harness.run_folder import RECORDS, RunRecord
from tasks.types import InputError

TITLES = {
    "best": "best@k",
    "majority": "maj@k",
    "weighted": "weighted@k",
    "top_k": "top-K@k",
    "oracle": "pass@k",
}


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """Statistics of one run; of its own rule at its largest budget where a figure has one rule."""

    run: RunRecord
    points: tuple[SubsetPoint, ...]
    """Per rule and budget, the run's own rule first, `oracle` (pass@k) last."""
    caveat: str
    """What a reader of `points` must know; empty where there is nothing."""
    agreement: Agreement | None
    """None with one seed."""
    rates: FailureRates
    num_missing: int
    """Problems and seeds without a record, or with one of an engine failure; they count as wrong."""


def run_statistics(folder: Path) -> RunStatistics:
    """The statistics of the run in `folder`, also while it is going on.

    Raises InputError for damaged files and for a run of no problems.
    """
    run = RunRecord.read(folder)
    if run.num_problems < 1:
        raise InputError(f"{folder}: is a run of 0 problems, which has no figures; run it on a task that has some")
    spec, records = run.spec, list(read_records(folder / RECORDS))
    done = [record for record in records if not record.error]
    rules: list[SubsetRule] = [spec.rule, *(rule for rule in spec.rules if rule != spec.rule), "oracle"]
    return RunStatistics(
        run,
        tuple(subset_curve(run, done, rules, spec.budgets)),
        caveat(spec),
        agreement(_num_right(run, done), len(spec.seeds)) if len(spec.seeds) > 1 else None,
        failure_rates(run, done, spec.rule, spec.budgets[-1]),
        run.num_records - len(done),
    )


def statistics_lines(found: RunStatistics) -> Iterator[str]:
    """The statistics as lines for a terminal."""
    spec = found.run.spec
    if found.num_missing:
        missing, total = found.num_missing, found.run.num_records
        yield f"PARTIAL: {missing:,} of {total:,} searches have no record; they count as wrong"
        yield ""
    yield "Expectation over all subsets of k of the recorded trajectories, %, with its 95 % interval"
    yield ""
    rules = list(dict.fromkeys(point.rule for point in found.points))
    by_key = {(point.rule, point.size): point for point in found.points}
    rows = [["k", *(TITLES[rule] for rule in rules)]]
    rows += [[str(size), *(by_key[rule, size].accuracy.text() for rule in rules)] for size in spec.budgets]
    yield from aligned(rows)
    error = max(point.error for point in found.points)
    if error:
        yield f"Where there are too many subsets, 1,000 are drawn: standard error up to {100 * error:.2f} points."
    if found.caveat:
        yield f"Note: {found.caveat}."
    yield ""
    yield f"Of all searches, by {TITLES[spec.rule][:-1]}{spec.budgets[-1]}, %, with its 95 % interval"
    yield ""
    yield from aligned([[name.replace("_", " "), getattr(found.rates, name).text()] for name in FailureRates.__slots__])
    if found.agreement:
        yield ""
        yield f"Between seeds: {found.agreement.text()}."


def statistics_json(found: RunStatistics) -> dict[str, Any]:
    """The same with names that stay; shares are 0 to 1."""
    return {
        "missing": found.num_missing,
        "subsets": [
            {"rule": point.rule, "k": point.size, **_estimate(point.accuracy), "monte_carlo_error": point.error}
            for point in found.points
        ],
        "caveat": found.caveat,
        "rates": {name: _estimate(getattr(found.rates, name)) for name in FailureRates.__slots__},
        "agreement": None if found.agreement is None else asdict(found.agreement),
    }


def _num_right(run: RunRecord, records: list[ProblemRecord]) -> list[int]:
    """Right seeds of every problem of the run, by its own rule at its largest budget."""
    last, right = len(run.spec.budgets) - 1, dict.fromkeys((record.problem_id for record in records), 0)
    for record in records:
        right[record.problem_id] += record.verdict(run.spec.rule, last) == "correct"
    return [*right.values(), *[0] * (run.num_problems - len(right))]


def _estimate(found: Estimate) -> dict[str, Any]:
    return {"value": found.value, "interval_95": [found.low, found.high]}
