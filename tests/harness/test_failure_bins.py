"""Every wrong search falls into exactly one bin, and into the one that its definition says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handmade_runs import ANSWERLESS, End, failed, record_of, right, spec_of, wrong
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.anatomy import Anatomy
from harness.failure_bins import BINS, Bin, bin_of
from harness.judge import choose_again
from harness.records import ProblemRecord
from harness.run_folder import RunRecord
from harness.run_inputs import RunInputs
from rstar.search.voting import RULES

SPEC = spec_of([1, 2, 4, 8])


def bin_at(ends: list[End], rule: str, budget: int = 8, top_k: int = 4) -> Bin | None:
    """The bin of a search with these trajectories."""
    spec = spec_of([1, 2, 4, 8], top_k=top_k)
    return bin_of(record_of(spec, "p", ends), rule, spec.budgets.index(budget), budget, top_k)


def test_a_right_choice_has_no_bin() -> None:
    assert bin_at([right(0.9), wrong(0.1)], "best") is None


@pytest.mark.parametrize("rule", RULES)
def test_answers_that_are_all_wrong_were_never_generated(rule: str) -> None:
    assert bin_at([wrong(0.5), End(ending="truncated"), wrong(0.1, "other")], rule) == "never_generated"


def test_a_right_answer_of_lower_value_is_the_reward_s_failure_by_best_and_weighted() -> None:
    ends = [wrong(0.9), right(0.1)]
    assert bin_at(ends, "best") == "reward"
    assert bin_at(ends, "weighted") == "reward"


def test_a_majority_vote_asks_no_reward_so_it_is_the_vote_that_is_lost() -> None:
    assert bin_at([wrong(0.1), wrong(0.1), right(0.9)], "majority") == "vote_lost"


def test_a_weighted_vote_lost_against_the_reward_s_own_favourite_is_a_lost_vote() -> None:
    ends = [right(0.9), *[wrong(0.8)] * 3]
    assert bin_at(ends, "best") is None
    assert bin_at(ends, "weighted") == "vote_lost"


def test_top_k_is_lost_by_the_reward_outside_the_k_and_by_the_vote_inside() -> None:
    ends = [wrong(0.9), wrong(0.8), right(0.7)]
    assert bin_at(ends, "top_k", top_k=2) == "reward"
    assert bin_at(ends, "top_k", top_k=3) == "vote_lost"


def test_only_failed_programs_are_a_bin_of_their_own() -> None:
    assert bin_at([End(ending="code_error")] * 3, "majority") == "code_failed"
    assert bin_at([End(ending="code_error"), End(ending="max_depth")], "majority") == "no_answer"


def test_one_cut_off_trajectory_is_enough_where_nothing_was_answered() -> None:
    assert bin_at([End(ending="code_error"), End(ending="truncated")], "majority") == "truncated"
    assert bin_at([End(ending="unparsable")], "majority") == "no_answer"


def test_trajectories_beyond_the_budget_do_not_count() -> None:
    ends = [End(ending="truncated"), wrong(0.9), right(0.1)]
    assert [bin_at(ends, "best", budget) for budget in (1, 2, 4)] == ["truncated", "never_generated", "reward"]


def test_a_grader_s_error_on_the_chosen_answer_is_doubtful() -> None:
    assert bin_at([End("x", "grader_error", 0.9), right(0.1)], "best") == "grader_doubtful"


def test_a_grader_s_error_is_doubtful_only_where_it_could_have_been_the_right_answer() -> None:
    unknown = End("x", "grader_error", 0.1)
    assert bin_at([wrong(0.9), unknown], "best") == "grader_doubtful"
    assert bin_at([wrong(0.9), unknown, right(0.2)], "best") == "reward"


def test_a_wrong_answer_that_means_the_same_as_a_right_one_is_doubtful() -> None:
    same = [End("1/2", "incorrect", 0.9, number=0), End("0.5", "correct", 0.1, number=0)]
    assert bin_at(same, "best") == "grader_doubtful"


def test_a_right_answer_that_no_vote_can_count_is_doubtful() -> None:
    assert bin_at([wrong(0.9), End("?", "correct", 0.1, number=-1)], "best") == "grader_doubtful"


def test_an_engine_s_failure_is_no_verdict_on_the_search() -> None:
    assert bin_of(failed("p"), "best", 0, 1, 4) == "engine_failed"


def judged(record: ProblemRecord, judgements: dict[str, tuple[str, int]]) -> ProblemRecord:
    """`record` with these verdicts and classes of its answers, and the choices that follow."""
    answers = tuple(
        replace(answer, verdict=judgements[answer.text][0], number=judgements[answer.text][1])
        for answer in record.answers
    )
    record = replace(record, answers=answers)
    return replace(record, chosen=choose_again(record, rules=SPEC.rules, budgets=SPEC.budgets, top_k=SPEC.top_k))


ENDS = st.one_of(
    st.builds(
        End,
        answer=st.sampled_from("abcd"),
        value=st.sampled_from((-1.0, -0.5, 0.0, 0.5, 1.0)),
    ),
    st.builds(End, ending=st.sampled_from(ANSWERLESS)),
)
JUDGEMENTS = st.fixed_dictionaries(
    {
        text: st.tuples(
            st.sampled_from(("correct", "incorrect", "incorrect", "grader_error", "no_answer")), st.integers(-1, 3)
        )
        for text in "abcd"
    }
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ENDS, min_size=1, max_size=8), JUDGEMENTS)
def test_only_bins_of_generated_answers_hold_searches_whose_oracle_is_right(
    ends: list[End], judgements: dict[str, tuple[str, int]]
) -> None:
    record = judged(record_of(SPEC, "p", ends), judgements)
    for rule in SPEC.rules:
        for index, budget in enumerate(SPEC.budgets):
            name = bin_of(record, rule, index, budget, SPEC.top_k)
            if name in ("reward", "vote_lost", None):
                assert record.has_correct(budget)
            elif name != "grader_doubtful":
                assert not record.has_correct(budget)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.lists(ENDS, min_size=1, max_size=8), JUDGEMENTS), max_size=6), st.integers(0, 3))
def test_right_searches_and_bins_are_the_whole_run_at_every_budget_and_rule(
    drawn: list[tuple[list[End], dict[str, tuple[str, int]]]], num_absent: int
) -> None:
    run = RunRecord(SPEC, RunInputs("1", "", "", "c", "1"), "sums", 99, len(drawn) + 1 + num_absent)
    anatomy = Anatomy(None, run)  # type: ignore[arg-type]
    for number, (ends, judgements) in enumerate(drawn):
        anatomy.add(number + 1, judged(record_of(SPEC, f"p{number}", ends), judgements))
    anatomy.add(len(drawn) + 1, failed("q"))
    for rule in SPEC.rules:
        for budget in SPEC.budgets:
            found = anatomy.dissection(rule, budget)
            assert set(found.bins) == set(BINS)
            assert found.num_right + sum(found.bins.values()) == run.num_records
            assert (found.bins["missing"], found.bins["engine_failed"]) == (num_absent, 1)
            named = [each.problem_id for examples in found.examples.values() for each in examples]
            assert len(named) == len(set(named)), "one search is in two bins"
