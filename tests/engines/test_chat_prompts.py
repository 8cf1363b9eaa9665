"""Prompts of chat layouts as tokens: the tokenizer's own template, a named one, or none."""

from __future__ import annotations

import pytest
from tiny_models import make_tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from rstar.chat import messages_of, named_prompt
from rstar.engines.prompt_tokens import PromptTokens
from rstar.engines.transformers import TransformersPolicy
from rstar.prompts import PARAGRAPH, Layout, prompt_text
from rstar.types import Trajectory
from tasks.types import InputError, Problem

START = Trajectory(Problem("p", "What is 2 + 3?"))
TEMPLATE = (
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)


@pytest.fixture(scope="module")
def chatty() -> PreTrainedTokenizerFast:
    """A tokenizer with a chat template."""
    tokenizer = make_tokenizer()
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def text(tokenizer: PreTrainedTokenizerFast, layout: Layout, template: str = "") -> str:
    prompts = PromptTokens(tokenizer, layout, is_writer=True, template=template)
    return str(tokenizer.decode(list(prompts.of(START)), skip_special_tokens=False))


@pytest.mark.parametrize("layout", ["chat", "cot", "cot-steps"])
def test_the_tokenizers_own_template_is_applied(chatty: PreTrainedTokenizerFast, layout: Layout) -> None:
    content = messages_of(START.problem.question, layout)[0]["content"]
    assert text(chatty, layout) == f"[user] {content}\n[assistant] "


def test_a_named_template_takes_its_place(chatty: PreTrainedTokenizerFast) -> None:
    assert text(chatty, "cot", "chatml").endswith(named_prompt(START.problem.question, "cot", "chatml"))
    assert text(chatty, "cot", "plain").endswith(prompt_text(START.problem.question, "cot"))


def test_without_a_template_words_are_asked_for_in_plain_text(tokenizer: PreTrainedTokenizerFast) -> None:
    assert text(tokenizer, "cot").endswith(prompt_text(START.problem.question, "cot"))


def test_without_a_template_a_chat_is_refused_for_a_policy_alone(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(
        InputError, match="has no chat template; name one with --chat-template, or use layout bootstrap"
    ):
        PromptTokens(tokenizer, "chat", is_writer=True)
    assert PromptTokens(tokenizer, "chat").of(START)


def test_a_step_of_words_ends_at_a_blank_line_and_a_whole_reply_does_not(
    llama: PreTrainedModel, chatty: PreTrainedTokenizerFast
) -> None:
    with TransformersPolicy(llama, chatty, layout="cot-steps", max_context_tokens=400) as policy:
        assert policy.stops.texts == (PARAGRAPH,)
        assert policy.stops.cut("So.\n\nAnd", PARAGRAPH) == "So.\n\n"
    with TransformersPolicy(llama, chatty, layout="cot", max_context_tokens=400) as policy:
        assert PARAGRAPH not in policy.stops.texts
