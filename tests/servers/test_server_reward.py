"""A reward model on a server has the value of a local one, and a server without one is refused in words."""

from __future__ import annotations

import asyncio
import math

import pytest
from model_server import Failure, model_server
from test_server_policy import START, steps

from rstar.engines.server_reward import ServerReward
from rstar.engines.worker import EngineError
from rstar.prompts import prompt_text, solution_text
from rstar.types import Execution, Step, Trajectory
from tasks.types import InputError

LONGER = Trajectory(START.problem, (Step("<code>\nx = 1\n<end_of_step>", "x = 1", Execution("ok", "", "", 0.0)),))


def text_of(trajectory: Trajectory) -> str:
    return prompt_text(trajectory.problem.question, "rstar-sft") + solution_text(trajectory)


def logit(trajectory: Trajectory) -> float:
    """What the scripted server says."""
    return len(text_of(trajectory)) / 100 - 1


@pytest.mark.parametrize("kind", ["logit", "sigmoid"])
def test_the_value_is_that_of_the_logit_also_where_only_its_sigmoid_is_shown(kind: str) -> None:
    with model_server(steps, classifies=kind) as server, ServerReward.open(server.url, "ppm") as reward:
        scores = asyncio.run(reward.score([START, LONGER]))
        assert scores.values == pytest.approx([math.tanh(logit(START) / 5), math.tanh(logit(LONGER) / 5)], abs=1e-9)
        assert scores.tokens == len(text_of(START)) + len(text_of(LONGER))
        assert asyncio.run(reward.score([])).values == ()


def test_the_address_names_the_scale() -> None:
    with (
        model_server(steps, classifies="logit") as server,
        ServerReward.open(f"{server.url}#tiny&scale=2", "ppm") as reward,
    ):
        assert asyncio.run(reward.score([START])).values == pytest.approx([math.tanh(logit(START) / 2)])
        assert reward.settings()["scale"] == 2


def test_of_a_solution_longer_than_the_context_the_end_is_judged() -> None:
    with model_server(steps, classifies="logit") as server, ServerReward.open(server.url, "ppm") as reward:
        server.manners.context_chars = len(text_of(LONGER)) - 1
        assert len(asyncio.run(reward.score([START, LONGER])).values) == 2
        assert reward.num_truncated == 1
        read = [text for request in server.requests for text in request["input"] if text in text_of(LONGER)]
        assert text_of(LONGER).endswith(min(read, key=len))


def test_a_server_that_judges_nothing_is_refused_with_what_to_start() -> None:
    with model_server(steps) as server, pytest.raises(InputError) as caught:
        ServerReward.open(server.url, "ppm")
    assert "serves no reward model (/classify answers 404" in str(caught.value)
    assert "vllm serve MODEL --runner pooling" in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": []}',
        b'{"data": [{"index": 0, "probs": ["a"]}]}',
        b'{"data": [{"index": 0, "probs": [NaN]}]}',
        b'{"data": [7]}',
        b"{}",
    ],
)
def test_garbage_is_asked_for_again_and_then_an_error(body: bytes) -> None:
    with (
        model_server(steps, classifies="logit") as server,
        ServerReward.open(server.url, "ppm", first_pause=0.001) as reward,
    ):
        server.failures = [Failure(body=body)]
        assert len(asyncio.run(reward.score([START])).values) == 1
        server.failures = [Failure(body=body)] * 5
        with pytest.raises(EngineError, match="judgement"):
            asyncio.run(reward.score([START]))


def test_a_model_with_several_labels_is_refused() -> None:
    with model_server(steps, classifies="logit") as server, ServerReward.open(server.url, "ppm") as reward:
        server.failures = [Failure(body=b'{"data": [{"index": 0, "probs": [0.5, 0.5]}]}')]
        with pytest.raises(InputError, match="its model has 2 labels; a reward model has one"):
            asyncio.run(reward.score([START]))
