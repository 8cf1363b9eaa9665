"""Expectations over subsets of trajectories: equal to looking at every subset; for the whole, equal to the record."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from scipy.stats import hypergeom
from sum_runs import solved, spec, write_task

from harness import subset_counting, subset_draws
from harness.ballots import ballots
from harness.expectations import Expectation, caveat, expected, is_exchangeable, subset_curve
from harness.judge import choose_again
from harness.metrics import pass_at_k
from harness.record_file import read_records
from harness.records import JudgedAnswer, ProblemRecord
from harness.run_folder import RECORDS, RunRecord
from rstar.search.voting import RULES
from tasks.types import InputError, Verdict

ALL = (*RULES, "oracle")
LEVELS = (-1.0, -0.25, 0.0, 0.5, 0.5, 1.0)
"""Few values, so that ties of values and of weighted totals are common."""


def made(
    places: Sequence[int | None],
    verdicts: Sequence[Verdict],
    values: Sequence[float],
    numbers: Sequence[int] | None = None,
) -> ProblemRecord:
    """A record whose trajectories found the answers at `places`."""
    classes = range(len(verdicts)) if numbers is None else numbers
    answers = tuple(
        JudgedAnswer(f"a{place}", number, verdict, "")
        for place, (number, verdict) in enumerate(zip(classes, verdicts, strict=True))
    )
    count = len(places)
    return ProblemRecord(
        "t/1",
        3,
        budget=count,
        answers=answers,
        answer_of=tuple(places),
        values=tuple(values),
        endings=("answered",) * count,
    )


def drawn(seed: int, num: int, num_answers: int) -> ProblemRecord:
    """A random record, each answer a class of its own."""
    rng = random.Random(seed)
    verdicts: list[Verdict] = [rng.choice(["correct", "incorrect", "grader_error"]) for _ in range(num_answers)]
    places = [None if rng.random() < 0.2 else rng.randrange(num_answers) for _ in range(num)]
    return made(places, verdicts, [rng.choice(LEVELS) for _ in range(num)])


def looked_up(record: ProblemRecord, size: int) -> dict[str, float]:
    """The share of the subsets of `size` in which each rule is right, voting in each with the search's own code."""
    totals = dict.fromkeys(ALL, 0)
    subsets = list(combinations(range(len(record.values)), size))
    for subset in subsets:
        part = replace(
            record,
            budget=size,
            answer_of=tuple(record.answer_of[each] for each in subset),
            values=tuple(record.values[each] for each in subset),
            endings=tuple(record.endings[each] for each in subset),
        )
        chosen = choose_again(part, rules=RULES, budgets=(size,), top_k=4)
        for rule in RULES:
            place = chosen[rule][0]
            totals[rule] += place is not None and record.answers[place].verdict == "correct"
        totals["oracle"] += part.has_correct(size)
    return {rule: total / len(subsets) for rule, total in totals.items()}


@pytest.mark.parametrize("seed", range(25))
def test_every_rule_equals_the_mean_over_all_subsets(seed: int) -> None:
    record = drawn(seed, 1 + seed % 8, 1 + seed % 4)
    for size in range(1, len(record.values) + 1):
        found, expectation = expected(record, ALL, [size]), looked_up(record, size)
        for rule in ALL:
            assert found[rule, size] == Expectation(pytest.approx(expectation[rule], abs=1e-12)), (rule, size)


def test_members_of_one_class_may_have_different_verdicts() -> None:
    # One class; of a subset the member of highest value is what is answered.
    record = made([0, 1, 0, 1, None], ["correct", "incorrect"], [0.1, 0.2, 0.9, 0.3, -1.0], numbers=[0, 0])
    for size in range(1, 6):
        for rule in RULES:
            assert expected(record, [rule], [size])[rule, size].value == pytest.approx(looked_up(record, size)[rule])


@pytest.mark.parametrize(("size", "right"), [(1, 20), (7, 20), (33, 31), (64, 33), (63, 32)])
def test_a_majority_between_two_answers_is_hypergeometric(size: int, right: int) -> None:
    record = made([0] * right + [1] * (64 - right), ["correct", "incorrect"], [0.0] * 64)
    # An even subset may be tied; the tie goes to one class, the same in every subset.
    tied = float(hypergeom.pmf(size / 2, 64, right, size)) if size % 2 == 0 else 0.0
    more = float(hypergeom.sf(size // 2, 64, right, size))
    value = expected(record, ["majority"], [size])["majority", size].value
    assert min(abs(value - more), abs(value - more - tied)) < 1e-9


def test_best_of_k_is_the_first_right_one_by_value() -> None:
    record = made([0, 1, 1, 0], ["correct", "incorrect"], [0.1, 0.9, 0.5, 0.7])
    # By value: wrong, right, wrong, right. Of 6 pairs, the first is right in (2,3), (2,4), and none with rank 4 alone.
    assert expected(record, ["best"], [2])["best", 2].value == pytest.approx(2 / 6)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunRecord, list[ProblemRecord]]:
    """A run of 6 problems with 2 seeds and up to 8 trajectories."""
    out = tmp_path_factory.mktemp("done")
    plan = solved(write_task(out / "sums.jsonl", 6), out, budgets=[1, 4, 8], seeds=[0, 1])
    return RunRecord.read(plan.folder), list(read_records(plan.folder / RECORDS))


def test_all_trajectories_give_what_the_run_recorded(done: tuple[RunRecord, list[ProblemRecord]]) -> None:
    run, records = done
    assert {record.verdict(rule, 2) == "correct" for record in records for rule in RULES} == {True, False}
    for record in records:
        found = expected(record, ALL, [8], top_k=run.spec.top_k)
        for rule in RULES:
            assert found[rule, 8] == Expectation(float(record.verdict(rule, 2) == "correct"))
        assert found["oracle", 8].value == float(record.has_correct(8))


def test_the_oracle_is_pass_at_k_and_bounds_every_rule() -> None:
    record = drawn(5, 64, 9)
    right = sum(record.answers[each].verdict == "correct" for each in record.answer_of if each is not None)
    found = expected(record, ALL, [1, 8, 32])
    for size in (1, 8, 32):
        assert found["oracle", size].value == pass_at_k(64, right, size)
        assert all(found[rule, size].value <= found["oracle", size].value + 1e-12 for rule in RULES)


def test_draws_agree_with_counting_within_their_error(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [drawn(seed, 12, 4) for seed in range(40)]
    exact = [expected(record, ["weighted", "top_k"], [5]) for record in records]
    monkeypatch.setattr(subset_draws, "MOST_SUBSETS", 0)
    apart = []
    for record, known in zip(records, exact, strict=True):
        for key, found in expected(record, ["weighted", "top_k"], [5], num_draws=400).items():
            assert known[key].error == 0.0
            if found.error:
                apart.append((found.value - known[key].value) / found.error)
            else:
                assert abs(found.value - known[key].value) < 0.02
    assert max(map(abs, apart)) < 4.5
    assert abs(sum(apart) / len(apart)) < 0.5


def test_majority_by_draws_agrees_with_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    record = drawn(4, 20, 3)
    exact = expected(record, ["majority"], [9])["majority", 9]
    monkeypatch.setattr(subset_counting, "MOST_TRAJECTORIES", 10)
    found = expected(record, ["majority"], [9], num_draws=4000)["majority", 9]
    assert 0 < found.error < 0.01
    assert abs(found.value - exact.value) < 4 * found.error


def test_draws_depend_on_problem_and_seed_alone() -> None:
    record = drawn(2, 40, 6)
    again = expected(record, ["weighted"], [8])
    assert expected(record, ["weighted"], [8]) == again
    other = [expected(replace(record, seed=seed), ["weighted"], [8]) for seed in range(4, 9)]
    assert any(each != again for each in other)


def test_a_record_without_answers_or_of_a_failure_is_never_right() -> None:
    nothing = made([None, None], [], [-1.0, -1.0])
    failed = ProblemRecord("t/1", 0, error="policy: lost")
    for record in (nothing, failed):
        assert set(expected(record, ALL, [1, 2]).values()) == {Expectation(0.0)}
    assert ballots(nothing).num_blank == 2


def test_after_an_adaptive_stop_all_that_are_left_count() -> None:
    record = replace(made([0, 0, 1], ["correct", "incorrect"], [0.1, 0.2, 0.9]), budget=8, stop="certain")
    assert expected(record, ALL, [8]) == {(rule, 8): each for (rule, _), each in expected(record, ALL, [3]).items()}


@pytest.mark.parametrize("size", [0, 3])
def test_a_size_that_the_record_does_not_have_is_refused(size: int) -> None:
    with pytest.raises(InputError, match="budget of 2; use sizes from 1"):
        expected(made([0, 0], ["correct"], [0.0, 0.0]), ["majority"], [size])


def test_too_few_draws_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subset_draws, "MOST_SUBSETS", 0)
    with pytest.raises(InputError, match="at least 2"):
        expected(drawn(1, 6, 2), ["weighted"], [3], num_draws=1)


def test_a_curve_counts_problems_without_a_record_as_wrong(done: tuple[RunRecord, list[ProblemRecord]]) -> None:
    run, records = done
    whole = {point.rule: point for point in subset_curve(run, records, ALL, [8])}
    for rule in RULES:
        right = sum(record.verdict(rule, 2) == "correct" for record in records)
        assert whole[rule].accuracy.value == pytest.approx(right / 12)
    part = {point.rule: point for point in subset_curve(run, records[:5], ALL, [8])}
    assert part["oracle"].accuracy.value == pytest.approx(sum(record.has_correct(8) for record in records[:5]) / 12)
    assert [point.accuracy.value for point in subset_curve(run, [], ["best"], [8])] == [0.0]


def test_only_independent_trajectories_need_no_caveat(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 2)
    plain = spec(task, preset="self-consistency", budgets=[8])
    stopped = spec(task, preset="self-consistency", budgets=[8], search={"stop": "certain"})
    tree = spec(task)
    assert (is_exchangeable(plain), caveat(plain)) == (True, "")
    assert "biased" in caveat(stopped)
    assert "build on one another" in caveat(tree)
    assert not is_exchangeable(tree)
