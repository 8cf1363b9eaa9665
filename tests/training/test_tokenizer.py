"""The tokenizer of the tiny models."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from rstar.prompts import MARKERS, prompt_text
from rstar.synthesis.teacher import teach
from rstar.training.tokenizer import SMALLEST, train_tokenizer
from rstar.types import Step
from tasks.procedural import FAMILIES, generate
from tasks.types import InputError


def encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))


def test_every_marker_is_one_token(tokenizer: PreTrainedTokenizerBase) -> None:
    assert all(len(encode(tokenizer, marker)) == 1 for marker in MARKERS)


def test_every_digit_is_a_token_of_its_own(tokenizer: PreTrainedTokenizerBase) -> None:
    assert [tokenizer.decode([token]) for token in encode(tokenizer, "2026")] == ["2", "0", "2", "6"]
    digits = [tokenizer.decode([token]) for token in range(len(tokenizer))]
    assert [text for text in digits if any(map(str.isdigit, text)) and len(text) > 1] == []


@pytest.mark.parametrize("text", ["Find $\\frac{1}{2}$ of 日本 ü \U0001f9ee", "a\n\n\tb   c\r\n", " = \x00", "x^{2}"])
def test_any_text_comes_back_as_it_was(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    assert tokenizer.decode(encode(tokenizer, text)) == text


@pytest.mark.parametrize("family", FAMILIES)
def test_steps_encoded_one_by_one_are_the_tokens_of_the_whole(tokenizer: PreTrainedTokenizerBase, family: str) -> None:
    from rstar.prompts import solution_text, step_text

    trajectory = teach(generate("train", family, 3, 5), 0).trajectory
    prompt = prompt_text(trajectory.problem.question, "rstar-sft")
    steps: list[Step] = list(trajectory.steps)
    pieces = [prompt, *map(step_text, steps)]
    assert [token for piece in pieces for token in encode(tokenizer, piece)] == encode(
        tokenizer, prompt + solution_text(trajectory)
    )


def test_it_loads_again_as_an_auto_tokenizer(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    text = "<code>\n# One half\nx = 12 // 2\n<end_of_step>"
    assert encode(again, text) == encode(tokenizer, text)
    assert (again.eos_token, again.pad_token) == (tokenizer.eos_token, tokenizer.pad_token)


def test_a_vocabulary_without_room_for_the_bytes_is_refused() -> None:
    with pytest.raises(InputError, match=str(SMALLEST)):
        train_tokenizer(["a"], SMALLEST - 1)
