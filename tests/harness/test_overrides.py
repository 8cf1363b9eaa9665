from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from harness.graded_answer import GradedAnswer, Opinion
from harness.overrides import Overrides, read_overrides
from tasks.types import InputError, Reference, Verdict


def answer(
    name: str = "a", reference: Reference = "1/2", predicted: str | None = "0.50", verdict: Verdict = "incorrect"
) -> GradedAnswer:
    return GradedAnswer(name, reference, predicted, {"strict": Opinion(verdict, "test")}, 0)


def decide(tmp_path: Path, *rows: Any, task: str | None = None) -> Overrides:
    path = tmp_path / "overrides.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_overrides(path, task)


PAIR = {"reference": "1/2", "predicted": "0.50", "verdict": "correct", "reason": "the same number"}


def test_a_decision_about_a_pair_applies_wherever_the_pair_occurs(tmp_path: Path) -> None:
    overrides = decide(tmp_path, {"id": "elsewhere", **PAIR})
    assert [overrides.apply(answer(name)).verdict for name in ("a", "b")] == ["correct", "correct"]
    assert overrides.apply(answer("c", predicted="0.51")).verdict == "incorrect"
    assert overrides.apply(answer("d", reference="1/3")).verdict == "incorrect"


def test_a_decision_about_an_id_applies_to_that_row_only(tmp_path: Path) -> None:
    overrides = decide(tmp_path, {"id": "a", "verdict": "correct", "reason": "read by hand"})
    assert overrides.apply(answer("a", predicted=None, verdict="no_answer")).verdict == "correct"
    assert overrides.apply(answer("b")).verdict == "incorrect"


def test_a_decision_for_another_task_is_left_aside(tmp_path: Path) -> None:
    assert decide(tmp_path, {**PAIR, "task": "math500"}, task="gsm8k").apply(answer()).override is None
    assert decide(tmp_path, {**PAIR, "task": "math500"}, task="math500").apply(answer()).override is not None


def test_a_list_of_references_is_a_key_of_its_own(tmp_path: Path) -> None:
    overrides = decide(tmp_path, {**PAIR, "reference": ["1/2", "half"]})
    assert overrides.apply(answer(reference=("1/2", "half"))).verdict == "correct"
    assert overrides.apply(answer()).verdict == "incorrect"


def test_a_row_of_the_review_queue_becomes_a_decision_once_it_is_filled_in(tmp_path: Path) -> None:
    disputed = GradedAnswer(
        "a", "1/2", "0.50", {"strict": Opinion("incorrect", "x"), "math-verify": Opinion("correct", "")}, 0
    )
    queued = disputed.review_fields("math-verify")
    undecided = decide(tmp_path, queued)
    assert undecided.num_undecided == 1
    assert undecided.apply(disputed).verdict == "incorrect"
    settled = decide(tmp_path, queued | {"verdict": "correct", "reason": "equal"}).apply(disputed)
    assert settled.verdict == "correct"
    assert settled.disagreeing() == []


def test_the_summary_says_what_was_applied_and_from_which_bytes(tmp_path: Path) -> None:
    unused = {"id": "nowhere", "verdict": "incorrect", "reason": "x"}
    overrides = decide(tmp_path, PAIR, unused)
    overrides.apply(answer("a"))
    overrides.apply(answer("b", verdict="correct"))
    path = tmp_path / "overrides.jsonl"
    assert overrides.summary() == {
        "file": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "decisions": 2,
        "applied_to_rows": 2,
        "changed_rows": 1,
        "unused": 1,
        "undecided": 0,
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verdict": "right"}, ["'verdict' holds 'right'"]),
        ({"verdict": "grader_error"}, ["'verdict' holds 'grader_error'"]),
        ({"reason": " "}, ["'reason' holds an empty text"]),
        ({"predicted": None}, ["names no answer"]),
        ({"reference": [1]}, ["'reference' holds a list"]),
        ({"veredict": "correct"}, ["'veredict' is not known"]),
    ],
)
def test_an_unusable_decision_is_named_by_line_and_field(
    tmp_path: Path, change: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        decide(tmp_path, {"id": "x", "verdict": "correct", "reason": "x"}, PAIR | change)
    assert all(word in str(caught.value) for word in ["overrides.jsonl, line 2", *words])


@pytest.mark.parametrize("name", ["verdict", "reason"])
def test_a_decision_without_verdict_or_reason_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"'{name}' is missing"):
        decide(tmp_path, {key: value for key, value in PAIR.items() if key != name})


def test_two_decisions_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    decide(tmp_path, PAIR, PAIR)
    with pytest.raises(InputError, match="line 2: field 'verdict' contradicts line 1"):
        decide(tmp_path, PAIR, PAIR | {"verdict": "incorrect"})


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--overrides"):
        read_overrides(tmp_path / "none.jsonl")
