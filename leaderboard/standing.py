"""Whether a run may stand in the ranking, from its own files alone: the reasons against it, in words.

A site shows every run that can be read; one with a reason against it has no rank and says why. `leaderboard.admit` asks
the same, and then grades everything again.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.run_summary import RunSummary

_SHOWN_HASH = 8


def reasons_against(summary: RunSummary) -> list[str]:
    """Why this run has no rank; empty for one that may have it."""
    return list(_reasons(summary))


def _reasons(summary: RunSummary) -> Iterator[str]:
    record = summary.record
    if not summary.is_complete:
        yield (
            f"incomplete: {summary.num_done:,} of {record.num_records:,} searches done, {summary.num_failed:,} failed, "
            f"{summary.num_missing:,} missing"
        )
    if not record.sessions:
        yield "no session is recorded, so nothing says which source it ran"
    imported = next((session["imported"] for session in record.sessions if session.get("imported")), None)
    if imported:
        tool = imported.get("tool", "another tool")
        yield f"imported from {tool}: what wrote its replies, and at what cost, is not recorded"
    dirty = [each for each in summary.commits() if each.endswith("-dirty")]
    if dirty:
        yield f"dirty: the source differed from its commit {dirty[0][:_SHOWN_HASH]}"
    if any(session["commit"] is None for session in record.sessions):
        yield "dirty: it ran from source without a commit"
    commits = sorted({str(session["commit"]) for session in record.sessions})
    if len(commits) > 1:
        yield f"mixed: its sessions ran on {len(commits)} commits ({', '.join(each[:_SHOWN_HASH] for each in commits)})"
    spec = record.spec
    errors = max(
        (summary.point(rule, budget).counts["grader_error"] for rule in spec.rules for budget in spec.budgets),
        default=0,
    )
    if errors:
        yield f"grader errors: {errors:,} searches have no verdict"
