"""A whole search over the engines: same arguments, same tree; costs on the ledger."""

from __future__ import annotations

import asyncio

import pytest
import torch
from tiny_models import VOCABULARY, make_model, make_scorer
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from rstar.engines.scripted import ScriptedInterpreter
from rstar.engines.transformers import TransformersPolicy
from rstar.prompts import END_STEP
from rstar.reward.ppm import TransformersPPM
from rstar.search.mcts import MctsConfig, mcts
from rstar.types import Execution, SearchResult
from tasks.types import Problem


def eager_to_end_steps(tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """Random weights, but a step ends after a few tokens, as a trained policy's does."""
    model = make_model("qwen2")
    with torch.no_grad():
        head = torch.nn.Linear(32, VOCABULARY)
        head.weight.copy_(model.lm_head.weight)
        head.bias.zero_()
        head.bias[tokenizer.convert_tokens_to_ids(END_STEP)] = 4.0
    model.lm_head = head
    return model


@pytest.fixture(scope="module")
def results(tokenizer: PreTrainedTokenizerFast) -> list[list[SearchResult]]:
    """Three problems side by side, then the same one after the other in new engines."""
    problems = [Problem(f"toy/{number}", f"What is the sum of {number} and 2?") for number in range(3)]
    config = MctsConfig(budget=6, num_candidates=6, max_depth=4)
    interpreter = ScriptedInterpreter(lambda _, code: Execution("ok" if len(code) % 5 else "error", "", "", 0.0))

    async def solve(policy: TransformersPolicy, reward: TransformersPPM, at_once: bool) -> list[SearchResult]:
        searches = [mcts(problem, policy, reward, interpreter, config, 0) for problem in problems]
        return await asyncio.gather(*searches) if at_once else [await search for search in searches]

    found = []
    for at_once in (True, False):
        with (
            TransformersPolicy(eager_to_end_steps(tokenizer), tokenizer, max_new_tokens=24, kv_bytes=1 << 24) as policy,
            TransformersPPM(make_scorer("qwen2"), tokenizer, kv_bytes=1 << 24) as reward,
        ):
            found.append(asyncio.run(solve(policy, reward, at_once)))
    return found


def test_a_search_finds_the_same_whatever_runs_beside_it(results: list[list[SearchResult]]) -> None:
    for together, alone in zip(*results, strict=True):
        assert [each.steps for each in together.trajectories] == [each.steps for each in alone.trajectories]
        assert together.values == pytest.approx(alone.values, abs=1e-4)
        assert max(len(each.steps) for each in alone.trajectories) > 2


def test_the_costs_are_on_the_ledger(results: list[list[SearchResult]]) -> None:
    usage = results[1][0].usage_at[-1]
    assert usage.candidates == 6 * usage.requests
    assert usage.completion_tokens > usage.candidates
    assert 0.5 < usage.cached_tokens / usage.prompt_tokens < 1
    assert 0.5 < usage.cached_reward_tokens / usage.reward_tokens < 1
    assert usage.engine_seconds > 0
