"""A policy and a reward model on real vLLM servers: the steps and values of the same models in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from real_servers import MODELS, VLLM, RealServer, started_vllm
from test_server_policy import asked, texts

from harness.record_file import read_records
from harness.run import Options, plan_run, run
from harness.run_folder import RECORDS
from harness.run_inputs import chosen_problems
from harness.spec_fields import make_spec
from rstar.engines.openai_server import Sampling, ServerPolicy
from rstar.engines.server_reward import ServerReward
from rstar.prompts import END_STEP, STEP_STOPS
from rstar.types import Candidate, Execution, Step, Trajectory
from tasks.catalog import load_task
from tasks.types import InputError

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(not VLLM.exists(), reason=f"{VLLM} is missing; 'make test-vllm' sets it up"),
]
SAMPLING = Sampling(max_new_tokens=200, max_context_tokens=1500)


@pytest.fixture(scope="module")
def server() -> Iterator[RealServer]:
    with started_vllm(MODELS / "policy", "--enable-prompt-tokens-details") as server:
        yield server


@pytest.fixture(scope="module")
def judge() -> Iterator[RealServer]:
    with started_vllm(MODELS / "ppm", "--runner", "pooling") as server:
        yield server


def starts(count: int) -> list[Trajectory]:
    return [Trajectory(problem) for problem in chosen_problems(load_task("procedural"), count)]


def taken(start: Trajectory, candidate: Candidate) -> Trajectory:
    """`start` with the candidate as its next step, whose program printed nothing."""
    step = Step(candidate.text, "", Execution("ok", "", "", 0.0), candidate.token_ids)
    return replace(start, steps=(*start.steps, step))


def test_the_likeliest_steps_are_those_of_the_same_model_in_this_process(server: RealServer) -> None:
    from rstar.engines.transformers import TransformersPolicy

    async def steps(policy: ServerPolicy | TransformersPolicy) -> list[list[Candidate]]:
        found = []
        for start in starts(6):
            first = (await policy.propose(start, 1, 0, 0.0)).candidates[0]
            second = (await policy.propose(taken(start, first), 1, 0, 0.0)).candidates[0]
            found.append([first, second])
        return found

    with ServerPolicy.open(server.url, sampling=SAMPLING) as policy:
        assert (policy.can.stops, policy.can.gives_many, policy.can.seeds) == ("kept", True, "honoured")
        assert policy.lines() == []
        served = asyncio.run(steps(policy))
    with TransformersPolicy.load(MODELS / "policy", max_new_tokens=200, max_context_tokens=1500) as local:
        here = asyncio.run(steps(local))
    assert [[(each.text, each.token_ids, each.stop) for each in pair] for pair in served] == [
        [(each.text, each.token_ids, each.stop) for each in pair] for pair in here
    ]


def test_steps_are_drawn_by_the_seed_and_carry_their_tokens(server: RealServer) -> None:
    with ServerPolicy.open(server.url, sampling=replace(SAMPLING, wants_logprobs=True)) as policy:
        found = asked(policy, count=8).candidates
        assert all(each.stop in STEP_STOPS and each.text.endswith(each.stop) for each in found)
        assert all(len(each.token_ids) == each.num_tokens for each in found)
        assert all(each.logprob is not None and each.logprob < 0 for each in found)
        assert texts(asked(policy, count=8).candidates) == texts(found)
        assert texts(asked(policy, count=8, seed=6).candidates) != texts(found)


def test_an_end_of_text_token_is_no_part_of_a_step(server: RealServer) -> None:
    with ServerPolicy.open(server.url, layout="bootstrap", sampling=SAMPLING) as policy:
        found = [each for start in starts(4) for each in asked(policy, count=4, prefix=start).candidates]
        # The examples are longer than a block of the cache, which on a processor holds 128 tokens.
        assert asked(policy, prefix=starts(1)[0]).cached_tokens >= 128
    assert not any("<|endoftext|>" in each.text for each in found)


def test_a_model_without_a_chat_template_is_refused_with_what_to_name(server: RealServer) -> None:
    with pytest.raises(InputError, match=r"chat template.*; name one with --chat-template"):
        ServerPolicy.open(server.url, layout="cot")
    with ServerPolicy.open(server.url, layout="cot", chat_template="plain", sampling=SAMPLING) as policy:
        assert len(asked(policy, count=2).candidates) == 2


def test_a_prompt_longer_than_the_context_gets_a_step_that_was_cut_off(server: RealServer) -> None:
    step = Step(f"x = 1\n{END_STEP}" * 400, "", Execution("ok", "", "", 0.0))
    with ServerPolicy.open(server.url) as policy:
        found = asked(policy, count=2, prefix=Trajectory(starts(1)[0].problem, (step,)))
        assert [(each.text, each.stop) for each in found.candidates] == [("", None)] * 2


def test_the_values_are_those_of_the_same_model_in_this_process(judge: RealServer) -> None:
    from rstar.reward.ppm import TransformersPPM

    steps = [f"<code>\n# Step {number}\nx = {number}\n{END_STEP}" for number in range(6)]
    trajectories = [
        replace(start, steps=(Step(text, "", Execution("ok", "", "", 0.0)),))
        for start, text in zip(starts(6), steps, strict=True)
    ]
    with TransformersPPM.load(MODELS / "ppm") as local:
        here = asyncio.run(local.score(trajectories))
        scale = local.scale
    with ServerReward.open(f"{judge.url}#tiny&scale={scale:g}", "ppm") as reward:
        assert (reward.path, reward.activation) == ("/classify", "none")
        served = asyncio.run(reward.score(trajectories))
    assert served.values == pytest.approx(here.values, abs=1e-3)
    assert served.tokens == here.tokens


def test_a_policy_server_judges_nothing_and_says_what_to_start(server: RealServer) -> None:
    with pytest.raises(InputError, match=r"serves no reward model .*; start vLLM with 'vllm serve MODEL --runner pool"):
        ServerReward.open(server.url, "ppm")


def test_a_tree_search_runs_on_two_servers(server: RealServer, judge: RealServer, tmp_path: Path) -> None:
    given = {
        "task": "procedural", "limit": 4, "preset": "tiny", "budgets": [1, 2], "policy": f"{server.url}#tiny",
        "ppm": f"{judge.url}#tiny&scale=2", "max_new_tokens": 200, "max_context_tokens": 1500,
    }  # fmt: skip
    plan = plan_run(make_spec(given), tmp_path)
    assert run(plan, Options(4)).status == "complete"
    found = list(read_records(plan.folder / RECORDS))
    assert len(found) == 4
    assert all(record.answers for record in found)
