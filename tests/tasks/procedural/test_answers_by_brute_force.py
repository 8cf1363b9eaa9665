"""Answers found again from the question's text alone, by trying everything, without the family's own formula."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import combinations, permutations, product

from tasks.procedural import Generated, generate

SAMPLES = range(15)


def made(family: str, level: int) -> list[Generated]:
    return [generate("train", family, level, index) for index in SAMPLES]


def evaluate(text: str, x: int, y: int = 0) -> int:
    """The value of a side such as `3(x + 4) - 2`, `7x + 2y` or `5xy - 3y`, from our own generated question."""
    spaced = re.sub(r"(?<=[\dxy)])(?=[xy(])", "*", text).replace("^", "**")
    value: int = eval(spaced, {"x": x, "y": y})
    return value


def test_equations_hold_at_the_answer_and_nowhere_else_nearby() -> None:
    for level in (1, 2, 3):
        for one in made("equations", level):
            if found := re.search(r"(?:if|when|which) (.*x.*) = (.*?)[.?]$", one.problem.question):
                roots = [x for x in range(-40, 60) if evaluate(found[1], x) == evaluate(found[2], x)]
                assert roots == [int(one.answer)], one.problem.question


def test_systems_have_the_value_that_is_asked_for() -> None:
    num_checked = 0
    for level in (3, 4, 5, 6):
        for one in made("systems", level):
            found = re.findall(r"(\d+x \+ \d+y) = (\d+)", one.problem.question)
            asked = re.search(r"(?:[Ff]ind|is) ([\dxy][\dxy +-]*)[.?]$", one.problem.question)
            if len(found) != 2 or not asked:
                continue
            pairs = [
                (x, y)
                for x, y in product(range(30), repeat=2)
                if all(evaluate(side, x, y) == int(n) for side, n in found)
            ]
            assert [evaluate(asked[1], x, y) for x, y in pairs] == [int(one.answer)], one.problem.question
            num_checked += 1
    assert num_checked > 30


def test_groups_with_at_least_so_many_of_a_kind_are_counted_one_by_one() -> None:
    num_checked = 0
    for level in (3, 4, 5, 6):
        for one in made("counting", level):
            question = one.problem.question
            if "at least" not in question:
                continue
            n, m, k = map(int, re.findall(r"\d+", question))
            least = 2 if "at least two" in question else 1
            groups = sum(sum(who < n for who in group) >= least for group in combinations(range(n + m), k))
            if "secretary" in question:
                groups *= k * (k - 1)
            elif "chair" in question:
                groups *= k
            assert groups == int(one.answer), question
            num_checked += 1
    assert num_checked > 15


def test_committees_that_keep_two_people_apart_are_counted_one_by_one() -> None:
    num_checked = 0
    for index in range(60):
        one = generate("train", "counting", 4, index)
        if "committee" not in one.problem.question:
            continue
        k, j, n, m = map(int, re.findall(r"\d+", one.problem.question))
        if n > 14:
            continue
        first = sum(not {0, 1} <= set(group) for group in combinations(range(n), k))
        assert first * sum(1 for _ in combinations(range(m), j)) == int(one.answer), one.problem.question
        num_checked += 1
    assert num_checked > 5


def test_probabilities_of_two_draws_are_counted_pair_by_pair() -> None:
    for level in (2, 3, 4, 5, 6):
        for one in made("probability", level):
            question = one.problem.question
            a, b, *lost = map(int, re.findall(r"\d+", question))
            box = "a" * (a - sum(lost)) + "b" * b
            pairs = list(permutations(box, 2))
            if "not both are" in question:
                good = [pair for pair in pairs if pair != ("a", "a")]
            elif "same colour" in question:
                good = [pair for pair in pairs if pair[0] == pair[1]]
            elif "differ" in question:
                good = [pair for pair in pairs if pair[0] != pair[1]]
            else:
                good = [pair for pair in pairs if pair == ("a", "a")]
            assert Fraction(one.answer) == Fraction(len(good), len(pairs)), question


def test_lights_that_coincide_are_found_minute_by_minute() -> None:
    num_checked = 0
    for level in (2, 3, 4, 5, 6):
        for one in made("divisors", level):
            question = one.problem.question
            if "every" not in question:
                continue
            *periods, end = [int(n) for n in re.findall(r"\d+", question.replace("minute 0 ", ""))]
            together = [minute for minute in range(1, end + 1) if all(minute % p == 0 for p in periods)]
            expected = {
                2: len(together),
                3: together[-1],
                4: end - together[-1],
                5: together[-1],
                6: end - together[-1],
            }
            assert expected[level] == int(one.answer), question
            num_checked += 1
    assert num_checked > 20


def test_relations_hold_for_the_answer() -> None:
    """Every person's number is found by going round the sentences until nothing is unknown."""
    for level in (1, 2, 3, 4, 5, 6):
        for one in made("relations", level):
            *facts, asked = re.split(r"(?<=[.?]) ", one.problem.question)
            numbers = settle([fact.rstrip(".") for fact in facts])
            people = re.findall(r"\b[A-Z][a-z]+\b", asked.replace("How", "").replace("What", "").replace("Find", ""))
            assert sum(numbers[person] for person in people) == int(one.answer), one.problem.question


def settle(facts: list[str]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for _ in facts:
        for fact in facts:
            learn(fact, numbers)
    return numbers


def learn(fact: str, numbers: dict[str, int]) -> None:
    if found := re.fullmatch(r"(\w+) has (\d+) \w+", fact):
        numbers[found[1]] = int(found[2])
    elif found := re.fullmatch(r"(\w+) has (\d+) (more|fewer) \w+ than (\w+)", fact):
        step = int(found[2]) * (1 if found[3] == "more" else -1)
        if found[4] in numbers:
            numbers[found[1]] = numbers[found[4]] + step
        elif found[1] in numbers:
            numbers[found[4]] = numbers[found[1]] - step
    elif found := re.fullmatch(r"(\w+) has (twice|\d+ times) as many \w+ as (\w+)", fact):
        factor = 2 if found[2] == "twice" else int(found[2].split()[0])
        if found[3] in numbers:
            numbers[found[1]] = numbers[found[3]] * factor
        elif found[1] in numbers:
            numbers[found[3]] = numbers[found[1]] // factor
    elif found := re.fullmatch(r"(\w+) has as many \w+ as (\w+) and (\w+) together", fact):
        if found[2] in numbers and found[3] in numbers:
            numbers[found[1]] = numbers[found[2]] + numbers[found[3]]
    elif (found := re.fullmatch(r"(\w+) and (\w+) together have exactly as many \w+ as (\w+)", fact)) and (
        found[1] in numbers and found[2] in numbers
    ):
        numbers[found[3]] = numbers[found[1]] + numbers[found[2]]
