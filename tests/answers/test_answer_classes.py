"""Equivalence classes of answers."""

from __future__ import annotations

import random

import pytest

import tasks.answers.votes
from tasks.answers import NO_CLASS, classes
from tasks.answers.decide import Decision, decide


def test_equal_answers_share_a_class_whatever_their_form() -> None:
    assert classes(["1/2", "0.5", r"\frac24", r"50\%", "x=1/2"]) == [0, 0, 0, 0, 0]


def test_classes_are_numbered_in_order_of_appearance() -> None:
    assert classes(["7", "3", "7", "5", "3"]) == [0, 1, 0, 2, 1]


def test_missing_answers_have_no_class() -> None:
    assert classes([None, "1", "", "  "]) == [NO_CLASS, 0, NO_CLASS, NO_CLASS]


def test_unreadable_answers_are_classed_by_their_text() -> None:
    assert classes(["no idea !!", "(((", "no idea !!", "((("]) == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("x>2", r"(2,\infty)"),
        ("1,2", r"\{2,1\}"),
        ("(2,-3)", "(x,y)=(2,-3)"),
        ("x+y=1", "2x+2y=2"),
        (r"\sqrt2+\sqrt3", r"\sqrt{5+2\sqrt6}"),
        ("2:3", "4:6"),
        ("(x+1)^2", "x^2+2x+1"),
        (r"-1<x\le 2", "(-1,2]"),
        ("no solution", r"\emptyset"),
    ],
)
def test_answers_of_different_shape_meet_in_one_class(first: str, second: str) -> None:
    assert classes([first, "17", second]) == [0, 1, 0]


def test_the_number_of_comparisons_grows_with_the_distinct_answers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def counted(reference: str, predicted: str) -> Decision:
        nonlocal calls
        calls += 1
        return decide(reference, predicted)

    monkeypatch.setattr(tasks.answers.votes, "decide", counted)
    rng = random.Random(5)
    answers = [str(rng.randrange(400)) for _ in range(4_000)]
    assert len(set(classes(answers))) == len(set(answers))
    assert calls <= len(set(answers))
