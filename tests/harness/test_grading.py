from __future__ import annotations

import importlib.util
import json
import logging
from io import StringIO

import misbehaving_grader
import pytest

from harness import second_opinion as second
from harness.graded_answer import GradedAnswer, Opinion, StoredAnswer
from harness.grading import Graders, grade_answers
from harness.review_queue import ReviewQueue
from harness.second_opinion import second_opinion
from tasks.types import InputError, Verdict

needs_math_verify = pytest.mark.skipif(
    importlib.util.find_spec("math_verify") is None, reason="the extra math-verify is not installed"
)


def stored(name: str, reference: str, reply: str) -> StoredAnswer:
    return StoredAnswer(name, reference, reply, None, 0)


def judged(ours: Verdict, theirs: Verdict, predicted: str = "5") -> GradedAnswer:
    return GradedAnswer("a", "5", predicted, {"strict": Opinion(ours, "d"), "math-verify": Opinion(theirs, "e")}, 0)


def test_replies_are_extracted_and_graded_in_order() -> None:
    answers = [stored(str(index), str(index), f"so \\boxed{{{index % 7}}}") for index in range(100)]
    graded = list(grade_answers(answers, Graders(("strict",), False, 2)))
    assert [one.id for one in graded] == [str(index) for index in range(100)]
    assert [one.predicted for one in graded] == [str(index % 7) for index in range(100)]
    assert [one.verdict for one in graded] == ["correct" if index < 7 else "incorrect" for index in range(100)]


def test_an_extracted_answer_is_graded_as_it_is() -> None:
    [one] = grade_answers([StoredAnswer("a", "1/2", None, "0.5", 0)], Graders(("strict",), False, 1))
    assert (one.predicted, one.verdict) == ("0.5", "correct")


def test_both_policies_are_asked_and_the_first_counts() -> None:
    [one] = grade_answers([stored("a", "50", "\\boxed{0.5}")], Graders(("strict", "official"), False, 1))
    assert [opinion.verdict for opinion in one.opinions.values()] == ["incorrect", "correct"]
    assert (one.policy, one.verdict) == ("strict", "incorrect")


def test_a_lone_surrogate_survives_grading() -> None:
    [one] = grade_answers([StoredAnswer("\udc80", "5", None, "\ud800", 0)], Graders(("strict",), False, 1))
    assert (one.id, one.predicted) == ("\udc80", "\ud800")


@pytest.mark.parametrize(("reply", "reason"), [("hang", "timeout"), ("crash", "died"), ("raise", "error")])
def test_a_grader_that_misbehaves_costs_one_row_and_says_why(reply: str, reason: str) -> None:
    answers = [stored(str(index), "1", reply if index == 3 else "fine") for index in range(20)]
    graders = Graders(("strict", "official"), False, 2, limit_seconds=0.5, check=misbehaving_grader.check)
    graded = list(grade_answers(answers, graders))
    assert [one.verdict for one in graded] == ["grader_error" if index == 3 else "correct" for index in range(20)]
    assert [opinion.detail.split(":")[0] for opinion in graded[3].opinions.values()] == [reason, reason]


@pytest.mark.parametrize(
    ("ours", "theirs", "is_queued"),
    [
        ("correct", "incorrect", True),
        ("incorrect", "correct", True),
        ("no_answer", "correct", True),
        ("grader_error", "incorrect", True),
        ("correct", "correct", False),
        ("incorrect", "incorrect", False),
        ("incorrect", "no_answer", False),
        ("correct", "grader_error", False),
        ("grader_error", "grader_error", False),
    ],
)
def test_a_row_is_queued_when_a_decided_grader_disagrees(ours: Verdict, theirs: Verdict, is_queued: bool) -> None:
    queue = ReviewQueue(StringIO())
    queue.add(judged(ours, theirs))
    assert queue.num_pairs == is_queued


def test_a_disputed_pair_is_queued_once() -> None:
    file = StringIO()
    queue = ReviewQueue(file)
    for predicted in ("5", "5", "6"):
        queue.add(judged("correct", "incorrect", predicted))
    rows = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [row["predicted"] for row in rows] == ["5", "6"]
    assert rows[0] == {
        "id": "a",
        "reference": "5",
        "predicted": "5",
        "ours": "correct",
        "theirs": "incorrect",
        "against": "math-verify",
        "detail": "d",
        "their_detail": "e",
        "verdict": None,
        "reason": "",
    }


@needs_math_verify
@pytest.mark.parametrize(
    ("reference", "predicted", "verdict"),
    [
        ("\\frac{1}{2}", "0.5", "correct"),
        ("5", "6", "incorrect"),
        (("7", "x = 8"), "8", "correct"),
        ("5", None, "no_answer"),
    ],
)
def test_math_verify_gives_a_verdict(reference: str | tuple[str, ...], predicted: str | None, verdict: str) -> None:
    answer = GradedAnswer("a", reference, predicted, {"strict": Opinion("correct", "")}, 0)
    assert second_opinion(answer).verdict == verdict
    assert logging.getLogger("rstar").isEnabledFor(logging.CRITICAL), "the logs of others were switched off too"


@needs_math_verify
def test_the_second_opinion_is_asked_in_workers_and_does_not_count() -> None:
    answers = [stored("a", "(2,\\infty)", "\\boxed{x > 2}"), stored("b", "1/2", "\\boxed{0.5}")]
    first, second_ = grade_answers(answers, Graders(("strict",), True, 1))
    assert first.opinions["math-verify"].verdict == "incorrect"
    assert first.verdict == "correct"
    assert first.disagreeing() == ["math-verify"]
    assert second_.disagreeing() == []


def test_a_missing_extra_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'rstar-bench\[math-verify\]'"):
        second.require_math_verify()
