"""Selection and preference pairs on small trees whose Q values are worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from rstar.synthesis.pairs import PairSettings, counts_by_depth, make_pairs
from rstar.synthesis.rollouts import Rollout, read_rollouts, write_rollouts
from rstar.synthesis.select import select, with_q_values
from tasks.types import InputError


def rollout(steps: str, is_correct: bool, count: int = 1, answer: str | None = "1") -> Rollout:
    """One letter is one step."""
    return Rollout("train/a", "What?", tuple(steps), answer, is_correct, count)


# a has labels +1 (x2), -1: Q = 1/3.  b has -1, -1, +1: Q = -1/3.  Under a: x +1, y -1; under b: x -1 (x2), y +1.
TREE = [rollout("ax", True, 2), rollout("ay", False), rollout("bx", False, 2), rollout("by", True)]


def test_q_of_a_step_is_the_mean_label_of_what_goes_on_from_it() -> None:
    assert [each.q_values for each in with_q_values(TREE)] == [
        (pytest.approx(1 / 3), 1.0),
        (pytest.approx(1 / 3), -1.0),
        (pytest.approx(-1 / 3), -1.0),
        (pytest.approx(-1 / 3), 1.0),
    ]


def test_the_correct_trajectories_of_highest_average_q_are_selected() -> None:
    third = [*TREE, rollout("cx", True), rollout("cy", False, 9)]
    assert ["".join(each.rollout.steps) for each in select(third)] == ["ax", "by"]


def test_a_sibling_pair_shares_all_steps_but_the_last_and_prefers_the_higher_q() -> None:
    pairs = make_pairs(TREE, PairSettings(rules=("siblings",)))
    # At the root both children lead to both outcomes: only a over b has the higher Q. Then x over y, and y over x.
    assert [(pair.chosen, pair.rejected) for pair in pairs] == [("a", "b"), ("ax", "ay"), ("by", "bx")]
    assert [pair.depth for pair in pairs] == [1, 2, 2]


def test_the_final_rule_takes_two_best_and_two_worst_whole_solutions() -> None:
    wrong = [rollout("cz", False, 5), rollout("dz", False), rollout("ez", False)]
    pairs = make_pairs([*TREE, *wrong], PairSettings(rules=("final",)))
    assert {pair.chosen for pair in pairs} == {"ax", "by"}
    assert {pair.rejected for pair in pairs} == {"cz", "dz"}
    assert [pair.weight for pair in pairs] == [0.25] * 4


def test_hard_negatives_are_the_wrong_solutions_of_highest_average_q() -> None:
    wrong = [rollout("cz", False, 5), rollout("dz", False), rollout("ez", False)]
    pairs = make_pairs([*TREE, *wrong], PairSettings(rules=("final",), hard=1))
    assert {pair.rejected for pair in pairs} == {"cz", "dz", "ay"}


def test_a_solution_that_broke_off_is_no_negative_of_the_final_rule() -> None:
    broken = rollout("f", False, 9, answer=None)
    pairs = make_pairs([rollout("ax", True), rollout("bx", False), broken], PairSettings(rules=("final",)))
    assert [pair.rejected for pair in pairs] == ["bx"]


def test_a_problem_with_one_outcome_gives_no_pair() -> None:
    assert make_pairs([rollout("ax", True), rollout("ay", True)], PairSettings()) == []
    assert make_pairs([rollout("ax", False), rollout("ay", False)], PairSettings()) == []


def test_the_margin_drops_pairs_of_close_values() -> None:
    assert len(make_pairs(TREE, PairSettings(rules=("siblings",), margin=0.7))) == 2


def test_pairs_are_counted_by_rule_and_depth() -> None:
    assert counts_by_depth(make_pairs(TREE, PairSettings())) == {"siblings": {1: 1, 2: 2}, "final": {2: 4}}


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(InputError, match="magic"):
        PairSettings(rules=("magic",))


def test_rollouts_come_back_from_their_file(tmp_path: Path) -> None:
    write_rollouts(tmp_path / "r.jsonl", TREE)
    assert read_rollouts(tmp_path / "r.jsonl") == TREE
