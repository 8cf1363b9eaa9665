"""The eval split can never be generated as training."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tasks.procedural import FAMILIES, LEVELS, NAMES, SPLITS, generate, load_procedural, split_of
from tasks.types import InputError

SAMPLES = range(15)


@cache
def questions_of(split: str) -> list[str]:
    return [
        generate(split, family, level, index).problem.question  # type: ignore[arg-type]
        for family in FAMILIES
        for level in LEVELS
        for index in SAMPLES
    ]


def test_every_generated_question_belongs_to_its_split_alone() -> None:
    for split in SPLITS:
        assert {split_of(question) for question in questions_of(split)} == {split}


def test_no_training_question_contains_all_numbers_of_an_eval_question() -> None:
    numbers = {split: [set(re.findall(r"\d+", question)) for question in questions_of(split)] for split in SPLITS}
    for later, earlier in (("train", "eval"), ("train", "validation"), ("validation", "eval")):
        exam = {frozenset(one) for one in numbers[earlier]}
        assert not any(one <= other for one in exam for other in numbers[later]), (later, earlier)


def test_an_eval_question_told_with_more_numbers_stays_an_eval_question() -> None:
    for question in questions_of("eval")[::11]:
        for number in range(2, 300, 7):
            assert split_of(f"{question} Then {number} more are added.") == "eval"


def test_the_split_of_a_question_ignores_names_wording_and_order() -> None:
    for question in questions_of("eval")[::7]:
        other_names = re.sub(r"\b(Ana|Ben|Cem|Dora|Emil|Fay)\b", "Zoe", question)
        turned = " ".join(reversed(question.split(" ")))
        assert split_of(other_names) == split_of(turned) == "eval"


def test_a_pair_of_numbers_is_for_eval_in_one_case_of_64() -> None:
    drawn = [split_of(f"{a} and {b}") for a in range(2, 202) for b in range(a + 1, 202)]
    assert drawn.count("eval") / len(drawn) == pytest.approx(1 / 64, rel=0.1)
    assert drawn.count("validation") / len(drawn) == pytest.approx(1 / 128, rel=0.15)


def test_a_question_without_two_different_numbers_is_in_no_split() -> None:
    assert split_of("How many?") is split_of("Is 7 equal to 7?") is None


def test_the_split_of_fixed_pairs_never_changes() -> None:
    """These would move with the hash, and eval questions with them into training."""
    found = {(a, b): split_of(f"{a} and {b}") for a in range(2, 24) for b in range(a + 1, 24)}
    assert [pair for pair, split in found.items() if split == "eval"] == [(8, 11), (8, 13), (8, 15), (8, 20), (11, 18)]
    assert [pair for pair, split in found.items() if split == "validation"] == [(3, 8)]


def test_the_tasks_have_the_sizes_roles_and_hashes_that_are_pinned() -> None:
    tasks = [load_procedural(name) for name in NAMES]
    assert [(task.name, task.role, len(task.problems), task.source.sha256) for task in tasks] == [
        ("procedural", "eval", 384, "9dd059541a8f13bc5d5a53a79ebadf1ce12e880059c5adf09ccb1ac1dc242cec"),
        ("procedural-hard", "eval", 384, "ac670d969ea711e50f305830196ff7bff19abe6ec73e40cfd6bdd4bc8a2048a7"),
        ("procedural-train", "train", 4032, "ee8df7ad9618fa2db658c5196a62543fccb5247998c6faccddf18ef89f4c2d52"),
    ]


def test_the_tasks_share_no_question_and_no_id() -> None:
    problems = [problem for name in NAMES for problem in load_procedural(name).problems]
    assert len({problem.id for problem in problems}) == len(problems)
    assert len({problem.question for problem in problems}) == len(problems)


def test_each_task_has_its_families_at_its_levels_evenly() -> None:
    mixed, hard = load_procedural("procedural"), load_procedural("procedural-hard")
    for level in "123456":
        assert sum(problem.level == level for problem in mixed.problems) == 64
        assert sum(problem.level == level for problem in hard.problems) == (128 if level in "456" else 0)
    assert {problem.subject for problem in mixed.problems} == set(FAMILIES)
    assert len({problem.subject for problem in hard.problems}) == 8


def test_every_problem_has_an_answer_and_no_other_id_has_one() -> None:
    for name in NAMES:
        task = load_procedural(name)
        assert list(task.answers) == [problem.id for problem in task.problems]
        assert all(problem.id.startswith(f"{name}/") for problem in task.problems)


def test_answers_are_whole_numbers_fractions_or_weekdays() -> None:
    shape = re.compile(r"-?\d+|\d+/\d+|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day")
    for name in NAMES:
        for id_, answer in load_procedural(name).answers.items():
            assert isinstance(answer, str)
            assert shape.fullmatch(answer), (id_, answer)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(InputError, match="procedural-easy"):
        load_procedural("procedural-easy")
