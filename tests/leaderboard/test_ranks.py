from __future__ import annotations

from leaderboard.ranks import Rank, ranks


def shares(*values: float) -> dict[str, float]:
    return {f"p{number}": value for number, value in enumerate(values)}


def test_one_that_is_right_wherever_another_is_wrong_is_surely_first() -> None:
    assert ranks([shares(*[0] * 40), shares(*[1] * 40)], "x") == [Rank(2, 2, 2), Rank(1, 1, 1)]


def test_systems_with_the_same_answers_share_every_place() -> None:
    half = shares(*[0, 1] * 20)
    assert ranks([half, half, half], "x") == [Rank(1, 1, 3)] * 3


def test_a_small_lead_is_no_place_of_its_own() -> None:
    ahead, behind = ranks([shares(*[1] * 11, *[0] * 19), shares(*[0] * 19, *[1] * 10, 0)], "x")
    assert (ahead.value, behind.value) == (1, 2)
    assert (ahead.low, ahead.high, behind.low, behind.high) == (1, 2, 1, 2)


def test_what_is_hard_for_everybody_moves_nobody() -> None:
    """The second is right wherever the first is, and on one more in ten: unpaired intervals would overlap."""
    first = shares(*[1, *[0] * 9] * 10)
    second = shares(*[1, 1, *[0] * 8] * 10)
    assert ranks([first, second], "x") == [Rank(2, 2, 2), Rank(1, 1, 1)]


def test_the_draw_depends_on_its_name_alone() -> None:
    systems = [shares(*[0, 1, 1] * 10), shares(*[1, 0, 1] * 10), shares(*[1, 1, 0, 0, 0, 1] * 5)]
    assert ranks(systems, "x") == ranks(systems, "x")


def test_a_problem_without_a_record_counts_as_wrong() -> None:
    whole = shares(*[1] * 30)
    part = dict.fromkeys(list(whole)[:15], 1.0)
    assert ranks([part, whole], "x") == [Rank(2, 2, 2), Rank(1, 1, 1)]


def test_no_system_has_no_rank() -> None:
    assert ranks([], "x") == []
