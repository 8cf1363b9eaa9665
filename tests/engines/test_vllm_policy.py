"""The policy on a real vLLM, as a search sees it. The model is the package's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from real_vllm import KV_BYTES, MARKS, MODELS

from rstar.engines.loading import load_config
from rstar.engines.stops import decoded, make_stops
from rstar.engines.transformers import TransformersPolicy
from rstar.engines.vllm import VllmPolicy
from rstar.engines.vllm_admission import Prompt
from rstar.engines.worker import EngineError
from rstar.prompts import END_CODE
from rstar.types import Candidate, Execution, Proposal, Step, Trajectory
from tasks.types import InputError, Problem

pytestmark = MARKS
ROOT = Trajectory(Problem("toy/1", "What is 17 plus 28?"))


@pytest.fixture(scope="module")
def policy() -> Iterator[VllmPolicy]:
    """One engine for all: memory for 2,048 tokens, contexts of 512, steps of 48."""
    with VllmPolicy.load(
        MODELS / "policy",
        device="cpu",
        max_new_tokens=48,
        max_context_tokens=512,
        max_samples=64,
        kv_bytes=KV_BYTES,
        with_logprobs=True,
    ) as policy:
        yield policy


@pytest.fixture(scope="module")
def reference() -> Iterator[TransformersPolicy]:
    with TransformersPolicy.load(
        MODELS / "policy", device="cpu", max_new_tokens=48, max_context_tokens=512, kv_bytes=1 << 26
    ) as policy:
        yield policy


def variant(policy: VllmPolicy, **changes: Any) -> VllmPolicy:
    """Another policy on the same engine."""
    names = ("max_new_tokens", "max_context_tokens", "truncation", "with_logprobs")
    same = {name: getattr(policy, name) for name in names}
    stops = changes.pop("stops", policy.stops)
    return VllmPolicy(policy.core, policy.tokenizer, stops, policy.prompts, **(same | changes))


def problem(number: int) -> Trajectory:
    return Trajectory(Problem(f"toy/{number}", f"What is {number} plus {number * number}?"))


def continued(prefix: Trajectory, candidate: Candidate) -> Trajectory:
    return Trajectory(prefix.problem, (*prefix.steps, Step(candidate.text, "", None, candidate.token_ids)))


def test_a_sample_is_the_same_alone_and_among_others(policy: VllmPolicy) -> None:
    async def together() -> list[Proposal]:
        return await asyncio.gather(*(policy.propose(problem(number), 4, number) for number in range(12)))

    alone = asyncio.run(policy.propose(problem(7), 2, 7))
    among = asyncio.run(together())[7]
    assert [each.token_ids for each in alone.candidates] == [each.token_ids for each in among.candidates[:2]]
    other = asyncio.run(policy.propose(problem(7), 2, 8))
    assert [each.token_ids for each in other.candidates] != [each.token_ids for each in alone.candidates]


def test_samples_of_one_request_differ(policy: VllmPolicy) -> None:
    candidates = asyncio.run(policy.propose(ROOT, 8, 3)).candidates
    assert len({each.token_ids for each in candidates}) > 4


def test_candidates_are_the_text_and_the_number_of_their_tokens(policy: VllmPolicy) -> None:
    policy = variant(policy, max_new_tokens=20)
    proposal = asyncio.run(policy.propose(ROOT, 40, 0))
    candidates = proposal.candidates
    assert proposal.prompt_tokens == len(policy.prompts.of(ROOT))
    assert {each.stop for each in candidates} >= {None, "<end_of_step>"}
    for each in candidates:
        assert each.num_tokens == len(each.token_ids) + (each.stop == "eos") <= 20
        assert each.text == decoded(policy.tokenizer, each.token_ids)
        assert each.stop in (None, "eos") or each.text.endswith(each.stop)
        assert (each.stop is None) == (each.num_tokens == 20 and each.token_ids[-1] not in policy.stops.by_token)


def test_a_child_continues_the_tokens_of_its_parent_and_finds_them_in_the_cache(policy: VllmPolicy) -> None:
    trajectory, tokens = ROOT, policy.prompts.of(ROOT)
    for depth in range(4):
        proposal = asyncio.run(policy.propose(trajectory, 4, depth, temperature=1.6))
        assert proposal.prompt_tokens == len(tokens)
        if depth:
            # All whole blocks of 32 tokens but, where the prompt ends with one, that which the next token needs; the
            # token that ended the step was never computed.
            assert proposal.cached_tokens >= (len(tokens) - 2) // 32 * 32
        candidate = next(each for each in proposal.candidates if each.stop != "eos")
        trajectory, tokens = continued(trajectory, candidate), tokens + candidate.token_ids
        assert policy.prompts.of(trajectory) == tokens


def test_the_most_likely_step_is_that_of_transformers(policy: VllmPolicy, reference: TransformersPolicy) -> None:
    trajectories = [problem(number) for number in range(8)]
    ended = Execution("ok", "45\n", "", 0.0)
    program = Step(f"<code>\na = 17 + 28\nprint(a)\n{END_CODE}", "", ended)
    for trajectory in [*trajectories, Trajectory(ROOT.problem, (program,))]:
        ours, theirs = (asyncio.run(one.propose(trajectory, 2, 0, 0.0)).candidates for one in (policy, reference))
        assert [each.token_ids for each in ours] == [each.token_ids for each in theirs]
        assert [each.stop for each in ours] == [each.stop for each in theirs]
        assert ours[0].logprob == pytest.approx(theirs[0].logprob, abs=1e-3)


def test_log_probabilities_are_the_models_own(policy: VllmPolicy, reference: TransformersPolicy) -> None:
    """At temperature 1, whatever was sampled at."""
    prompt = policy.prompts.of(ROOT)
    for each in asyncio.run(policy.propose(ROOT, 6, 5, temperature=1.4)).candidates:
        written = each.token_ids + ((reference.tokenizer.eos_token_id,) if each.stop == "eos" else ())
        with torch.inference_mode():
            logits = reference.model(torch.tensor([prompt + written])).logits[0, len(prompt) - 1 : -1]
        expected = logits.log_softmax(-1).gather(1, torch.tensor(written)[:, None]).sum()
        assert each.logprob == pytest.approx(float(expected), abs=1e-3)


def test_a_stop_string_of_several_tokens_ends_a_step(policy: VllmPolicy) -> None:
    stops = make_stops(policy.tokenizer, (" + 2",), [], len(policy.tokenizer))
    assert stops.texts == (" + 2",)
    spelled = variant(policy, stops=stops, with_logprobs=False)
    candidates = asyncio.run(spelled.propose(ROOT, 16, 1, temperature=0.7)).candidates
    stopped = [each for each in candidates if each.stop == " + 2"]
    assert stopped
    assert all(each.text.endswith(" + 2") and each.text.count(" + 2") == 1 for each in stopped)
    assert all(each.logprob is None for each in candidates)


def test_a_prefix_that_fills_the_context_gets_empty_candidates(policy: VllmPolicy) -> None:
    long = Trajectory(Problem("toy/long", "1 + " * 400))
    proposal = asyncio.run(policy.propose(long, 3, 0))
    assert [(each.text, each.num_tokens, each.stop) for each in proposal.candidates] == [("", 0, None)] * 3


def test_a_temperature_above_what_vllm_takes_is_refused(policy: VllmPolicy) -> None:
    with pytest.raises(InputError, match=r"temperature = 2.5 is more than vLLM takes \(2\)"):
        asyncio.run(policy.propose(ROOT, 1, 0, 2.5))


def test_a_cancelled_request_leaves_the_engine(policy: VllmPolicy) -> None:
    async def ask() -> None:
        tasks = [asyncio.create_task(policy.propose(problem(number), 16, number)) for number in range(20)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(500):
            if not policy.core.admission.num_inside:
                break
            await asyncio.sleep(0.01)

    asyncio.run(ask())
    admission = policy.core.admission
    assert (admission.num_inside, admission.num_waiting, admission.prompt_tokens) == (0, 0, 0)
    assert asyncio.run(policy.propose(ROOT, 1, 0)).candidates


def test_few_samples_are_thrown_out_for_lack_of_memory(policy: VllmPolicy) -> None:
    """2,048 tokens of memory, 64 programs at once of 70 on average: let in together, many are thrown out."""
    vocabulary = int(load_config(MODELS / "policy", "policy").vocab_size)
    policy = variant(policy, max_new_tokens=160, stops=make_stops(policy.tokenizer, (END_CODE,), [], vocabulary))
    admission, counts = policy.core.admission, policy.core.counts

    def preemptions(seed: int) -> int:
        async def flood() -> None:
            asked = (policy.propose(problem(100 * seed + number), 8, seed) for number in range(12))
            await asyncio.gather(*asked)

        before = counts.preemptions
        asyncio.run(flood())
        return counts.preemptions - before

    preemptions(0)  # shows how long replies are
    held_back = preemptions(1)
    margin, known = admission.margin, admission.capacity_tokens
    admission.capacity_tokens = 1 << 40
    try:
        all_at_once = preemptions(2)
    finally:
        admission.capacity_tokens = known
    assert all_at_once > 8
    assert held_back < all_at_once / 2
    assert admission.margin > margin


def test_a_request_that_vllm_refuses_is_a_named_error_and_the_engine_goes_on(policy: VllmPolicy) -> None:
    too_long, params = [5] * 600, policy._params(10, 0, 1.0)

    async def ask() -> None:
        await policy.core.ask(lambda engine: policy._sample(engine, too_long, Prompt(600), params))

    with pytest.raises(EngineError, match="policy engine failed"):
        asyncio.run(ask())
    assert asyncio.run(policy.propose(ROOT, 1, 0)).candidates
    assert policy.core.counts.restarts == 0
