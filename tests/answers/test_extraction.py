"""Where in a reply the answer is found."""

from __future__ import annotations

import pytest

from tasks.answers import extract, same_answer

FOUND = [
    pytest.param(r"So the area is $\boxed{12}$.", "12", id="a box"),
    pytest.param(r"First \boxed{3}. That was wrong.\n\nIt is \boxed{4}.", "4", id="the last of two boxes"),
    pytest.param(r"\boxed{\frac{1}{\sqrt{2}}} holds", r"\frac{1}{\sqrt{2}}", id="nested braces"),
    pytest.param(r"\boxed{1} and \boxed{-2}", "1, -2", id="boxes side by side are one answer"),
    pytest.param(
        r"So \boxed{255}. Final Answer: The final answer is $10,455$. I hope", "10,455", id="a later final answer"
    ),
    pytest.param("The answer is 42.", "42", id="an announcement"),
    pytest.param("**Answer:** (B)", "(B)", id="markdown"),
    pytest.param("work\n#### 1,200", "1,200", id="the mark of GSM8K"),
    pytest.param("<answer>The sum is \\boxed{7}.<end_of_answer>", "\\boxed{7}", id="an answer part"),
    pytest.param("<think>maybe \\boxed{1}</think> The answer is $2$.", "2", id="thoughts do not count"),
    pytest.param("It is 2/3. <|im_start|>user What is 1+1? 5", "2/3", id="the next turn does not count"),
    pytest.param("we get $x=1$ and so $x = 7$", "7", id="the last mathematics"),
    pytest.param("there are 1,000.99 m²", "1000.99", id="the last number"),
    pytest.param("W(x)=1", "1", id="a bare answer"),
    pytest.param(r"The answer is $3$ and $5$.", "3,5", id="several formulas"),
]


@pytest.mark.parametrize(("reply", "answer"), FOUND)
def test_the_answer_is_found(reply: str, answer: str) -> None:
    found = extract(reply)
    assert found is not None
    assert same_answer(answer, found), found


@pytest.mark.parametrize("reply", ["", "   ", "I do not know.", "\\boxed{}", "The proof is left to the reader."])
def test_a_reply_without_an_answer_gives_none_or_no_number(reply: str) -> None:
    found = extract(reply)
    assert found is None or not any(c.isdigit() for c in found)


def test_a_number_inside_a_word_is_no_answer() -> None:
    assert not same_answer("2", extract("AZYUK2A") or "")


def test_only_the_end_of_an_enormous_reply_is_searched() -> None:
    assert extract("\\boxed{1} " + "x " * 500_000 + "The answer is 2.") == "2"
