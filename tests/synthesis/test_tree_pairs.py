"""Pairs and solutions from trees: small ones by hand, random ones against a plain reading of the rules."""

from __future__ import annotations

import random

import pytest
from hand_trees import drawn, tree

from rstar.synthesis.edit_distance import differ_by, edit_distance
from rstar.synthesis.pairs import PAIR_PRESETS, PairSettings, counts_by_depth, make_pairs, tree_pairs_of
from rstar.synthesis.rollouts import Rollout
from rstar.synthesis.select import select_solutions
from rstar.synthesis.tree_pairs import node_pairs, solutions
from rstar.synthesis.trees import Nodes, ProblemTrees

# root -> a (Q .5) -> x +1, y -1;  root -> b (Q -.5) -> z -1, u +1;  root -> c (Q 0), which leads nowhere.
SMALL = tree(
    (0, "a", 0.5, 0), (0, "b", -0.5, 0), (0, "c", 0.0, 0),
    (1, "x", 1.0, 1), (1, "y", -1.0, -1), (2, "z", -1.0, -1), (2, "u", 1.0, 1),
)  # fmt: skip


def texts(trees: ProblemTrees, settings: PairSettings) -> list[tuple[str, str]]:
    return [(pair.chosen, pair.rejected) for pair in tree_pairs_of(trees, settings)]


def test_siblings_that_lead_to_a_right_answer_win_over_those_that_lead_to_a_wrong_one() -> None:
    assert texts(SMALL, PairSettings(rules=("siblings",))) == [("a", "b"), ("ax", "ay"), ("bu", "bz")]


def test_a_step_that_leads_to_no_answer_is_in_no_pair() -> None:
    assert not any("c" in pair for pair in texts(SMALL, PairSettings()))


def test_the_final_rule_pairs_whole_solutions_by_average_q() -> None:
    # Averages: ax .75, bu .25; bz -.75, ay -.25.
    found = texts(SMALL, PairSettings(rules=("final",), per_side=1))
    assert found == [("ax", "bz")]
    assert texts(SMALL, PairSettings(rules=("final",), per_side=1, hard=1)) == [("ax", "bz"), ("ax", "ay")]


def test_a_group_of_pairs_has_weight_one_together() -> None:
    found = tree_pairs_of(SMALL, PairSettings(rules=("final",)))
    assert len(found) == 4
    assert sum(pair.weight for pair in found) == pytest.approx(1)


def test_solutions_of_different_trees_compete() -> None:
    two = tree((0, "a", 0.2, 0), (1, "x", 1.0, 1), (0, "b", 0.9, 0), (3, "y", 1.0, 1), trees=(0, 0, 1, 1))
    assert [two.nodes.beginning(each.node) for each in select_solutions(two, 1)] == ["by"]


def test_equal_averages_are_decided_by_the_lowest_q() -> None:
    even = tree(
        (0, "a", 0.0, 0), (1, "b", 0.5, 0), (2, "x", 1.0, 1), (0, "c", 0.5, 0), (4, "d", 0.0, 0), (5, "y", 1.0, 1)
    )
    uneven = tree(
        (0, "a", -0.5, 0), (1, "b", 1.0, 0), (2, "x", 1.0, 1), (0, "c", 0.5, 0), (4, "d", 0.0, 0), (5, "y", 1.0, 1)
    )
    assert [each.node for each in select_solutions(even, 1)] == [3]
    assert [each.node for each in select_solutions(uneven, 1)] == [6]


def test_no_text_is_selected_twice() -> None:
    same = tree(
        (0, "a", 0.9, 0), (1, "x", 1.0, 1), (0, "a", 0.8, 0), (3, "x", 1.0, 1), (0, "b", 0.1, 0), (5, "x", 1.0, 1)
    )
    assert [same.nodes.beginning(each.node) for each in select_solutions(same)] == ["ax", "bx"]


def test_a_lone_side_meets_up_to_four_in_the_released_rule() -> None:
    wrong = [(0, letter * 30, -0.5 - number / 10, 0) for number, letter in enumerate("bcdef")]
    ends = [(2 + number, "no", -1.0, -1) for number in range(5)]
    lone = tree((0, "a" * 30, 0.9, 0), *wrong, (1, "yes", 1.0, 1), *ends)
    found = list(node_pairs(lone, PAIR_PRESETS["released"]))
    assert [lone.nodes.text[pair.rejected][0] for pair in found] == ["f", "e", "d", "c"]
    assert {pair.weight for pair in found} == {0.25}
    assert {pair.counts for pair in found} == {(1, 4)}


def test_steps_of_few_edits_are_no_released_pair() -> None:
    near = tree(
        (0, "the sum is 12 and more", 0.9, 0),
        (0, "the sum is 13 and more", -0.9, 0),
        (1, "x", 1.0, 1),
        (2, "y", -1.0, -1),
    )
    assert texts(near, PAIR_PRESETS["released"]) == []
    assert texts(near, PairSettings(rules=("siblings",))) != []


class _Plain:
    """A node as the released scripts have it."""

    def __init__(self, number: int, nodes: Nodes) -> None:
        self.number, self.q, self.text = number, nodes.q[number], nodes.text[number]
        self.children = [_Plain(each, nodes) for each, above in enumerate(nodes.parent) if above == number]
        self.right = (nodes.label[number] == 1) + sum(child.right for child in self.children)
        self.wrong = (nodes.label[number] == -1) + sum(child.wrong for child in self.children)

    def mean(self, best: bool) -> float:
        steps, node = [], self
        while True:
            steps.append(node.q)
            following = [child for child in node.children if (child.right if best else child.wrong)]
            if not following:
                return sum(steps) / len(steps)
            node = sorted(following, key=lambda child: child.q, reverse=best)[0]


def released_plainly(trees: ProblemTrees) -> list[tuple[int, int]]:
    found, queue = [], [_Plain(0, trees.nodes)]
    while queue:
        node = queue.pop(0)
        good = sorted((child for child in node.children if child.right), key=lambda child: -child.q)
        bad = sorted((child for child in node.children if child.wrong), key=lambda child: child.q)
        if not good or not bad:
            continue
        queue += [child for child in node.children if child.right and child.wrong]
        for first in good[:4] if len(bad) == 1 else good[:2]:
            for second in bad[:4] if len(good) == 1 else bad[:2]:
                far = edit_distance(first.text, second.text) >= 20
                if first.q - second.q >= 0.5 and far and first.mean(best=True) > second.mean(best=False):
                    found.append((first.number, second.number))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_the_released_rule_finds_what_a_plain_reading_of_it_finds(seed: int) -> None:
    trees = drawn(seed)
    found = [(pair.chosen, pair.rejected) for pair in node_pairs(trees, PAIR_PRESETS["released"])]
    assert sorted(found) == sorted(released_plainly(trees))


def test_the_random_trees_do_give_released_pairs() -> None:
    assert sum(len(released_plainly(drawn(seed))) for seed in range(40)) > 50


@pytest.mark.parametrize("seed", range(10))
def test_average_and_lowest_q_are_those_of_the_path(seed: int) -> None:
    trees = drawn(seed)
    for found in solutions(trees.nodes):
        values = [trees.nodes.q[each] for each in trees.nodes.path(found.node)]
        assert found.average_q == pytest.approx(sum(values) / len(values))
        assert found.lowest_q == min(values)


def table_distance(first: str, second: str) -> int:
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(second, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (letter != other))
    return row[-1]


def test_the_edit_distance_is_that_of_the_table() -> None:
    rng = random.Random(0)
    for _ in range(300):
        first, second = ("".join(rng.choices("abc", k=rng.randrange(90))) for _ in range(2))
        assert edit_distance(first, second) == table_distance(first, second)
        limit = rng.randrange(1, 60)
        assert differ_by(first, second, limit) == (table_distance(first, second) >= limit)


def test_rollouts_give_released_pairs_through_the_tree_that_they_make() -> None:
    steps = ("print the first of the numbers", "\nmultiply by the other one, twice")
    good = Rollout("t/1", "What?", (steps[0], "right" * 9), "1", is_correct=True)
    bad = Rollout("t/1", "What?", (steps[1], "wrong" * 9), "2", is_correct=False)
    [pair] = make_pairs([good, bad], PAIR_PRESETS["released"])
    assert (pair.chosen, pair.rejected, pair.rule, pair.depth) == (*steps, "released", 1)


def test_pairs_from_trees_are_counted_by_rule_and_depth() -> None:
    assert counts_by_depth(tree_pairs_of(SMALL, PairSettings())) == {"siblings": {1: 1, 2: 2}, "final": {2: 4}}
