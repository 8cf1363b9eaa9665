"""Keys and values in rows: which architectures run, and that the engine's own attention is theirs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import VOCABULARY, make_model

from rstar.engines.attention import GROUPED, MAX_SCORES
from rstar.engines.kv_rows import KVRows
from tasks.types import InputError


def logits(rows: KVRows, seed: int = 0) -> torch.Tensor:
    """Two rows of different lengths, fed in three parts, with padding."""
    tokens = np.random.default_rng(seed).integers(1, VOCABULARY, (2, 14))
    rows.reserve(3, 20)
    with torch.inference_mode():
        rows.forward(1, tokens[:, :6], np.array([0, 0]), np.array([6, 3]))
        rows.forward(1, tokens[:, 6:9], np.array([6, 3]), np.array([8, 6]))
        return rows.forward(1, tokens[:, 9:10], np.array([8, 6]), np.array([9, 7]))


@pytest.mark.parametrize("name", ["llama", "qwen2", "gpt2", "mistral, window of 5"])
def test_grouped_attention_equals_the_attention_of_transformers(name: str) -> None:
    grouped, own = KVRows(make_model(name), 1 << 20), KVRows(make_model(name), 1 << 20)
    assert grouped.backend == GROUPED
    own.model.set_attn_implementation("sdpa")
    assert logits(grouped) == pytest.approx(logits(own), abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["llama", "qwen2"])
def test_a_step_straight_from_the_weights_equals_the_models_own(name: str, dtype: torch.dtype) -> None:
    straight, own = (KVRows(make_model(name).to(dtype), 1 << 20) for _ in range(2))
    assert straight.step is not None
    own.step = None
    expected = logits(own).float()
    assert (logits(straight).float() - expected).abs().max() < 30 * torch.finfo(dtype).eps * expected.abs().max()
    written, theirs = straight.cut(1, 8, 9).float(), own.cut(1, 8, 9).float()
    assert (written - theirs).abs().max() < 30 * torch.finfo(dtype).eps * theirs.abs().max()


@pytest.mark.parametrize("name", ["gpt2", "mistral, window of 5", "gemma2, every other layer with a window of 5"])
def test_a_model_that_the_straight_step_does_not_fit_takes_its_own(name: str) -> None:
    assert KVRows(make_model(name), 1 << 20).step is None


def test_a_straight_step_with_other_numbers_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of an architecture that keeps the names of the parts and changes the formula."""
    monkeypatch.setattr("rstar.engines.llama_step.silu", lambda gate, **_: torch.relu(gate))
    rows = KVRows(make_model("llama"), 1 << 20)
    assert rows.step is None
    assert rows.backend == GROUPED


def test_a_prefill_too_large_for_grouped_attention_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = KVRows(make_model("llama"), 1 << 20)
    expected = logits(rows)
    assert MAX_SCORES > 0
    monkeypatch.setattr("rstar.engines.attention.MAX_SCORES", 0)
    assert logits(rows) == pytest.approx(expected, abs=1e-4)


def test_an_architecture_that_changes_the_formula_keeps_its_own_attention() -> None:
    assert KVRows(make_model("gemma2, every other layer with a window of 5"), 1 << 20).backend != GROUPED


@pytest.mark.parametrize("name", ["bloom", "mamba"])
def test_an_architecture_that_keeps_another_state_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"architecture '{name}' does not run in the transformers engine"):
        KVRows(make_model(name), 1 << 20)


def test_growing_keeps_what_the_rows_hold() -> None:
    rows = KVRows(make_model("llama"), 1 << 24)
    expected = logits(rows)
    before = rows.cut(1, 0, 9)
    rows.reserve(50, 400)
    assert torch.equal(rows.cut(1, 0, 9), before)
    assert rows.num_rows >= 50
    assert rows.length >= 400
    assert logits(rows) == pytest.approx(expected, abs=1e-5)


def test_half_precision_runs_with_logits_near_those_in_full() -> None:
    full, half = KVRows(make_model("llama"), 1 << 20), KVRows(make_model("llama").to(torch.bfloat16), 1 << 20)
    assert half.kv.dtype == torch.bfloat16
    assert half.bytes_per_token * 2 == full.bytes_per_token
    expected = logits(full)
    assert (logits(half).float() - expected).abs().max() < 0.05 * expected.abs().max()
