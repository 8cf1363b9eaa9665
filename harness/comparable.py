"""Whether two runs may be compared, and in what they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.compared_run import Side
from harness.run_folder import RunRecord
from tasks.types import InputError

_NO_SETTING = ("task", "seeds", "budgets", "limit")
"""Fields of a spec that the comparison shows in places of their own."""
_SHOWN_HASH = 8


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may differ although the figures then answer another question."""

    data: bool = False
    grader: bool = False
    version: bool = False
    """Of the task."""
    problems: bool = False
    """Compare the problems that both have."""


def mismatches(a: Side, b: Side, allowed: Allowed) -> list[str]:
    """In words, what differs although it should not, all of it allowed. Raises InputError for what is not."""
    found = []
    for name, ours, theirs, flag in _versions(a, b):
        if ours == theirs:
            continue
        difference = f"{name} {ours} in A, {theirs} in B"
        if not getattr(allowed, flag):
            raise InputError(
                f"{b.folder}: differs from {a.folder} in {difference}; such runs answer different questions: "
                f"run one of them again, or give --allow-{flag}"
            )
        found.append(difference)
    return found


def common_problems(a: Side, b: Side, allowed: Allowed) -> tuple[list[str], list[str]]:
    """The problems that are done on both sides, sorted, and in words what was left out.

    Raises InputError where the runs have other problems, unless that is allowed, and where none is left.
    """
    ours, theirs = a.problems, b.problems
    shared = sorted(ours & theirs)
    notes = list(_unfinished("A", a)) + list(_unfinished("B", b))
    differ = a.record.num_problems != b.record.num_problems or a.record.spec.limit != b.record.spec.limit
    if not notes:
        differ = differ or ours != theirs
    if differ:
        text = f"{a.record.num_problems:,} problems in A, {b.record.num_problems:,} in B"
        if not allowed.problems:
            raise InputError(
                f"{b.folder}: has other problems than {a.folder} ({text}, {len(shared):,} of them in both); run both "
                "with the same limit, or give --allow-problems to compare those that both have"
            )
        notes.append(f"different problems: {text}, {len(shared):,} of them compared")
    if not shared:
        raise InputError(
            f"{a.folder} and {b.folder}: no problem is done in both, so there is nothing to compare; complete them "
            "with 'rstar resume', or name other runs"
        )
    return shared, notes


def settings(a: RunRecord, b: RunRecord) -> list[str]:
    """In words, which settings, models and commits differ: what the difference may come from."""
    first, other = _flat(a.spec.content()), _flat(b.spec.content())
    found = [
        f"{name} {_text(first.get(name))} -> {_text(other.get(name))}"
        for name in dict.fromkeys((*first, *other))
        if first.get(name) != other.get(name) and name not in _NO_SETTING
    ]
    for role in ("policy", "ppm", "orm"):
        ours, theirs = (getattr(each.inputs, f"{role}_sha256")[:_SHOWN_HASH] or "none" for each in (a, b))
        if ours != theirs:
            found.append(f"{role} sha256 {ours} -> {theirs}")
    commits = [_commit(each) for each in (a, b)]
    if commits[0] != commits[1]:
        found.append(f"commit {commits[0]} -> {commits[1]}")
    return found


def _versions(a: Side, b: Side) -> Iterator[tuple[str, str, str, str]]:
    """(what, in A, in B, the flag that allows a difference)."""
    first, other = a.record.inputs, b.record.inputs
    if a.record.task_name != b.record.task_name and first.task_sha256 == other.task_sha256:
        # One file under two names: its problems have other ids, so nothing would pair.
        yield "task name", a.record.task_name, b.record.task_name, "data"
    yield "task data", first.task_sha256[:_SHOWN_HASH], other.task_sha256[:_SHOWN_HASH], "data"
    yield "task version", first.task_version, other.task_version, "version"
    yield "grader version", _graders(a), _graders(b), "grader"


def _graders(side: Side) -> str:
    return " and ".join(sorted(side.graders or {side.record.inputs.grader_version}))


def _unfinished(name: str, side: Side) -> Iterator[str]:
    summary = side.summary
    if not summary.is_complete:
        yield (
            f"{name} is unfinished: {summary.num_done:,} of {side.record.num_records:,} searches done, "
            f"{summary.num_failed:,} failed, {summary.num_missing:,} missing"
        )


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in content.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def _text(value: Any) -> str:
    return "none" if value in (None, "") else str(value)


def _commit(record: RunRecord) -> str:
    """The commits of a run's sessions, short, `-dirty` where the product differed from them."""
    names = [
        f"{(session.get('commit') or 'unknown')[:_SHOWN_HASH]}{'-dirty' if session.get('is_dirty') else ''}"
        for session in record.sessions
    ]
    return ", ".join(dict.fromkeys(names)) or "unknown"
