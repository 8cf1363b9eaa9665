"""MCTS over a small world: what each variant does, step by step."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from digits import PROBLEM, Digits, Fixed, answer, engines, outline, search

from rstar.engines.scripted import ScriptedPolicy
from rstar.reward.answer_reward import StepsAndLabels
from rstar.search.mcts import MctsConfig, mcts
from rstar.types import Candidate, Proposal, Scores, SearchResult, Trajectory
from tasks.types import InputError


def run(source: Any = None, **settings: Any) -> SearchResult:
    return asyncio.run(search("mcts", {"num_candidates": 6, **settings}, engines(source)))


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_a_budget_of_64_yields_64_trajectories(variant: str) -> None:
    result = run(variant=variant, budget=64)
    assert len(result.trajectories) == len(result.values) == len(result.usage_at) == 64


@pytest.mark.parametrize("variant", ["paper", "official"])
@pytest.mark.parametrize("smaller", [1, 5, 20])
def test_a_smaller_budget_is_a_prefix_of_a_larger_one(variant: str, smaller: int) -> None:
    small, large = run(variant=variant, budget=smaller), run(variant=variant, budget=32)
    assert small.trajectories == large.trajectories[:smaller]
    assert small.usage_at == large.usage_at[:smaller]


def test_usage_never_falls() -> None:
    usage = run(budget=32).usage_at
    assert all(a.completion_tokens <= b.completion_tokens for a, b in itertools.pairwise(usage))
    assert all(a.executions <= b.executions for a, b in itertools.pairwise(usage))


def test_unvisited_children_come_first_and_the_best_judged_of_them_first() -> None:
    result = run(Fixed(answer(0.1), answer(0.3), answer(-0.2)), budget=3)
    assert [trajectory.answer for trajectory in result.trajectories] == ["0.3", "0.1", "-0.2"]


def test_value_of_a_terminal_is_backed_up_to_the_root() -> None:
    root = run(Fixed(answer(0.1), answer(0.3)), budget=2).trees[0]
    assert (root.visit_count, root.value_sum) == (2, pytest.approx(0.4))


def test_an_exhausted_tree_is_followed_by_another() -> None:
    result = run(Fixed(answer(0.1), answer(0.3)), budget=5)
    assert [trajectory.answer for trajectory in result.trajectories] == ["0.3", "0.1", "0.3", "0.1", "0.3"]
    assert [tree.is_closed for tree in result.trees] == [True, True, False]


def test_every_tree_has_its_own_seed() -> None:
    first, second = run(rollouts_per_tree=1, budget=2).trees
    assert [node.trajectory for node in first.children] != [node.trajectory for node in second.children]


def test_equal_candidates_and_equal_answers_are_dropped_and_counted() -> None:
    result = run(Fixed(answer(0.1), answer(0.3), answer(0.1, "So it is")), budget=1, num_candidates=6)
    assert [node.trajectory.answer for node in result.trees[0].children] == ["0.1", "0.3"]
    assert result.num_duplicates == 4


def test_official_variant_keeps_only_the_first_answer() -> None:
    result = run(Fixed("<code>\nd = 1\n<end_of_step>", answer(0.1), answer(0.3)), variant="official", budget=1)
    assert [node.trajectory.answer for node in result.trees[0].children] == ["0.1"]


def test_a_failed_candidate_is_kept_in_the_tree_but_never_entered() -> None:
    result = run(budget=32)
    failed = [node for root in result.trees for node in root.walk() if node.trajectory.ending == "code_error"]
    assert failed
    assert all(node.is_closed and not node.children and node.q_value == -1.0 for node in failed)
    assert not any(trajectory.ending == "code_error" for trajectory in result.trajectories)


def test_where_all_candidates_fail_the_rollout_is_a_failed_trajectory() -> None:
    result = run(Digits(failures=1.0), budget=3)
    assert [trajectory.ending for trajectory in result.trajectories] == ["code_error"] * 3
    assert result.values == (-1.0,) * 3


def test_a_failure_counts_against_the_ancestors_in_paper_but_not_in_official() -> None:
    roots = [run(Digits(failures=1.0), budget=1, variant=variant).trees[0] for variant in ("paper", "official")]
    assert [(root.visit_count, root.value_sum) for root in roots] == [(1, -1.0), (0, 0.0)]


def test_a_search_ends_where_nothing_is_ever_found() -> None:
    result = run(Digits(failures=1.0), budget=4, variant="official", rollouts_per_tree=3)
    assert len(result.trajectories) == len(result.trees) == 4


def test_a_solution_deeper_than_the_limit_ends_there() -> None:
    result = run(Fixed("d = 1\n<end_of_step>"), budget=1, max_depth=2, scores_steps=False)
    assert result.trajectories[0].ending == "max_depth"
    assert len(result.trajectories[0].steps) == 3


def test_as_many_errors_in_a_row_are_allowed_as_the_threshold_says() -> None:
    result = run(Fixed("d = unknown\n<end_of_step>"), budget=1, errors_threshold=2, scores_steps=False)
    assert len(result.trajectories[0].steps) == 2


def test_counting_trees_keeps_the_best_trajectory_of_each() -> None:
    result = run(variant="official", budget=4, counts="trees", rollouts_per_tree=5)
    for root, value in zip(result.trees, result.values, strict=True):
        assert value == max(node.value for node in root.walk() if node.trajectory.ending == "answered")


def test_without_scored_steps_open_children_start_unvisited() -> None:
    root = run(budget=1, scores_steps=False).trees[0]
    assert sum(child.visit_count for child in root.children if not child.is_closed) == 1


def test_scored_steps_start_with_the_reward_models_value_as_one_visit() -> None:
    root = run(budget=1).trees[0]
    untouched = [child for child in root.children if not child.is_visited and not child.is_closed]
    assert untouched
    assert all((child.visit_count, child.value_sum) == (1, child.value) for child in untouched)


def test_backups_account_for_every_visit_and_value() -> None:
    """The invariant of the tree: a node's q is its first value plus the backed-up values of the ends below it."""
    result = run(budget=40)
    ends = {id(trajectory): value for trajectory, value in zip(result.trajectories, result.values, strict=True)}
    for root in result.trees:
        for node in root.walk():
            node_ends = [ends[id(below.trajectory)] for below in node.walk() if id(below.trajectory) in ends]
            first = node.value if node.initial_visits else 0.0
            assert node.visit_count == len(node_ends) + node.initial_visits
            assert node.value_sum == pytest.approx(first + sum(node_ends))


def test_the_same_seed_gives_the_same_search_and_another_seed_another() -> None:
    same = [asyncio.run(search("mcts", {"budget": 8}, seed=seed)) for seed in (3, 3, 4)]
    assert outline(same[0]) == outline(same[1])
    assert same[0].trajectories != same[2].trajectories


def test_puct_needs_log_probabilities() -> None:
    with pytest.raises(InputError, match="log-probabilities"):
        run(variant="puct", budget=1)


class WithLogprobs:
    """The policy with log-probabilities that make the second candidate far more likely than the others."""

    def __init__(self, policy: ScriptedPolicy) -> None:
        self.policy = policy

    async def propose(self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0) -> Proposal:
        proposal = await self.policy.propose(prefix, num_candidates, seed, temperature)
        candidates = [
            Candidate(each.text, (), each.num_tokens, -0.1 if index == 1 else -9.0, each.stop)
            for index, each in enumerate(proposal.candidates)
        ]
        return Proposal(tuple(candidates), proposal.prompt_tokens, proposal.cached_tokens, 0.0)


def test_puct_prefers_what_the_policy_finds_likely() -> None:
    policy, reward, interpreter = engines(Fixed(answer(0.2), answer(0.1), answer(0.3)))
    config = MctsConfig(variant="puct", budget=1, num_candidates=3)
    result = asyncio.run(mcts(PROBLEM, WithLogprobs(policy), reward, interpreter, config, 0))
    assert result.trajectories[0].answer == "0.1"


class AlwaysRight:
    """A label of +1 for every answer; open trajectories are none of its business."""

    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        assert all(each.ending == "answered" for each in trajectories)
        return Scores((1.0,) * len(trajectories), 0, 0, 0.0)


def test_labels_judge_answers_while_the_ppm_judges_steps() -> None:
    policy, ppm, interpreter = engines()
    config = MctsConfig(budget=8, num_candidates=6)
    result = asyncio.run(mcts(PROBLEM, policy, StepsAndLabels(ppm, AlwaysRight()), interpreter, config, 0))
    assert set(result.values) == {1.0}
    assert result.usage_at[-1].reward_tokens > 0


def test_a_policy_that_gives_too_few_candidates_is_an_error() -> None:
    policy, reward, interpreter = engines()

    class Short(WithLogprobs):
        async def propose(
            self, prefix: Trajectory, num_candidates: int, seed: int, temperature: float = 1.0
        ) -> Proposal:
            return await self.policy.propose(prefix, num_candidates - 1, seed, temperature)

    with pytest.raises(ValueError, match="5 candidates where 6"):
        asyncio.run(mcts(PROBLEM, Short(policy), reward, interpreter, MctsConfig(num_candidates=6), 0))
