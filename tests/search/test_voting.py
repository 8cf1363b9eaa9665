"""Which answer each rule gives."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from digits import PROBLEM, same_text

from rstar.search.voting import RULES, Rule, choose_answer, choose_answers
from rstar.types import SearchResult, Trajectory, Usage
from tasks.types import InputError


def result_of(*pairs: tuple[str | None, float], problem_id: str = "p") -> SearchResult:
    trajectories = tuple(Trajectory(PROBLEM, (), "answered" if answer else "code_error", answer) for answer, _ in pairs)
    return SearchResult(problem_id, trajectories, tuple(value for _, value in pairs), (Usage(),) * len(pairs))


def choose(result: SearchResult, rule: Rule, budget: int = 100, **options: Any) -> str | None:
    return choose_answer(result, rule, budget, **{"classes": same_text, "seed": 0, **options})


# a: twice and well judged; b: three times and badly judged; c: once and judged best.
EXAMPLE = result_of(("a", 0.6), ("b", -0.9), ("c", 0.9), ("b", -0.8), ("a", 0.5), ("b", -0.7))


@pytest.mark.parametrize(
    ("rule", "top_k", "expected"),
    [
        ("best", 4, "c"),
        ("majority", 4, "b"),
        ("weighted", 4, "a"),
        ("top_k", 3, "a"),
        ("top_k", 1, "c"),
        ("top_k", 6, "b"),
    ],
)
def test_each_rule_has_its_own_winner(rule: Rule, top_k: int, expected: str) -> None:
    assert choose(EXAMPLE, rule, top_k=top_k) == expected


def test_only_the_first_trajectories_count_at_a_budget() -> None:
    assert [choose(EXAMPLE, "best", budget) for budget in (1, 2, 3)] == ["a", "a", "c"]
    assert choose(EXAMPLE, "majority", 5) in ("a", "b")
    assert choose(EXAMPLE, "majority", 6) == "b"


def test_a_budget_beyond_the_result_counts_all_of_it() -> None:
    assert choose(EXAMPLE, "majority", 64) == choose(EXAMPLE, "majority", 6)


def test_trajectories_without_an_answer_have_no_vote() -> None:
    result = result_of((None, -1.0), (None, -1.0), ("a", -0.99))
    assert {choose(result, rule) for rule in RULES} == {"a"}
    assert {choose(result, rule, 2) for rule in RULES} == {None}


def test_equivalent_answers_are_counted_together_and_the_best_judged_wording_is_given() -> None:
    result = result_of(("1/2", 0.1), ("0.5", 0.2), ("3", 0.0))

    def classes(answers: Sequence[str]) -> list[int]:
        return [0 if answer in ("1/2", "0.5") else 1 for answer in answers]

    assert choose(result, "majority", classes=classes) == "0.5"


def test_a_tie_does_not_depend_on_the_order_of_the_votes() -> None:
    pairs = [("a", 0.0), ("b", 0.0), ("c", 0.0)]
    for rule in ("majority", "weighted", "best"):
        assert len({choose(result_of(*order), rule) for order in permutations(pairs)}) == 1  # type: ignore[arg-type]


def test_a_tie_goes_elsewhere_for_another_problem_or_seed() -> None:
    pairs = [("a", 0.0), ("b", 0.0)]
    assert {choose(result_of(*pairs, problem_id=f"p{i}"), "majority") for i in range(20)} == {"a", "b"}
    assert {choose(result_of(*pairs), "majority", seed=seed) for seed in range(20)} == {"a", "b"}


def test_weights_of_badly_judged_trajectories_are_small_but_not_negative() -> None:
    result = result_of(("a", -0.5), ("a", -0.5), ("b", -0.4))
    assert choose(result, "weighted") == "a"


def test_answers_are_compared_once_for_all_budgets_and_rules() -> None:
    calls = []

    def counting(answers: Sequence[str]) -> list[int]:
        calls.append(list(answers))
        return same_text(answers)

    choose_answers(EXAMPLE, RULES, (1, 2, 4, 6), classes=counting, seed=0)
    assert calls == [["a", "b", "c"]]


def test_all_rules_at_all_budgets_agree_with_one_at_a_time() -> None:
    budgets = (1, 2, 3, 6)
    table = choose_answers(EXAMPLE, RULES, budgets, classes=same_text, seed=5)
    assert table == {(rule, n): choose(EXAMPLE, rule, n, seed=5) for rule in RULES for n in budgets}


@pytest.mark.parametrize(("rule", "budget", "top_k"), [("vote", 1, 4), ("best", 0, 4), ("top_k", 1, 0)])
def test_an_unknown_rule_or_an_empty_count_is_refused(rule: Any, budget: int, top_k: int) -> None:
    with pytest.raises(InputError):
        choose(EXAMPLE, rule, budget, top_k=top_k)
