"""What a search's costs add up to."""

from __future__ import annotations

from rstar.ledger import Ledger, combined
from rstar.types import Candidate, Proposal, Scores, Usage


def test_costs_add_up_with_dropped_candidates_included() -> None:
    ledger = Ledger(lambda: 0.0)
    ledger.add_proposal(Proposal((Candidate("a", (), 3, None, None),) * 2, 10, 4, 0.5))
    ledger.add_proposal(Proposal((Candidate("b", (), 5, None, None),), 20, 19, 0.25))
    ledger.add_scores(Scores((0.1, 0.2), 30, 25, 1.0))
    ledger.add_executions(3)
    assert ledger.usage() == Usage(
        prompt_tokens=30,
        cached_tokens=23,
        completion_tokens=11,
        reward_tokens=30,
        cached_reward_tokens=25,
        requests=2,
        candidates=3,
        scored=2,
        executions=3,
        engine_seconds=1.75,
    )


def test_wall_time_counts_from_the_ledgers_beginning() -> None:
    now = 100.0
    ledger = Ledger(lambda: now)
    now = 103.5
    assert ledger.usage().wall_seconds == 3.5


def test_an_earlier_usage_does_not_change_later() -> None:
    ledger = Ledger(lambda: 0.0)
    before = ledger.usage()
    ledger.add_executions(1)
    assert (before.executions, ledger.usage().executions) == (0, 1)


def test_costs_of_parts_side_by_side_add_up_except_wall_time() -> None:
    both = combined(Usage(executions=1, engine_seconds=2.0, wall_seconds=5.0), Usage(executions=2, wall_seconds=3.0))
    assert both == Usage(executions=3, engine_seconds=2.0, wall_seconds=5.0)
