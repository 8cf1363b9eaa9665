"""Noise by address, and tokens from logits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rstar.engines.sampler import Truncation, draw, stream_keys, uniforms
from tasks.types import InputError


def drawn(logits: list[float], count: int, temperature: float, truncation: Truncation) -> np.ndarray:
    """Frequency of each token over `count` draws."""
    noise = uniforms(stream_keys(3, count), np.zeros(count, dtype=np.int64))
    rows = np.zeros(count, dtype=np.int64)
    tokens, _ = draw(torch.tensor([logits]), np.array([temperature]), rows, noise, truncation)
    return np.bincount(tokens, minlength=len(logits)) / count


def test_noise_is_uniform_and_uncorrelated_over_seeds_samples_and_positions() -> None:
    keys = np.concatenate([stream_keys(seed, 20) for seed in range(50)])
    noise = np.stack([uniforms(keys, np.full(len(keys), position)) for position in range(20)])
    assert noise.min() >= 0
    assert noise.max() < 1
    # 20,000 draws: three standard errors of the mean, of the variance and of a correlation.
    assert noise.mean() == pytest.approx(0.5, abs=3 * 0.2887 / 141)
    assert noise.var() == pytest.approx(1 / 12, abs=3 * 0.0745 / 141)
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 3 / 138
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 3 / 138
    assert len(np.unique(noise)) == noise.size


def test_noise_depends_on_seed_sample_and_position_alone() -> None:
    positions = np.array([4, 0, 9])
    keys = stream_keys(2**63 + 5, 3)
    alone = [uniforms(keys[index : index + 1], positions[index : index + 1])[0] for index in range(3)]
    assert uniforms(keys, positions).tolist() == alone
    assert stream_keys(2**63 + 5, 8)[:3].tolist() == keys.tolist()


def test_the_first_token_whose_cumulative_probability_exceeds_the_noise_is_drawn() -> None:
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0], [-1e4, 0.0, -1e4, 0.0]])
    rows = np.array([0, 1, 0, 0, 1, 0])
    noise = np.array([0.0, 0.0, 0.26, 0.74, 0.51, 0.999])
    tokens, logprobs = draw(logits, np.ones(2), rows, noise, Truncation())
    assert tokens.tolist() == [0, 1, 1, 2, 3, 3]
    assert logprobs == pytest.approx([np.log(1 / 4), np.log(1 / 2), *[np.log(1 / 4)] * 2, np.log(1 / 2), np.log(1 / 4)])


def test_temperature_divides_the_logits_of_its_own_row() -> None:
    logits = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    rows = np.repeat(np.arange(3), 2000)
    noise = uniforms(stream_keys(0, 6000), np.zeros(6000, dtype=np.int64))
    tokens, _ = draw(logits, np.array([1.0, 0.5, 0.0]), rows, noise, Truncation())
    shares = tokens.reshape(3, 2000).mean(axis=1)
    assert shares == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-2)), 1.0], abs=0.035)


def test_top_k_leaves_the_k_most_likely_in_proportion() -> None:
    shares = drawn([np.log(4), np.log(3), np.log(2), np.log(1)], 4000, 1.0, Truncation(top_k=2))
    assert shares == pytest.approx([4 / 7, 3 / 7, 0, 0], abs=0.03)
    assert shares[2:].tolist() == [0, 0]


def test_top_p_leaves_the_fewest_that_reach_p() -> None:
    logits = [np.log(1), np.log(4), np.log(2), np.log(3)]
    shares = drawn(logits, 4000, 1.0, Truncation(top_p=0.6))
    assert shares == pytest.approx([0, 4 / 7, 0, 3 / 7], abs=0.03)
    assert shares[[0, 2]].tolist() == [0, 0]
    assert drawn(logits, 50, 1.0, Truncation(top_p=0.01)).tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(("setting", "value"), [("top_k", -1), ("top_p", 0.0), ("top_p", 1.5)])
def test_truncation_out_of_range_is_refused(setting: str, value: float) -> None:
    with pytest.raises(InputError, match=setting):
        Truncation(**{setting: value})  # type: ignore[arg-type]
