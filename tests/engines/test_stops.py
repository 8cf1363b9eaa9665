"""Where a generation ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from batcher_runs import make_batcher
from tiny_models import VOCABULARY
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from rstar.engines.generation import Generation, Request
from rstar.engines.kv_rows import KVRows
from rstar.engines.stops import decoded, make_stops, single_token
from rstar.prompts import END_CODE, END_STEP


def scripted(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    script: Sequence[int],
    strings: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
    max_new_tokens: int = 40,
) -> Generation:
    """What comes of a model that is sure of one token after another, from position 2 on."""
    batcher = make_batcher(model, make_stops(tokenizer, strings, [0], VOCABULARY))

    def forward(
        self: KVRows, first: int, tokens: np.ndarray, starts: np.ndarray, *_: object, **__: bool
    ) -> torch.Tensor:
        return torch.nn.functional.one_hot(torch.tensor([script[start - 1] for start in starts]), VOCABULARY) * 50.0

    request = Request((5, 6), 1, 0, 1.0, max_new_tokens)
    batcher.prefill.fill([(5,)], 0)
    with monkeypatch.context() as patched:
        patched.setattr(KVRows, "forward", forward)
        batcher.add(request)
        while not batcher.is_idle:
            batcher.step()
    return request.future.result(timeout=0).samples[0]


def test_a_marker_token_ends_a_generation(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = single_token(tokenizer, END_CODE)
    assert marker is not None
    found = scripted(llama, tokenizer, [70, 71, marker, 72], (END_STEP, END_CODE), monkeypatch)
    assert found == Generation((70, 71, marker), END_CODE)


def test_the_end_of_text_token_ends_a_generation(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scripted(llama, tokenizer, [70, 0, 72], (END_STEP,), monkeypatch) == Generation((70, 0), "eos")


def test_the_length_cap_ends_a_generation_without_a_stop(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scripted(llama, tokenizer, [70] * 9, (END_STEP,), monkeypatch, 3) == Generation((70, 70, 70), None)


def test_a_stop_string_that_several_tokens_spell_ends_a_generation(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tokenizer.encode("sum print STOP here and there")
    found = scripted(llama, tokenizer, script, ("STOP here", "never"), monkeypatch)
    assert found.stop == "STOP here"
    assert decoded(tokenizer, found.tokens) == "sum print STOP here"


def test_of_several_spelled_stops_the_earliest_counts_and_the_text_is_cut_behind_it(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    stops = make_stops(tokenizer, ("umb", "m"), [], VOCABULARY)
    tokens = tokenizer.encode("the numbers")
    assert stops.spelled(tokens) == "umb"
    assert stops.cut("the numbers", "umb") == "the numb"
    assert stops.cut("the numbers", None) == "the numbers"


def test_only_tokens_that_can_end_a_stop_string_are_looked_into(tokenizer: PreTrainedTokenizerFast) -> None:
    stops = make_stops(tokenizer, ("a b",), [], VOCABULARY)
    texts = {token: decoded(tokenizer, [token]) for token in range(len(tokenizer))}
    flagged = {texts[token] for token in np.flatnonzero(stops.may_complete).tolist()}
    assert {"b", " b"} & flagged
    assert not {text for text in flagged if not (text.startswith(("b", " b", "a b")) or "a b" in text)}


def test_a_marker_spelled_by_ordinary_tokens_is_found_where_it_is_not_a_token(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    assert single_token(tokenizer, END_STEP) is not None
    assert single_token(tokenizer, "<other>") is None
    stops = make_stops(tokenizer, (END_STEP, "<other>"), [0], VOCABULARY)
    assert stops.texts == ("<other>",)
    tokens = tokenizer.encode("x<other>")
    assert stops.may_complete[tokens[-1]]
    assert stops.spelled(tokens) == "<other>"
    assert stops.spelled(tokens[:-1]) is None
