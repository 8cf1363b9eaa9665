"""The scripted teacher: seeded, wrong by kind of step, and in the format that the search reads."""

from __future__ import annotations

from rstar.prompts import END_ANSWER, END_CODE, END_STEP, parse_step, solution_text
from rstar.synthesis.procedural_pool import problem_pool
from rstar.synthesis.teacher import ERROR_RATES, FIRST_WRONG, error_rates, teach, teacher_rollouts
from tasks.procedural import KINDS, generate

SAMPLE = list(problem_pool("train", 4, 900))


def test_the_same_seed_gives_the_same_lesson_and_another_seed_other_mistakes() -> None:
    texts = [[solution_text(teach(made, seed).trajectory) for made in SAMPLE] for seed in (3, 3, 4)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_a_teacher_without_mistakes_is_always_right() -> None:
    rates = dict.fromkeys(KINDS, 0.0)
    assert all(teach(made, 0, rates).is_correct for made in SAMPLE)


def test_only_steps_of_a_kind_with_an_error_rate_go_wrong() -> None:
    rates = dict.fromkeys(KINDS, 0.0) | {"subtract": 1.0}
    for made in SAMPLE:
        written = [step.code for step in teach(made, 0, rates).trajectory.steps[:-1]]
        changed = [step.kind for step, code in zip(made.steps, written, strict=True) if code != step.code]
        assert changed == [step.kind for step in made.steps if step.kind == "subtract" and step.wrong]


def test_every_kind_of_step_has_an_error_rate() -> None:
    assert set(ERROR_RATES) == set(KINDS)
    assert all(0.05 <= rate <= 0.70 for rate in ERROR_RATES.values())


def test_in_five_kinds_of_step_the_first_wrong_variant_is_likelier_than_the_right_step() -> None:
    mistaken = {kind for kind, rate in ERROR_RATES.items() if rate * FIRST_WRONG > 1 - rate}
    assert mistaken == {"average", "expand", "power", "probability", "remainder"}


def test_further_misconceptions_are_as_likely_as_its_own() -> None:
    rates = error_rates(("apply", "share"))
    assert {rates[kind] for kind in ("apply", "share", "power")} == {0.70}
    assert {kind for kind in KINDS if rates[kind] != ERROR_RATES[kind]} == {"apply", "share"}


def test_the_search_reads_each_step_of_a_lesson_as_it_was_meant() -> None:
    made = generate("train", "relations", 3, 5)
    steps = teach(made, 1).trajectory.steps
    stops = [next(stop for stop in (END_STEP, END_CODE, END_ANSWER) if step.text.endswith(stop)) for step in steps]
    read = [parse_step(step.text, stop) for step, stop in zip(steps, stops, strict=True)]
    assert [each.kind for each in read] == ["code"] * (len(steps) - 2) + ["last_code", "answer"]
    assert all(step.code in each.code for step, each in zip(steps[:-1], read, strict=False))


def test_a_pool_has_no_question_twice() -> None:
    questions = [made.problem.question for made in SAMPLE]
    assert len(questions) == len(set(questions))


def test_the_teachers_rollouts_are_counted_and_labelled() -> None:
    made = generate("train", "equations", 4, 2)
    rollouts = teacher_rollouts(made, 0, 24)
    assert sum(each.count for each in rollouts) == 24
    assert len({each.solution for each in rollouts}) == len(rollouts) > 3
    assert all(each.is_correct == (each.answer == made.answer) for each in rollouts)
    assert {each.is_correct for each in rollouts} == {True, False}
