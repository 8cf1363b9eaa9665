"""Rates beside a score: they add up to the whole run, and say so where there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from sum_runs import spec, write_task
from test_run_report import made

from harness.failure_rates import failure_rates
from harness.metrics import accuracy
from harness.records import ProblemRecord
from harness.run import plan_run
from harness.run_folder import RunRecord
from tasks.types import InputError


@pytest.fixture
def run(tmp_path: Path) -> RunRecord:
    """A run that has not begun: 5 problems, seeds 0 and 1, budgets 1 and 2."""
    task = write_task(tmp_path / "sums.jsonl", 5)
    return plan_run(spec(task, budgets=[1, 2], seeds=[0, 1]), tmp_path).record


RECORDS = [
    made("sums/p0", 0, ("correct", "answered"), ("correct", "answered")),
    made("sums/p0", 1, ("grader_error", "answered"), ("no_answer", "truncated")),
    made("sums/p1", 0, ("no_answer", "truncated"), ("no_answer", "truncated")),
    made("sums/p1", 1, ("incorrect", "answered"), ("incorrect", "answered")),
    ProblemRecord("sums/p2", 0, error="policy: lost"),
]


def test_rates_count_all_problems_and_seeds_of_the_run(run: RunRecord) -> None:
    found = failure_rates(run, RECORDS, "majority", 1)
    assert found.no_answer == accuracy([0, 1, 0, 0, 0], 2)
    assert found.grader_error == accuracy([1, 0, 0, 0, 0], 2)
    assert found.unfinished == accuracy([0, 0, 2, 2, 2], 2)


def test_truncation_is_counted_over_the_trajectories_within_the_budget(run: RunRecord) -> None:
    assert failure_rates(run, RECORDS, "majority", 2).truncated.value == pytest.approx((1 / 4 + 2 / 4) / 2)
    assert failure_rates(run, RECORDS, "majority", 1).truncated.value == pytest.approx((0 + 1 / 2) / 2)


def test_the_score_among_answered_leaves_out_what_has_no_verdict(run: RunRecord) -> None:
    assert failure_rates(run, RECORDS, "majority", 1).among_answered.value == pytest.approx(1 / 2)


def test_a_run_without_records_has_rates_and_no_nan(run: RunRecord) -> None:
    found = failure_rates(run, [], "best", 1)
    assert found.unfinished.value == 1.0
    assert (found.among_answered.low, found.among_answered.high) == (0.0, 1.0)
    assert (found.truncated.low, found.truncated.high) == (0.0, 1.0)


@pytest.mark.parametrize(("rule", "budget"), [("best", 3), ("luck", 1)])
def test_a_rule_or_budget_that_was_not_run_is_refused(run: RunRecord, rule: str, budget: int) -> None:
    with pytest.raises(InputError, match="name one that it was run with"):
        failure_rates(run, RECORDS, rule, budget)
