"""The tokens of a step travel with it: a prefix is never tokenised again, also not after a resume from the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_search_on_engine import eager_to_end_steps
from transformers import PreTrainedTokenizerFast

from rstar.engines.prompt_tokens import PromptTokens
from rstar.engines.scripted import ScriptedInterpreter
from rstar.engines.transformers import TransformersPolicy
from rstar.journal import Journal
from rstar.journaled import JournaledInterpreter, JournaledPolicy
from rstar.prompts import solution_text
from rstar.search.config import SearchConfig
from rstar.search.sampling import sample
from rstar.synthesis.rollouts import NoReward
from rstar.types import Execution, SearchResult, Trajectory
from tasks.types import Problem

PROBLEM = Problem("toy/1", "What is the sum of 1 and 2?")
CONFIG = SearchConfig(budget=4, max_depth=5)


@contextmanager
def policy_of(tokenizer: PreTrainedTokenizerFast) -> Iterator[TransformersPolicy]:
    with TransformersPolicy(eager_to_end_steps(tokenizer), tokenizer, max_new_tokens=24, kv_bytes=1 << 24) as policy:
        yield policy


def solve(path: Path, policy: TransformersPolicy) -> tuple[SearchResult, int]:
    """Samples behind a journal, and how many requests the engine answered."""
    interpreter = ScriptedInterpreter(lambda _, __: Execution("ok", "", "", 0.0))
    with Journal(path, PROBLEM.id, "run") as journal:
        behind = JournaledPolicy(policy, journal), NoReward(), JournaledInterpreter(interpreter, journal)
        return asyncio.run(sample(PROBLEM, *behind, CONFIG, 0)), journal.num_live


def test_a_resumed_search_tokenises_no_step_again(
    tmp_path: Path, tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j"
    with policy_of(tokenizer) as policy:
        whole, _ = solve(path, policy)
    written = {step.text for each in whole.trajectories for step in each.steps}
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]))
    encoded: list[str] = []
    encode = PromptTokens._encode_text

    def noted(self: PromptTokens, text: str) -> tuple[int, ...]:
        encoded.append(text)
        return encode(self, text)

    monkeypatch.setattr(PromptTokens, "_encode_text", noted)
    with policy_of(tokenizer) as policy:
        resumed, num_live = solve(path, policy)
    assert resumed.trajectories == whole.trajectories
    assert num_live > 0
    assert encoded
    assert not written & set(encoded)


def test_the_prompt_of_a_finished_solution_is_what_was_generated(
    tmp_path: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    with policy_of(tokenizer) as policy:
        result, _ = solve(tmp_path / "j", policy)
        start = policy.prompts.of(Trajectory(PROBLEM))
        for each in result.trajectories:
            generated = [token for step in each.steps for token in step.token_ids]
            assert policy.prompts.of(each) == (*start, *generated)
        texts = [tokenizer.encode(solution_text(each)) for each in result.trajectories]
    # Random weights write what no tokenizer would choose; otherwise this test could not fail.
    assert texts != [[token for step in each.steps for token in step.token_ids] for each in result.trajectories]
