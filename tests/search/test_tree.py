"""The formulas of the search tree, against values worked out by hand."""

from __future__ import annotations

import gc
import math
import weakref

import pytest

from rstar.search.tree import Node, backup, close, dissolve, prior_probs, puct_score, released_uct_score, uct_score
from rstar.types import Trajectory
from tasks.types import Problem

OPEN = Trajectory(Problem("p", "?"))


def make_node(
    parent: Node | None = None, visit_count: int = 0, value_sum: float = 0.0, initial_visits: int = 0
) -> Node:
    node = Node(OPEN, parent, visit_count=visit_count, value_sum=value_sum, initial_visits=initial_visits)
    if parent is not None:
        node.index = len(parent.children)
        parent.children = [*parent.children, node]
    return node


def test_backup_adds_value_to_every_ancestor() -> None:
    root = make_node()
    middle = make_node(root)
    leaf = make_node(middle)
    backup(leaf, 0.5)
    backup(leaf, -1.0)
    assert [(node.visit_count, node.value_sum) for node in (root, middle, leaf)] == [(2, -0.5)] * 3


def test_backup_leaves_siblings_alone() -> None:
    root = make_node()
    sibling, leaf = make_node(root), make_node(root)
    backup(leaf, 1.0)
    assert (sibling.visit_count, sibling.value_sum) == (0, 0.0)


def test_q_value_is_the_mean_of_the_values() -> None:
    assert make_node(visit_count=4, value_sum=1.0).q_value == 0.25


def test_uct_score_is_equation_1() -> None:
    child = make_node(make_node(visit_count=9), visit_count=3, value_sum=1.5)
    assert uct_score(child, 2.0) == pytest.approx(0.5 + 2 * math.sqrt(math.log(9) / 3))


def test_uct_score_of_an_unvisited_child_is_infinite() -> None:
    assert uct_score(make_node(make_node(visit_count=9)), 2.0) == math.inf


def test_a_child_that_was_only_judged_counts_as_unvisited() -> None:
    judged = make_node(make_node(visit_count=9), visit_count=1, value_sum=0.7, initial_visits=1)
    assert uct_score(judged, 2.0) == math.inf


def test_released_score_of_an_unvisited_child_is_zero() -> None:
    assert released_uct_score(make_node(make_node(visit_count=9)), 2.0) == 0.0


def test_released_score_has_no_exploration_below_an_unvisited_parent() -> None:
    judged = make_node(make_node(), visit_count=1, value_sum=0.7, initial_visits=1)
    assert released_uct_score(judged, 2.0) == 0.7


def test_released_score_revisits_a_child_that_failed_twice_before_its_unvisited_sibling() -> None:
    # Section 3.1 of the facts: -1 after one failure, +0.18 after two, 0 for the sibling.
    once = make_node(make_node(visit_count=1), visit_count=1, value_sum=-1.0)
    twice = make_node(make_node(visit_count=2), visit_count=2, value_sum=-2.0)
    assert released_uct_score(once, 2.0) == -1.0
    assert released_uct_score(twice, 2.0) == pytest.approx(0.18, abs=0.005)


def test_puct_score_weighs_exploration_by_the_prior() -> None:
    child = make_node(make_node(visit_count=16), visit_count=3, value_sum=1.5)
    child.prior_prob = 0.25
    assert puct_score(child, 1.25) == pytest.approx(0.5 + 1.25 * 0.25 * 4 / 4)


def test_puct_score_tells_children_apart_before_the_first_visit() -> None:
    root = make_node()
    likely, unlikely = make_node(root), make_node(root)
    likely.prior_prob, unlikely.prior_prob = 0.8, 0.2
    assert puct_score(likely, 1.25) > puct_score(unlikely, 1.25)


def test_prior_probs_are_a_softmax_that_does_not_underflow() -> None:
    assert prior_probs([-1000.0, -1000.0 + math.log(3)]) == pytest.approx([0.25, 0.75])


def test_close_reaches_the_ancestors_only_when_everything_below_is_closed() -> None:
    root = make_node()
    left, right = make_node(root), make_node(root)
    close(left)
    assert (left.is_closed, root.is_closed) == (True, False)
    close(right)
    assert root.is_closed


def test_address_is_the_path_of_indices_from_the_root() -> None:
    root = make_node()
    make_node(root)
    second = make_node(root)
    assert make_node(second).address() == [1, 0]
    assert root.address() == []


def test_walk_is_breadth_first() -> None:
    root = make_node()
    first, second = make_node(root), make_node(root)
    grandchild = make_node(first)
    assert list(root.walk()) == [root, first, second, grandchild]


class Watched(Node):
    """A node that can be watched from outside."""


def test_a_dissolved_tree_is_free_at_once() -> None:
    root = Watched(OPEN)
    child = Watched(OPEN, root)
    root.children = [child]
    watched = weakref.ref(root), weakref.ref(child)
    gc.disable()
    try:
        dissolve(root)
        del root, child
        assert [each() for each in watched] == [None, None]
    finally:
        gc.enable()
