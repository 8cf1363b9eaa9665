"""How a generated step is read and how a solution is laid out."""

from __future__ import annotations

from typing import Any

import pytest

from rstar.prompts import parse_step, program_so_far, prompt_text, solution_text
from rstar.types import Execution, Step, Trajectory
from tasks.types import InputError, Problem

PROBLEM = Problem("p", "How many?")


def ran(text: str, stdout: str = "", status: Any = "ok", error: str = "") -> Step:
    return Step(text, parse_step(text, "<end_of_step>").code, Execution(status, stdout, error, 0.1))


def test_a_code_step_is_the_python_between_the_markers() -> None:
    parsed = parse_step("<code>\n# Step 1: halve it\nhalf = 8 // 2\n<end_of_step>", "<end_of_step>")
    assert (parsed.kind, parsed.code) == ("code", "# Step 1: halve it\nhalf = 8 // 2")


def test_indentation_of_code_is_kept() -> None:
    assert parse_step("\n\nfor i in x:\n    y = i\n<end_of_step>", "<end_of_step>").code == "for i in x:\n    y = i"


def test_the_last_code_step_is_told_apart() -> None:
    assert parse_step("\n\nprint(half)\n<end_of_code>", "<end_of_code>").kind == "last_code"


def test_words_before_the_code_and_fences_are_not_code() -> None:
    text = "Let me think.\n<code>\n```python\nx = 1\n```\n<end_of_step>"
    assert parse_step(text, "<end_of_step>").code == "x = 1"


def test_an_answer_is_the_content_of_the_box() -> None:
    parsed = parse_step("\n<answer>Together they are \\boxed{\\frac{1}{2}}.<end_of_answer>", "<end_of_answer>")
    assert (parsed.kind, parsed.answer) == ("answer", r"\frac{1}{2}")


def test_an_answer_in_several_boxes_has_them_all() -> None:
    assert parse_step("<answer>\\boxed{1} and \\boxed{2}<end_of_answer>", "<end_of_answer>").answer == "1, 2"


@pytest.mark.parametrize(
    ("text", "stop", "kind"),
    [
        ("\n<answer>It is 5.<end_of_answer>", "<end_of_answer>", "unparsable"),
        ("\n<answer>It is \\boxed{}.<end_of_answer>", "<end_of_answer>", "unparsable"),
        ("I give up", "eos", "unparsable"),
        ("", "eos", "unparsable"),
        ("<code>\n<end_of_step>", "<end_of_step>", "unparsable"),
        ("<code>\nx = 1", None, "truncated"),
        ("\n<answer>It is \\boxed{5}", None, "truncated"),
        ("The answer is \\boxed{5}.", "eos", "answer"),
        ("\nprint('\\\\boxed{5}')\n<end_of_code>", "<end_of_code>", "last_code"),
    ],
)
def test_every_text_has_a_kind(text: str, stop: str | None, kind: str) -> None:
    assert parse_step(text, stop).kind == kind


def test_output_follows_the_step_that_ends_a_program() -> None:
    steps = (ran("<code>\nx = 1\n<end_of_step>", "noise"), ran("\n\nprint(x)\n<end_of_code>", "1\n"))
    expected = "<code>\nx = 1\n<end_of_step>\n\nprint(x)\n<end_of_code>\n<output>1<end_of_output>"
    assert solution_text(Trajectory(PROBLEM, steps)) == expected


def test_the_error_of_a_finished_program_is_shown() -> None:
    step = ran("print(y)\n<end_of_code>", "", "error", "NameError: name 'y' is not defined")
    assert solution_text(Trajectory(PROBLEM, (step,))).endswith(
        "<output>NameError: name 'y' is not defined<end_of_output>"
    )


def test_a_program_begins_after_the_last_finished_one_and_leaves_failed_steps_out() -> None:
    first, end = ran("a = 1\n<end_of_step>"), ran("print(a)\n<end_of_code>", "1")
    failed, good = ran("b = c\n<end_of_step>", "", "error", "NameError"), ran("b = 1\n<end_of_step>")
    assert program_so_far((first, failed, good)) == (first, good)
    assert program_so_far((first, end, good)) == (good,)
    assert program_so_far((first, end)) == ()
    assert program_so_far((first, end, first, end, good)) == (good,)


def test_the_sft_prompt_is_the_released_one() -> None:
    expected = "<|user|>:\nHow many?\n<|assistant|>: Let's think step by step and solve the problem with code."
    assert prompt_text("How many?", "rstar-sft") == expected


def test_the_examples_of_the_bootstrap_prompt_follow_the_format() -> None:
    prompt = prompt_text("How many?", "bootstrap")
    assert prompt.endswith("Question: How many?\nSolution:\n")
    example = prompt[prompt.index("Solution:\n") + 10 :].split("\n\nQuestion:")[0]
    assert parse_step(example[example.index("<answer>") :], "<end_of_answer>").answer == "24"


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(InputError, match="layout"):
        prompt_text("?", "alpaca")  # type: ignore[arg-type]
