"""The policy on transformers, as a search sees it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
import torch
from tiny_models import make_model, make_tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from rstar.engines.generation import Generation
from rstar.engines.kv_rows import KVRows
from rstar.engines.prompt_tokens import PromptTokens
from rstar.engines.stops import decoded
from rstar.engines.transformers import TransformersPolicy
from rstar.engines.worker import EngineError
from rstar.prompts import END_CODE, END_STEP, Layout, prompt_text, solution_text
from rstar.types import Candidate, Execution, Step, Trajectory
from tasks.types import InputError, Problem

LAYOUTS: tuple[Layout, ...] = ("rstar-sft", "bootstrap")
PROBLEM = Problem("toy/1", "What is the sum?")


def continued(prefix: Trajectory, candidate: Candidate, output: str = "") -> Trajectory:
    """`prefix` and the candidate as its next step, its program run where it ends one."""
    execution = Execution("ok", output, "", 0.0) if output else None
    return Trajectory(prefix.problem, (*prefix.steps, Step(candidate.text, "", execution, candidate.token_ids)))


@pytest.fixture
def policy(llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Iterator[TransformersPolicy]:
    with TransformersPolicy(llama, tokenizer, max_new_tokens=12, kv_bytes=1 << 24) as policy:
        yield policy


def test_the_same_request_gives_the_same_candidates_and_another_seed_others(policy: TransformersPolicy) -> None:
    async def ask(seed: int) -> list[str]:
        return [each.text for each in (await policy.propose(Trajectory(PROBLEM), 5, seed)).candidates]

    first, again, other = (asyncio.run(ask(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(set(first)) == 5


def test_candidates_are_the_text_and_the_number_of_their_tokens(
    policy: TransformersPolicy, tokenizer: PreTrainedTokenizerFast
) -> None:
    proposal = asyncio.run(policy.propose(Trajectory(PROBLEM), 40, 0))
    assert proposal.prompt_tokens == len(tokenizer.encode(prompt_text(PROBLEM.question, "rstar-sft")))
    assert proposal.cached_tokens == 0
    stops = {each.stop for each in proposal.candidates}
    assert None in stops
    for each in proposal.candidates:
        assert each.num_tokens == len(each.token_ids) + (each.stop == "eos") <= 12
        assert each.logprob is not None
        assert each.logprob < 0
        assert each.text == decoded(tokenizer, each.token_ids)
        assert each.stop in (None, "eos") or each.text.endswith(each.stop)
        assert (each.stop is None) == (each.num_tokens == 12 and each.token_ids[-1] not in policy.stops.by_token)


def test_temperature_zero_gives_the_most_likely_step_each_time(policy: TransformersPolicy) -> None:
    one, many = (asyncio.run(policy.propose(Trajectory(PROBLEM), count, 3, 0.0)) for count in (1, 3))
    assert {each.token_ids for each in many.candidates} == {one.candidates[0].token_ids}


def test_a_child_continues_the_tokens_of_its_parent(policy: TransformersPolicy) -> None:
    """Random weights write tokens that no tokenizer would choose for their text; the prompt keeps them."""
    trajectory, tokens = Trajectory(PROBLEM), policy.prompts.of(Trajectory(PROBLEM))
    for depth in range(3):
        proposal = asyncio.run(policy.propose(trajectory, 4, depth))
        assert proposal.prompt_tokens == len(tokens)
        assert proposal.cached_tokens == (len(tokens) - 1 if depth else 0)
        candidate = next(each for each in proposal.candidates if each.stop != "eos")
        trajectory, tokens = continued(trajectory, candidate), tokens + candidate.token_ids
        assert policy.prompts.of(trajectory) == tokens
    assert tuple(policy.tokenizer.encode(solution_text(trajectory))) != tokens[-len(trajectory.steps) * 12 :]


def test_the_output_of_a_program_is_appended_in_its_own_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    prompts = PromptTokens(tokenizer, "rstar-sft", is_writer=True)
    step = Step(f"\nprint(1)\n{END_CODE}", "print(1)", Execution("ok", "1\n", "", 0.0), (50, 51, 52))
    root = Trajectory(PROBLEM)
    expected = (50, 51, 52, *tokenizer.encode("\n<output>1<end_of_output>"))
    assert prompts.of(Trajectory(PROBLEM, (step,))) == (*prompts.of(root), *expected)


def test_step_by_step_tokens_are_those_of_the_whole_text(tokenizer: PreTrainedTokenizerFast) -> None:
    steps = (
        Step(f"<code>\n# Step 1: the sum\na = 1\n{END_STEP}", "a = 1"),
        Step(f"\n\nprint(a)\n{END_CODE}", "print(a)", Execution("ok", "1\n", "", 0.0)),
    )
    trajectory = Trajectory(PROBLEM, steps)
    whole = prompt_text(PROBLEM.question, "rstar-sft") + solution_text(trajectory)
    assert list(PromptTokens(tokenizer, "rstar-sft").of(trajectory)) == tokenizer.encode(whole)


def test_only_a_foreign_policys_prompt_begins_with_what_its_tokenizer_puts_first() -> None:
    tokenizer = make_tokenizer()
    marked = TemplateProcessing(single="<code> $A <answer>", special_tokens=[("<code>", 1), ("<answer>", 2)])
    tokenizer.backend_tokenizer.post_processor = marked
    sft, bootstrap = (PromptTokens(tokenizer, layout).of(Trajectory(PROBLEM)) for layout in LAYOUTS)
    text = tokenizer.encode(prompt_text(PROBLEM.question, "rstar-sft"), add_special_tokens=False)
    assert sft == tuple(text)
    text = tokenizer.encode(prompt_text(PROBLEM.question, "bootstrap"), add_special_tokens=False)
    assert bootstrap == (1, *text)


def test_a_reader_of_what_another_model_wrote_tokenises_the_text(tokenizer: PreTrainedTokenizerFast) -> None:
    step = Step("ab", "", None, (1, 2))
    writer, reader = (PromptTokens(tokenizer, "rstar-sft", is_writer=flag) for flag in (True, False))
    trajectory = Trajectory(PROBLEM, (step,))
    assert writer.of(trajectory)[-2:] == (1, 2)
    assert reader.of(trajectory) == (*reader.of(Trajectory(PROBLEM)), *tokenizer.encode("ab"))


def test_a_text_that_ends_inside_a_token_has_no_tokens(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    first, *rest = tokenizer.encode("the numbers")
    assert decoded(tokenizer, rest[-1:]).endswith("bers")
    with TransformersPolicy(llama, tokenizer, stops=("umb",), kv_bytes=1 << 24) as policy:
        assert policy._written(first, Generation(tuple(rest), "umb")) == (" numb", ())
        assert policy._written(first, Generation(tuple(rest), None)) == (" numbers", tuple(rest))
        assert policy._written(first, Generation((*rest, 0), "eos")) == (" numbers", tuple(rest))


def test_a_prefix_that_fills_the_context_gets_empty_candidates_as_cut_off(
    llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    with TransformersPolicy(llama, tokenizer, max_context_tokens=16, kv_bytes=1 << 24) as policy:
        proposal = asyncio.run(policy.propose(Trajectory(PROBLEM), 2, 0))
    assert [(each.text, each.num_tokens, each.stop) for each in proposal.candidates] == [("", 0, None)] * 2


def test_a_cancelled_request_leaves_the_batch(llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    async def ask(policy: TransformersPolicy) -> None:
        tasks = [asyncio.create_task(policy.propose(Trajectory(PROBLEM), 8, seed)) for seed in range(3)]
        while not policy.counts.steps:
            await asyncio.sleep(0.001)
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        before = policy.counts.sampled_tokens
        # Had they stayed, the two would have gone on to 16 samples of 60 tokens; a few steps may have been under way.
        await policy.propose(Trajectory(Problem("toy/2", "?")), 1, 9)
        assert policy.counts.sampled_tokens - before < 300
        while not policy._batcher.is_idle:
            await asyncio.sleep(0.001)

    with TransformersPolicy(llama, tokenizer, stops=(), max_new_tokens=60, kv_bytes=1 << 24) as policy:
        asyncio.run(asyncio.wait_for(ask(policy), timeout=30))


def test_closing_leaves_no_thread(llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    before = set(threading.enumerate())
    with TransformersPolicy(llama, tokenizer, max_new_tokens=4, kv_bytes=1 << 24) as policy:
        asyncio.run(policy.propose(Trajectory(PROBLEM), 1, 0))
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) <= before


def test_a_failing_model_is_one_named_error_for_all_and_the_engine_recovers(
    tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> torch.Tensor:
        raise ValueError("a cable was pulled")

    async def ask(policy: TransformersPolicy, count: int) -> list[object]:
        asked = (policy.propose(Trajectory(PROBLEM), 2, seed) for seed in range(count))
        return await asyncio.gather(*asked, return_exceptions=True)

    with TransformersPolicy(make_model("llama"), tokenizer, max_new_tokens=4, kv_bytes=1 << 24) as policy:
        with monkeypatch.context() as patched:
            patched.setattr(KVRows, "forward", broken)
            errors = asyncio.run(ask(policy, 4))
        assert {str(error) for error in errors} == {"policy engine failed: ValueError: a cable was pulled"}
        assert all(isinstance(error, EngineError) for error in errors)
        assert not any(isinstance(reply, BaseException) for reply in asyncio.run(ask(policy, 4)))


@pytest.mark.parametrize("setting", ["max_new_tokens", "max_samples"])
def test_a_setting_below_one_is_refused(
    setting: str, llama: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    with pytest.raises(InputError, match=f"{setting} = 0 is less than 1"):
        TransformersPolicy(llama, tokenizer, **{setting: 0})  # type: ignore[arg-type]
