"""Generated problems: seeded, exact, with solutions that run and levels that mean something."""

from __future__ import annotations

import ast
import contextlib
import io
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256

import pytest

from tasks.procedural import FAMILIES, KINDS, LEVELS, SPLITS, Generated, generate, generate_by_id
from tasks.types import InputError

SAMPLES = range(25)


def run(lines: Sequence[str]) -> str:
    """What our own generated code prints; nothing a model wrote ever comes here."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec("\n".join(lines), {})
    return printed.getvalue().strip()


def samples(family: str, level: int) -> list[Generated]:
    return [generate("train", family, level, index) for index in SAMPLES]


def needed_steps(made: Generated) -> int:
    """How many steps the printed value depends on, the printing step left out."""
    wanted, count = {"print"}, 0
    for step in reversed(made.steps):
        stores, loads = set(), set()
        for node in ast.walk(ast.parse(step.code)):
            if isinstance(node, ast.Name):
                (stores if isinstance(node.ctx, ast.Store) else loads).add(node.id)
        if step.kind == "answer":
            wanted = loads - {"print"}
        elif stores & wanted:
            wanted = (wanted - stores) | loads
            count += 1
    return count


@pytest.mark.parametrize("family", FAMILIES)
def test_the_solution_prints_the_answer(family: str) -> None:
    for level in LEVELS:
        for made in samples(family, level):
            assert run([step.code for step in made.steps]) == made.answer, made


@pytest.mark.parametrize("family", FAMILIES)
def test_every_level_needs_one_more_step_than_the_level_before(family: str) -> None:
    for level in LEVELS:
        assert {needed_steps(made) for made in samples(family, level)} == {level + 1}
        assert {len(made.steps) for made in samples(family, level)} == {level + 2}


@pytest.mark.parametrize("family", FAMILIES)
def test_wrong_variants_run_and_mostly_change_the_answer(family: str) -> None:
    num_wrong = num_changed = 0
    for level in LEVELS:
        for made in samples(family, level):
            lines = [step.code for step in made.steps]
            for place, step in enumerate(made.steps):
                for wrong in step.wrong:
                    printed = run([*lines[:place], wrong, *lines[place + 1 :]])
                    assert printed
                    num_wrong += 1
                    num_changed += printed != made.answer
    assert num_changed / num_wrong > 0.85, (num_changed, num_wrong)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_computing_step_can_go_wrong_in_two_ways_or_more_nearly_always(family: str) -> None:
    steps = [
        step for level in LEVELS for made in samples(family, level) for step in made.steps if step.kind != "answer"
    ]
    assert all(step.wrong for step in steps)
    assert sum(len(step.wrong) >= 2 for step in steps) / len(steps) > 0.9
    assert all(step.code not in step.wrong for step in steps)


def test_the_answer_stands_in_no_step_before_it_is_computed() -> None:
    for family in FAMILIES:
        for level in LEVELS:
            for made in samples(family, level):
                assert made.steps[-1].kind == "answer"
                assert made.steps[-1].code.startswith("print(")
                assert not made.steps[-1].code[6].isdigit()


def test_the_same_address_gives_the_same_problem_in_another_process() -> None:
    code = (
        "from tasks.procedural import FAMILIES, generate\n"
        "for family in FAMILIES: print(repr(generate('eval', family, 6, 3)))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert other.stdout.splitlines() == [repr(generate("eval", family, 6, 3)) for family in FAMILIES]


def test_problems_do_not_depend_on_what_was_generated_before() -> None:
    alone = generate("train", "relations", 4, 17)
    for index in range(20):
        generate("train", "relations", 4, index)
    assert generate("train", "relations", 4, 17) == alone


def test_the_generated_content_is_pinned() -> None:
    """A changed hash means changed problems: raise VERSION in generate.py, then pin the new hash."""
    digest = sha256()
    for split in SPLITS:
        for family in FAMILIES:
            for level in LEVELS:
                digest.update(repr(generate(split, family, level, 123)).encode())
    assert digest.hexdigest() == "5e068a0405b1b6021f82fbc9c34b3344318bf388453125a05f31962d824e1a2b"


def test_kinds_of_steps_are_all_used_and_all_known() -> None:
    used = {
        step.kind for family in FAMILIES for level in LEVELS for made in samples(family, level) for step in made.steps
    }
    assert used == set(KINDS)


def test_wordings_vary_within_a_family() -> None:
    for family in FAMILIES:
        shapes = {"".join(c for c in made.problem.question if not c.isdigit()) for made in samples(family, 5)}
        assert len(shapes) > len(SAMPLES) // 3, family


def test_questions_seldom_repeat() -> None:
    for family in FAMILIES:
        for level in LEVELS:
            questions = {generate("train", family, level, index).problem.question for index in range(100)}
            assert len(questions) >= 95, (family, level)


def test_solutions_are_about_a_hundred_tokens_long() -> None:
    """Characters stand in for tokens: a small vocabulary makes two to four of them a token."""
    for family in FAMILIES:
        for made in samples(family, 6):
            assert len("\n".join(step.text for step in made.steps)) < 500


def test_an_id_leads_back_to_its_problem() -> None:
    made = generate("train", "motion", 3, 12)
    assert made.problem.id == "procedural-train/motion-3-0012"
    assert generate_by_id(made.problem.id) == made
    assert generate_by_id("procedural-hard/relations-5-1003").problem.id == "procedural-hard/relations-5-1003"


@pytest.mark.parametrize(
    "bad", ["relations-4-0017", "procedural/relations-4", "math/relations-4-0017", "", "procedural/x-9-0000"]
)
def test_an_id_that_is_none_is_refused_in_one_line(bad: str) -> None:
    with pytest.raises(InputError) as caught:
        generate_by_id(bad)
    assert "\n" not in str(caught.value)


def test_unknown_addresses_are_refused() -> None:
    with pytest.raises(InputError, match="split"):
        generate("test", "areas", 1, 0)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="family"):
        generate("eval", "riddles", 1, 0)
    with pytest.raises(InputError, match="level"):
        generate("eval", "areas", 7, 0)
    with pytest.raises(InputError, match="index"):
        generate("eval", "areas", 1, -1)
