"""Why a search gave no right answer: exactly one bin for every wrong search, at any budget and by any rule.

A search is one problem with one seed. It is wrong at a budget and by a rule where the verdict on what the rule chooses
among the first `budget` trajectories is not `correct`, and where there is no verdict at all. Bins are tried in this
order and the first that fits takes the search, so they are disjoint, and the last of each group takes the rest, so they
cover every wrong search:

`missing`          there is no record: the run is unfinished.
`engine_failed`    the record holds an engine's failure and nothing else. A resume replaces it.
`grader_doubtful`  the bin below would hang on a grading that is not to be trusted: the chosen answer has the verdict
                   `grader_error`; or it is counted as the same as an answer that is right, and yet called wrong; or the
                   only right answers are ones that no vote can count; or nothing is right, but some answer has the
                   verdict `grader_error`, so that whether a right one was generated is not known.

A right answer is among the trajectories (the oracle is right):

`reward`           generated, and not selected by the reward. Rule `best`: always. `top_k`: no right trajectory is
                   among the K of highest value. `weighted`: the trajectory of highest value is wrong. Rule `majority`
                   asks no reward and is never binned here.
`vote_lost`        generated, selected by the reward where the rule asks it, and outvoted. `majority`: always. `top_k`:
                   a right one is among the K, other answers have more of them. `weighted`: the trajectory of highest
                   value is right, other answers weigh more together.

No trajectory is right, and none has an answer:

`code_failed`      every trajectory ended because its program failed.
`truncated`        otherwise, and at least one was cut off by a length cap: a larger cap might have found an answer.
`no_answer`        the rest: out of steps, unreadable, or mixed with failed programs.

No trajectory is right, and some has an answer:

`never_generated`  answers were found, all of them wrong. (Some trajectories may still have been truncated or failed;
                   `harness.anatomy` counts in how many of these searches.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from harness.records import ProblemRecord
from tasks.answers import NO_CLASS

Bin = Literal[
    "never_generated",
    "reward",
    "vote_lost",
    "truncated",
    "code_failed",
    "no_answer",
    "grader_doubtful",
    "engine_failed",
    "missing",
]
BINS: tuple[Bin, ...] = get_args(Bin)
BIN_TITLES: dict[Bin, str] = {
    "never_generated": "never generated",
    "reward": "not selected (reward)",
    "vote_lost": "vote lost",
    "truncated": "truncated",
    "code_failed": "code failed everywhere",
    "no_answer": "no answer",
    "grader_doubtful": "grader doubtful",
    "engine_failed": "engine failed",
    "missing": "no record yet",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the first trajectories of a record show, whatever rule chooses among them."""

    has_right: bool
    """Some trajectory is right."""
    has_countable_right: bool
    """Some right trajectory takes part in a vote."""
    right_classes: frozenset[int]
    """Equivalence classes that hold an answer of verdict `correct`."""
    has_doubt: bool
    """Some answer has the verdict `grader_error`."""
    has_answer: bool
    """Some trajectory has an answer that could be graded."""
    has_truncated: bool
    has_failed_code: bool
    is_all_failed_code: bool


def evidence(record: ProblemRecord, budget: int) -> Evidence:
    """What the first `budget` trajectories of `record` show, in time that grows with their number."""
    found = [record.answers[each] for each in set(record.answer_of[:budget]) if each is not None]
    right = [answer for answer in found if answer.verdict == "correct"]
    endings = record.endings[:budget]
    return Evidence(
        has_right=bool(right),
        has_countable_right=any(answer.number > NO_CLASS for answer in right),
        right_classes=frozenset(answer.number for answer in right if answer.number > NO_CLASS),
        has_doubt=any(answer.verdict == "grader_error" for answer in found),
        has_answer=any(answer.verdict != "no_answer" for answer in found),
        has_truncated="truncated" in endings,
        has_failed_code="code_error" in endings,
        is_all_failed_code=bool(endings) and all(ending == "code_error" for ending in endings),
    )


def bin_of(
    record: ProblemRecord, rule: str, budget_index: int, budget: int, top_k: int, seen: Evidence | None = None
) -> Bin | None:
    """The bin of what `rule` chooses at `budget`, the run's budget number `budget_index`; None where it is right.

    `top_k` is the K of the rule `top_k`. `seen` is `evidence(record, budget)` where the caller has it.
    """
    if record.error:
        return "engine_failed"
    if record.verdict(rule, budget_index) == "correct":
        return None
    seen = seen or evidence(record, budget)
    if _is_doubtful(record, rule, budget_index, seen):
        return "grader_doubtful"
    if seen.has_right:
        return "vote_lost" if _is_selected(record, rule, budget_index, budget, top_k) else "reward"
    if seen.has_answer:
        return "never_generated"
    if seen.is_all_failed_code:
        return "code_failed"
    return "truncated" if seen.has_truncated else "no_answer"


def _is_doubtful(record: ProblemRecord, rule: str, budget_index: int, seen: Evidence) -> bool:
    position = (record.chosen or {})[rule][budget_index]
    if position is not None:
        answer = record.answers[position]
        if answer.verdict == "grader_error" or answer.number in seen.right_classes:
            return True
    return seen.has_doubt if not seen.has_right else not seen.has_countable_right


def _is_selected(record: ProblemRecord, rule: str, budget_index: int, budget: int, top_k: int) -> bool:
    """Whether the reward has done its part: what the rule let it select holds a right trajectory."""
    if rule == "majority":
        return True
    if rule == "weighted":
        return record.verdict("best", budget_index) == "correct"
    return rule == "top_k" and any(
        record.answers[position].verdict == "correct" for position in _highest(record, budget, top_k)
    )


def _highest(record: ProblemRecord, budget: int, top_k: int) -> Sequence[int]:
    """Answers of the K trajectories of highest value that take part in a vote; of equal values the earlier ones."""
    ballots = [
        (value, position)
        for value, position in zip(record.values[:budget], record.answer_of[:budget], strict=True)
        if position is not None and record.answers[position].number > NO_CLASS
    ]
    ballots.sort(key=lambda ballot: -ballot[0])
    return [position for _, position in ballots[:top_k]]
