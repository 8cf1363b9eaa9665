"""Which tokens are in the SFT loss, token by token; and in which order examples come."""

from __future__ import annotations

import pytest
from transformers import PreTrainedTokenizerBase

from rstar.prompts import END_ANSWER, END_CODE, prompt_text
from rstar.training.examples import IGNORED, SftRow, make_example, parts_of
from rstar.training.order import training_order

SOLUTION = (
    "<code>\n# Add\nx = 1 + 2\n<end_of_step>\n# Show\nprint(x)\n<end_of_code>"
    "\n<output>3<end_of_output>\n<answer>It is \\boxed{3}.<end_of_answer>"
)
ROW = SftRow("procedural-train/a-1-0001", "What is 1 + 2?", SOLUTION)


def in_loss(tokenizer: PreTrainedTokenizerBase, *, mask_output: bool) -> str:
    """The text of the tokens that have a label."""
    example = make_example(ROW, tokenizer, mask_output=mask_output)
    assert all(label in (IGNORED, token) for token, label in zip(example.input_ids, example.labels, strict=True))
    return str(tokenizer.decode([label for label in example.labels if label != IGNORED]))


def test_the_loss_is_on_the_solution_without_the_output(tokenizer: PreTrainedTokenizerBase) -> None:
    before, after = SOLUTION[: SOLUTION.index(END_CODE) + len(END_CODE)], SOLUTION[SOLUTION.index("\n<answer>") :]
    assert in_loss(tokenizer, mask_output=True) == before + after + tokenizer.eos_token


def test_the_papers_way_has_the_output_in_the_loss(tokenizer: PreTrainedTokenizerBase) -> None:
    assert in_loss(tokenizer, mask_output=False) == SOLUTION + tokenizer.eos_token


def test_the_whole_input_is_prompt_solution_and_end(tokenizer: PreTrainedTokenizerBase) -> None:
    example = make_example(ROW, tokenizer, mask_output=True)
    assert tokenizer.decode(example.input_ids) == prompt_text(ROW.question, "rstar-sft") + SOLUTION + "<|endoftext|>"
    assert SOLUTION.endswith(END_ANSWER)


def test_every_output_of_a_solution_is_found() -> None:
    twice = "a\n<output>1<end_of_output>b\n<output>2\n3<end_of_output>"
    assert [text for text, is_output in parts_of(twice) if is_output] == [
        "\n<output>1<end_of_output>",
        "\n<output>2\n3<end_of_output>",
    ]
    assert "".join(text for text, _ in parts_of(twice)) == twice


def test_each_example_comes_once_per_epoch() -> None:
    lengths = [number % 17 for number in range(103)]
    order = training_order(lengths, 8, 2, seed=5)
    assert sorted(order[:103]) == sorted(order[103:]) == list(range(103))
    assert order[:103] != order[103:]
    assert order == training_order(lengths, 8, 2, seed=5)


def test_half_an_epoch_is_half_the_examples() -> None:
    assert len(training_order([1] * 100, 8, 1.5, seed=0)) == 150


def test_short_first_keeps_the_longest_from_the_start_and_short_ones_to_the_end() -> None:
    lengths = list(range(8000))
    order = training_order(lengths, 4, 1, seed=0, short_first=0.5)
    assert max(order[:400]) < 4000
    assert min(order[-400:]) < 1000


@pytest.mark.parametrize("short_first", [0.0, 0.7])
def test_a_batch_holds_like_lengths(short_first: float) -> None:
    lengths = [(number * 7919) % 1000 for number in range(4000)]
    order = training_order(lengths, 16, 1, seed=0, short_first=short_first)
    spreads = [
        max(found) - min(found)
        for start in range(0, 4000, 16)
        for found in [[lengths[index] for index in order[start : start + 16]]]
    ]
    assert sum(spreads) / len(spreads) < 100
