"""What real models write under each prompt layout, and how it is read: with fences, without markers, with chatter."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, get_args

import pytest

from rstar.chat import TEMPLATES, messages_of, named_prompt
from rstar.prompts import (
    OUTPUT_FENCE,
    TEMPLATED,
    Layout,
    parse_step,
    prompt_text,
    settled_stop,
    solution_text,
    stops_of,
)
from rstar.protocols import RewardModel
from rstar.search.config import SearchConfig
from rstar.search.sampling import sample
from rstar.types import Candidate, Execution, Proposal, Scores, Step, Trajectory
from tasks.types import InputError, Problem

PROBLEM = Problem("p", "What is 2 + 3?")


class Replies:
    """A policy that writes one whole text, ended at the layout's stop strings as an engine ends it."""

    def __init__(self, layout: Layout, *texts: str) -> None:
        self.layout, self.texts = layout, list(texts)
        self.prefixes: list[str] = []

    async def propose(self, prefix: Trajectory, num_candidates: int, *_: Any) -> Proposal:
        self.prefixes.append(solution_text(prefix))
        text = self.texts.pop(0)
        places = [(text.index(stop), stop) for stop in stops_of(self.layout) if stop in text]
        stop = "eos"
        if places:
            at, stop = min(places)
            # What a model would invent as output is not written: it goes on from the real one.
            if text[at + len(stop) :] and stop != OUTPUT_FENCE:
                self.texts.insert(0, text[at + len(stop) :])
            text = text[: at + len(stop)]
        settled = settled_stop(text, stop, self.layout)
        return Proposal((Candidate(text, (), 1, None, settled),) * num_candidates, 1, 0, 0.0)


class Prints:
    """An interpreter that notes the code and prints 5."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    async def run(self, _: Sequence[Step], code: str) -> Execution:
        self.codes.append(code)
        return Execution("ok", "5\n", "", 0.0)


class Nothing(RewardModel):
    async def score(self, trajectories: Sequence[Trajectory]) -> Scores:
        return Scores((0.0,) * len(trajectories), 0, 0, 0.0)


def solved(layout: Layout, *texts: str) -> tuple[Trajectory, list[str], Replies]:
    """(the solution, the codes that were run, the policy) where a model writes `texts`."""
    policy, interpreter = Replies(layout, *texts), Prints()
    result = asyncio.run(sample(PROBLEM, policy, Nothing(), interpreter, SearchConfig(budget=1), 0))
    return result.trajectories[0], interpreter.codes, policy


MARKED = "<code>\n# Add\nx = 2 + 3\n<end_of_step>\nprint(x)\n<end_of_code>\n<answer>It is \\boxed{5}.<end_of_answer>"
FENCED = "```python\nx = 2 + 3\nprint(x)\n```"


@pytest.mark.parametrize("layout", ["rstar-sft", "bootstrap", "chat"])
def test_marked_steps_are_read_in_every_layout_with_code(layout: Layout) -> None:
    end, codes, _ = solved(layout, MARKED)
    assert (end.ending, end.answer, codes) == ("answered", "5", ["# Add\nx = 2 + 3", "print(x)"])


@pytest.mark.parametrize(
    "text",
    [
        FENCED,
        f"Sure! Let me solve this with Python.\n\n{FENCED}",
        f"Sure!\n{FENCED}\nRunning this gives the answer.",
        FENCED.replace("python", ""),
        FENCED.replace("python", "py"),
        f"{FENCED}\n```output\n7\n```",
    ],
)
def test_a_chat_models_program_in_fences_is_run_and_what_it_printed_shown(text: str) -> None:
    end, codes, policy = solved("chat", text, "So the answer is \\boxed{5}.")
    assert codes == ["x = 2 + 3\nprint(x)"]
    assert (end.ending, end.answer) == ("answered", "5")
    assert policy.prefixes[1].endswith("```output\n5\n```\n")
    assert "7" not in policy.prefixes[1]


def test_marked_steps_in_fences_with_chatter_are_run_without_either() -> None:
    text = "Of course.\n<code>\n```python\n# Add\nx = 2 + 3\n<end_of_step>\nprint(x)\n```\n<end_of_code>"
    end, codes, _ = solved("chat", text, "<answer>\\boxed{5}<end_of_answer>")
    assert codes == ["# Add\nx = 2 + 3", "print(x)"]
    assert end.answer == "5"


def test_words_before_a_fence_are_no_code_without_the_marker_of_code() -> None:
    text = "Here is step 1:\n```python\nx = 2 + 3\n```\nNow we have it.\n<end_of_step>"
    assert parse_step(text, "<end_of_step>").code == "x = 2 + 3"


def test_code_with_a_fence_inside_a_line_is_kept_whole() -> None:
    text = "x = '```'\nprint(x)\n<end_of_code>"
    assert parse_step(text, "<end_of_code>").code == "x = '```'\nprint(x)"


@pytest.mark.parametrize("layout", ["rstar-sft", "bootstrap"])
def test_a_program_in_fences_that_no_marker_ends_is_no_step_of_the_trained_format(layout: Layout) -> None:
    end, codes, _ = solved(layout, FENCED)
    assert (end.ending, codes) == ("unparsable", [])


def test_a_chat_model_that_answers_beside_its_program_has_answered() -> None:
    end, codes, _ = solved("chat", f"{FENCED}\nThis prints 5, so the answer is \\boxed{{5}}.")
    assert (end.ending, end.answer, codes) == ("answered", "5", [])


@pytest.mark.parametrize("text", ["I cannot solve this.", "The answer is 5.", "```python\n```", "``` and ```"])
def test_a_chat_reply_with_neither_program_nor_box_is_none(text: str) -> None:
    end, codes, _ = solved("chat", text)
    assert (end.ending, codes) == ("unparsable", [])


WORDS = "First we add.\n\n2 + 3 = 5.\n\nSo the final answer is \\boxed{5}."


def test_a_reply_in_words_is_one_step() -> None:
    end, codes, policy = solved("cot", WORDS)
    assert (end.ending, end.answer, codes) == ("answered", "5", [])
    assert [step.text for step in end.steps] == [WORDS]
    assert policy.prefixes == [""]


def test_code_in_a_reply_in_words_is_not_run() -> None:
    end, codes, _ = solved("cot", f"{FENCED}\n\nIt prints \\boxed{{5}}")
    assert (end.answer, codes) == ("5", [])


def test_what_a_model_writes_after_its_answer_is_cut_off() -> None:
    end, _, _ = solved("cot", f"{WORDS}\nQuestion: What is 9 + 9?\nAnswer: \\boxed{{18}}")
    assert (end.ending, end.answer) == ("answered", "5")


def test_a_reply_in_words_has_a_step_for_every_paragraph() -> None:
    end, codes, policy = solved("cot-steps", WORDS)
    assert (end.ending, end.answer, codes) == ("answered", "5", [])
    assert [step.text for step in end.steps] == [
        "First we add.\n\n",
        "2 + 3 = 5.\n\n",
        "So the final answer is \\boxed{5}.",
    ]
    assert policy.prefixes[-1] == "First we add.\n\n2 + 3 = 5.\n\n"


@pytest.mark.parametrize("layout", ["cot", "cot-steps"])
@pytest.mark.parametrize("text", ["It is five.", "", "The answer is 5"])
def test_words_without_a_box_are_no_answer(layout: Layout, text: str) -> None:
    assert solved(layout, text)[0].ending == "unparsable"


def test_a_reply_that_goes_on_and_on_ends_at_the_largest_depth() -> None:
    assert solved("cot-steps", "Again.\n\n" * 100)[0].ending == "max_depth"


@pytest.mark.parametrize("layout", get_args(Layout))
def test_every_layout_asks_the_question_and_says_what_it_wants(layout: Layout) -> None:
    asked = [prompt_text(PROBLEM.question, layout)]
    if layout in TEMPLATED:
        asked += [messages_of(PROBLEM.question, layout)[0]["content"]]
        asked += [named_prompt(PROBLEM.question, layout, name) for name in TEMPLATES]
    for text in asked:
        assert text.count(PROBLEM.question) == 1
        assert "code" in text or "\\boxed{}" in text


def test_an_unknown_template_is_refused_with_the_names_of_the_others() -> None:
    with pytest.raises(InputError, match="chat template 'alpaca' is unknown; use one of plain, chatml, llama-3"):
        named_prompt("?", "cot", "alpaca")
