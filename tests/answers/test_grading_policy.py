"""Verdicts, several references, and the permissive rule."""

from __future__ import annotations

import pytest

import tasks.answers.decide
from tasks.answers import grade, same_answer
from tasks.answers.limits import Undecided


@pytest.mark.parametrize(
    ("reference", "predicted"), [("0.5", "50"), ("50", "0.5"), ("40000", "39999"), (r"\sqrt2", "1.4142"), ("x", "100x")]
)
def test_the_official_rule_is_more_lenient(reference: str, predicted: str) -> None:
    is_number = reference != "x"
    assert same_answer(reference, predicted, policy="official") is is_number
    assert not same_answer(reference, predicted)


def test_the_official_rule_still_rejects_a_wrong_number() -> None:
    assert not same_answer("41", "42", policy="official")


def test_one_acceptable_reference_is_enough() -> None:
    assert grade("2", ("1", "2")).verdict == "correct"


@pytest.mark.parametrize("predicted", [None, "", " \n"])
def test_a_missing_answer_is_its_own_verdict(predicted: str | None) -> None:
    assert grade(predicted, "1").verdict == "no_answer"


def test_the_detail_names_the_tier_that_decided() -> None:
    details = [grade(p, r).detail for p, r in (("0.5", "1/2"), (r"\sqrt8", r"2\sqrt{2}"), (r"\int_0^1 x dx", "1/2"))]
    assert details == ["normal form", "numeric", "symbolic"]


def test_what_cannot_be_decided_is_a_grader_error_and_not_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object) -> bool:
        raise Undecided("cannot tell")

    monkeypatch.setattr(tasks.answers.decide.Comparison, "same", give_up)
    verdict = grade("1", "2")
    assert (verdict.verdict, verdict.detail) == ("grader_error", "undecided: cannot tell")


def test_a_crash_is_a_grader_error_that_keeps_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> bool:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(tasks.answers.decide.Comparison, "same", crash)
    assert grade("1", "2").detail == "crashed: ZeroDivisionError: boom"
    assert not same_answer("1", "2")


@pytest.mark.parametrize("predicted", ["B", "(B)", "B.", "(B) 12", "B: twelve", r"\text{(B)}"])
def test_a_choice_may_repeat_the_text_of_the_option(predicted: str) -> None:
    assert same_answer("B", predicted)


def test_a_choice_of_another_letter_is_wrong() -> None:
    assert not same_answer("B", "(C) 12")
