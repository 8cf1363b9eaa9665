"""What the batcher generates, against the model's own forward pass and `generate`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from batcher_runs import drain, make_batcher, no_stops, prompts
from tiny_models import VOCABULARY, make_model
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from rstar.engines.generation import Request

ARCHITECTURES = [
    "llama",
    "qwen2",
    "gpt2",
    "mistral, window of 5",
    "gemma2, every other layer with a window of 5",
]


def token_logprobs(model: PreTrainedModel, sequence: tuple[int, ...]) -> torch.Tensor:
    """Log-probability of every next token after each position, by one plain forward pass."""
    with torch.inference_mode():
        return model(input_ids=torch.tensor([sequence])).logits[0].log_softmax(-1)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_greedy_generation_is_that_of_generate(name: str, tokenizer: PreTrainedTokenizerFast) -> None:
    model, plain = make_model(name), make_model(name)
    requests = [Request(prompt, 1, 0, 0.0, 12) for prompt in prompts(6, VOCABULARY)]
    answers = drain(make_batcher(model, no_stops(tokenizer, model)), *requests)
    for request, answer in zip(requests, answers, strict=True):
        inputs = torch.tensor([request.prompt])
        expected = plain.generate(
            inputs, attention_mask=torch.ones_like(inputs), max_new_tokens=12, do_sample=False, pad_token_id=0
        )
        assert list(answer.samples[0].tokens) == expected[0, len(request.prompt) :].tolist()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_logprobs_are_those_of_a_plain_forward_pass(name: str, tokenizer: PreTrainedTokenizerFast) -> None:
    model, plain = make_model(name), make_model(name)
    requests = [Request(prompt, 4, seed, 1.0, 10) for seed, prompt in enumerate(prompts(5, VOCABULARY))]
    answers = drain(make_batcher(model, no_stops(tokenizer, model)), *requests)
    for request, answer in zip(requests, answers, strict=True):
        for sample, logprob in zip(answer.samples, answer.logprobs, strict=True):
            table = token_logprobs(plain, request.prompt + sample.tokens)[len(request.prompt) - 1 : -1]
            assert logprob == pytest.approx(table[range(10), list(sample.tokens)].sum().item(), abs=1e-4)


def test_logprobs_are_at_temperature_one_whatever_the_request_asks(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    [answer] = drain(make_batcher(llama, no_stops(tokenizer, llama)), Request((5, 6), 1, 0, 0.3, 1))
    expected = token_logprobs(make_model("llama"), (5, 6))[-1, answer.samples[0].tokens[0]].item()
    assert answer.logprobs[0] == pytest.approx(expected, abs=1e-5)


def test_a_request_draws_the_same_alone_and_among_others(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    stops = no_stops(tokenizer, llama)
    texts = prompts(16, VOCABULARY)

    def requests() -> list[Request]:
        return [Request(prompt, 3, seed, 1.0, 20) for seed, prompt in enumerate(texts)]

    together = drain(make_batcher(llama, stops), *requests())
    for index, request in enumerate(requests()):
        [alone] = drain(make_batcher(llama, stops), request)
        assert [each.tokens for each in alone.samples] == [each.tokens for each in together[index].samples]


def test_a_request_that_joins_late_draws_the_same(llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    stops = no_stops(tokenizer, llama)
    [alone] = drain(make_batcher(llama, stops), Request((9, 8, 7), 4, 3, 1.0, 20))
    batcher = make_batcher(llama, stops)
    batcher.add(Request((1, 2, 3, 4, 5), 8, 1, 1.0, 30))
    for _ in range(7):
        batcher.step()
    [late] = drain(batcher, Request((9, 8, 7), 4, 3, 1.0, 20))
    assert [each.tokens for each in late.samples] == [each.tokens for each in alone.samples]


def test_samples_that_share_a_row_draw_what_they_draw_alone(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    """At a low temperature samples stay together for long; sample i of n is sample i of one with fewer samples."""
    stops = no_stops(tokenizer, llama)
    batcher = make_batcher(llama, stops)
    [many] = drain(batcher, Request((5, 6, 7), 24, 11, 0.15, 24))
    assert batcher.counts.computed_tokens < 0.7 * batcher.counts.sampled_tokens
    [few] = drain(make_batcher(llama, stops), Request((5, 6, 7), 2, 11, 0.15, 24))
    assert [each.tokens for each in few.samples] == [each.tokens for each in many.samples[:2]]
    assert len({each.tokens for each in many.samples}) > 3


def test_samples_of_one_request_differ_and_other_seeds_give_others(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    stops = no_stops(tokenizer, llama)
    first, again, other = (
        {each.tokens for each in drain(make_batcher(llama, stops), Request((5,), 8, seed, 1.0, 12))[0].samples}
        for seed in (1, 1, 2)
    )
    assert len(first) == 8
    assert first == again
    assert not first & other


def test_drawn_tokens_follow_the_models_distribution(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    """Chi-square of 4,000 draws over the 8 likeliest tokens and the rest: 99.9 % point at 8 degrees is 26.1."""
    count, prompt = 4000, (17, 4, 100)
    request = Request(prompt, count, 5, 1.0, 1)
    batcher = make_batcher(llama, no_stops(tokenizer, llama), max_samples=count, max_length=16, kv_bytes=1 << 28)
    [answer] = drain(batcher, request)
    drawn = np.bincount([each.tokens[0] for each in answer.samples], minlength=VOCABULARY)
    probs = token_logprobs(make_model("llama"), prompt)[-1].exp().double().numpy()
    top = np.argsort(-probs)[:8]
    expected = count * np.append(probs[top], 1 - probs[top].sum())
    observed = np.append(drawn[top], count - drawn[top].sum())
    assert ((observed - expected) ** 2 / expected).sum() < 26.1


def test_generation_ends_at_the_context_limit(llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    batcher = make_batcher(llama, no_stops(tokenizer, llama), max_length=20)
    [answer] = drain(batcher, Request(tuple(range(1, 16)), 2, 0, 1.0, 100))
    assert [len(each.tokens) for each in answer.samples] == [5, 5]
    assert all(each.stop is None for each in answer.samples)


def test_equal_prompts_of_several_requests_are_computed_once(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    prompt = tuple(range(1, 31))
    batcher = make_batcher(llama, no_stops(tokenizer, llama))
    answers = drain(batcher, *(Request(prompt, 1, seed, 1.0, 4) for seed in range(10)))
    assert [answer.cached_tokens for answer in answers] == [0] + [29] * 9
    assert len({answer.samples[0].tokens for answer in answers}) == 10


def test_a_new_prefix_of_several_prompts_is_computed_once(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    shared = tuple(range(1, 41))
    batcher = make_batcher(llama, no_stops(tokenizer, llama))
    answers = drain(batcher, *(Request((*shared, 50 + i, 60 + i, 9), 1, 0, 0.0, 8) for i in range(5)))
    assert [answer.cached_tokens for answer in answers] == [0] + [40] * 4
    for index, answer in enumerate(answers):
        [alone] = drain(
            make_batcher(llama, no_stops(tokenizer, llama)), Request((*shared, 50 + index, 60 + index, 9), 1, 0, 0.0, 8)
        )
        assert alone.samples == answer.samples


def test_a_continuation_finds_its_parents_tokens_in_the_cache_and_draws_the_same_as_without(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    stops = no_stops(tokenizer, llama)
    batcher = make_batcher(llama, stops)
    prompt: tuple[int, ...] = tuple(range(1, 12))
    lengths = [len(prompt)]
    for depth in range(5):
        [cached] = drain(batcher, Request(prompt, 3, depth, 1.0, 8))
        [fresh] = drain(make_batcher(llama, stops, max_samples=3), Request(prompt, 3, depth, 1.0, 8))
        assert [each.tokens for each in cached.samples] == [each.tokens for each in fresh.samples]
        assert cached.logprobs == pytest.approx(fresh.logprobs, abs=1e-4)
        assert cached.cached_tokens == (0 if depth == 0 else len(prompt) - 1)
        prompt += cached.samples[depth % 3].tokens
        lengths.append(len(prompt))
    assert all(later == earlier + 8 for earlier, later in pairwise(lengths))
