"""Values of the PPM, against a plain forward pass of its model."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Iterator

import pytest
import torch
from tiny_models import make_scorer
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from rstar.prompts import END_ANSWER, END_CODE, END_STEP, prompt_text, solution_text
from rstar.reward.ppm import TransformersPPM, value_of
from rstar.types import Execution, Step, Trajectory
from tasks.types import InputError, Problem


def trajectory(problem: int, num_steps: int, variant: int = 0) -> Trajectory:
    steps = [Step(f"\n# Step {i}: variant {variant * (i == num_steps - 1)}\n{END_STEP}", "") for i in range(num_steps)]
    return Trajectory(Problem(f"toy/{problem}", f"What is {problem} + 1?"), tuple(steps))


def finished(problem: int) -> Trajectory:
    steps = (
        Step(f"<code>\nprint(1)\n{END_CODE}", "print(1)", Execution("ok", "1\n", "", 0.0)),
        Step(f"\n<answer>\\boxed{{1}}{END_ANSWER}", ""),
    )
    return Trajectory(Problem(f"toy/{problem}", "What?"), steps, "answered", "1")


def plain_value(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, each: Trajectory) -> float:
    text = prompt_text(each.problem.question, "rstar-sft") + solution_text(each)
    with torch.inference_mode():
        return math.tanh(model(input_ids=torch.tensor([tokenizer.encode(text)])).logits.item() / 5)


@pytest.fixture(params=["llama", "qwen2", "gpt2"])
def scorers(
    request: pytest.FixtureRequest, tokenizer: PreTrainedTokenizerFast
) -> Iterator[tuple[TransformersPPM, PreTrainedModel]]:
    with TransformersPPM(make_scorer(request.param), tokenizer, kv_bytes=1 << 24) as ppm:
        yield ppm, make_scorer(request.param)


def test_values_are_those_of_a_plain_forward_pass(
    scorers: tuple[TransformersPPM, PreTrainedModel], tokenizer: PreTrainedTokenizerFast
) -> None:
    ppm, plain = scorers
    asked = [[trajectory(p, depth, v) for v in range(3)] + [finished(p)] for p in range(4) for depth in (0, 1, 4)]

    async def ask() -> list[tuple[float, ...]]:
        return [reply.values for reply in await asyncio.gather(*map(ppm.score, asked))]

    for _ in range(2):
        for values, group in zip(asyncio.run(ask()), asked, strict=True):
            assert values == pytest.approx([plain_value(plain, tokenizer, each) for each in group], abs=1e-4)


def test_siblings_share_their_prefix_and_children_find_their_parent(
    scorers: tuple[TransformersPPM, PreTrainedModel],
) -> None:
    ppm, _ = scorers
    first = asyncio.run(ppm.score([trajectory(1, 1, variant) for variant in range(4)]))
    lengths = [len(ppm.prompts.of(trajectory(1, 1, variant))) for variant in range(4)]
    prompt = len(ppm.prompts.of(trajectory(1, 0)))
    assert first.tokens == sum(lengths)
    assert first.cached_tokens >= 3 * prompt
    parent = len(ppm.prompts.of(trajectory(1, 1)))
    child = asyncio.run(ppm.score([trajectory(1, 2)]))
    assert parent - 1 <= child.cached_tokens < child.tokens


def test_a_value_does_not_depend_on_what_else_is_asked(scorers: tuple[TransformersPPM, PreTrainedModel]) -> None:
    ppm, _ = scorers
    together = asyncio.run(ppm.score([trajectory(p, 1 + p % 5) for p in range(20)]))
    alone = [asyncio.run(ppm.score([trajectory(p, 1 + p % 5)])).values[0] for p in range(20)]
    assert together.values == pytest.approx(alone, abs=1e-5)


def test_the_same_trajectory_twice_gets_the_same_value(scorers: tuple[TransformersPPM, PreTrainedModel]) -> None:
    values = asyncio.run(scorers[0].score([trajectory(1, 2), trajectory(2, 2), trajectory(1, 2)])).values
    assert values[0] == values[2] != values[1]


def test_no_trajectories_get_no_values(scorers: tuple[TransformersPPM, PreTrainedModel]) -> None:
    assert asyncio.run(scorers[0].score([])).values == ()


def test_little_memory_changes_no_value(tokenizer: PreTrainedTokenizerFast) -> None:
    asked = [trajectory(p, 1 + p % 3) for p in range(12)]
    with TransformersPPM(make_scorer("llama"), tokenizer, kv_bytes=1 << 24) as ppm:
        expected = asyncio.run(ppm.score(asked)).values
    with TransformersPPM(make_scorer("llama"), tokenizer, max_sequences=5, kv_bytes=700_000) as ppm:
        assert asyncio.run(ppm.score(asked)).values == pytest.approx(expected, abs=1e-5)


def test_of_a_trajectory_longer_than_the_context_the_end_is_read(tokenizer: PreTrainedTokenizerFast) -> None:
    with TransformersPPM(make_scorer("llama"), tokenizer, max_context_tokens=40, kv_bytes=1 << 24) as ppm:
        long = trajectory(1, 5)
        reply = asyncio.run(ppm.score([long, trajectory(1, 5, 1)]))
        tokens = ppm.prompts.of(long)
    assert reply.tokens == 80
    assert ppm.num_truncated == 2
    with torch.inference_mode():
        logit = make_scorer("llama")(input_ids=torch.tensor([tokens[-40:]])).logits.item()
    assert reply.values[0] == pytest.approx(value_of(logit), abs=1e-4)


def test_the_scale_of_the_models_configuration_counts(tokenizer: PreTrainedTokenizerFast) -> None:
    values = []
    for scale in (5.0, 1.0):
        model = make_scorer("llama")
        model.config.value_scale = scale
        with TransformersPPM(model, tokenizer, kv_bytes=1 << 24) as ppm:
            values.append(asyncio.run(ppm.score([trajectory(1, 1)])).values[0])
    assert math.atanh(values[0]) * 5 == pytest.approx(math.atanh(values[1]), rel=1e-4)


def test_a_scale_that_is_not_positive_is_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    model = make_scorer("llama")
    model.config.value_scale = 0
    with pytest.raises(InputError, match="value_scale"):
        TransformersPPM(model, tokenizer)


def test_closing_leaves_no_thread(tokenizer: PreTrainedTokenizerFast) -> None:
    before = set(threading.enumerate())
    with TransformersPPM(make_scorer("llama"), tokenizer, kv_bytes=1 << 24) as ppm:
        asyncio.run(ppm.score([trajectory(1, 1)]))
    assert set(threading.enumerate()) <= before
