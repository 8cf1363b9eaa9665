"""A policy on a server gives the same steps whatever the server's manners, and says what it cannot do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from model_server import ModelServer, model_server

from rstar.engines.openai_server import Sampling, ServerPolicy
from rstar.engines.server_address import parse_address
from rstar.engines.worker import EngineError
from rstar.prompts import END_ANSWER, END_STEP
from rstar.types import Candidate, Execution, Proposal, Step, Trajectory
from tasks.types import InputError, Problem

START = Trajectory(Problem("t/1", "What is 1 + 2?"))


def steps(question: str, partial: str, seed: int) -> str:
    """A model that writes on and on: three steps, or an answer where there are steps already."""
    rng = random.Random(f"{question!r}|{partial}|{seed}")
    if partial:
        return f"\n<answer>It is \\boxed{{{rng.randrange(9)}}}.{END_ANSWER}<eos>"
    lines = [f"# Step {rng.randrange(10**6)}\nx = {rng.randrange(10**6)}\n{END_STEP}" for _ in range(3)]
    return "\n".join(lines) + "<eos>"


def opened(server: ModelServer, **settings: Any) -> ServerPolicy:
    return ServerPolicy.open(server.url, first_pause=0.001, **settings)


def asked(
    policy: ServerPolicy, count: int = 3, seed: int = 5, temperature: float = 1.0, prefix: Any = START
) -> Proposal:
    return asyncio.run(policy.propose(prefix, count, seed, temperature))


def texts(candidates: Sequence[Candidate]) -> list[str]:
    return [candidate.text for candidate in candidates]


@pytest.mark.parametrize("stops", ["kept", "named", "dropped"])
@pytest.mark.parametrize("gives_many", [True, False])
def test_a_step_ends_with_its_stop_string_whatever_the_server_does_with_it(stops: str, gives_many: bool) -> None:
    with model_server(steps, stops=stops, gives_many=gives_many) as server, opened(server) as policy:
        found = asked(policy).candidates
        assert len(found) == 3
        assert [each.stop for each in found] == [END_STEP] * 3
        assert all(each.text.endswith(END_STEP) and each.text.count(END_STEP) == 1 for each in found)
        assert len(set(texts(found))) == 3
        assert texts(asked(policy).candidates) == texts(found)
        assert texts(asked(policy, seed=6).candidates) != texts(found)


def test_the_prompt_holds_what_was_written_so_far() -> None:
    step = Step("<code>\nprint(3)\n<end_of_code>", "print(3)", Execution("ok", "3\n", "", 0.1))
    with model_server(steps) as server, opened(server) as policy:
        found = asked(policy, prefix=Trajectory(START.problem, (step,))).candidates
        assert [each.stop for each in found] == [END_ANSWER] * 3
        assert server.requests[-1]["prompt"].endswith("<end_of_code>\n<output>3<end_of_output>")


def test_tokens_are_those_that_the_server_states() -> None:
    with model_server(steps) as server, opened(server) as policy:
        found = asked(policy)
        assert found.prompt_tokens == len(server.requests[-1]["prompt"])
        assert sum(each.num_tokens for each in found.candidates) == sum(map(len, texts(found.candidates)))


def test_the_likeliest_step_is_asked_for_once() -> None:
    with model_server(steps) as server, opened(server) as policy:
        before = len(server.requests)
        found = texts(asked(policy, count=4, temperature=0).candidates)
        assert len(server.requests) == before + 1
        assert "n" not in server.requests[-1]
        assert found == found[:1] * 4


def test_a_step_without_a_stop_string_ended_its_text_or_was_cut_off() -> None:
    with model_server(lambda *_: "I give up, there is no way to know it.") as server:
        with opened(server) as policy:
            assert [each.stop for each in asked(policy).candidates] == ["eos"] * 3
        with opened(server, sampling=Sampling(max_new_tokens=5)) as policy:
            assert [(each.text, each.stop) for each in asked(policy).candidates] == [("I giv", None)] * 3


@pytest.mark.parametrize("stops", ["kept", "dropped"])
def test_a_prompt_that_fills_the_context_gets_steps_that_were_cut_off(stops: str) -> None:
    with model_server(steps, stops=stops) as server, opened(server) as policy:
        server.manners.context_chars = 50
        assert asked(policy, count=2).candidates == (Candidate("", (), 0, None, None),) * 2


def test_a_request_that_is_too_long_is_made_again_for_fewer_tokens() -> None:
    with model_server(steps, context_chars=800) as server, opened(server) as policy:
        assert [each.stop for each in asked(policy).candidates] == [END_STEP] * 3
        assert [request["max_tokens"] for request in server.requests[-2:]] == [2048, 512]


def test_no_more_requests_are_sent_at_a_time_than_were_allowed() -> None:
    with model_server(steps, gives_many=False) as server, opened(server, max_in_flight=3) as policy:
        server.pause, server.largest_crowd = 0.01, 0
        asked(policy, count=12)
        assert server.largest_crowd == 3


def test_a_chat_model_is_sent_messages_and_goes_on_from_its_own_words() -> None:
    step = Step("<code>\nx = 1\n<end_of_step>", "x = 1", Execution("ok", "", "", 0.1))
    with model_server(steps, completions=False) as server, opened(server, layout="chat") as policy:
        asked(policy, prefix=Trajectory(START.problem, (step,)))
        request = server.requests[-1]
        assert [message["role"] for message in request["messages"]] == ["user", "assistant"]
        assert request["messages"][1]["content"] == step.text
        assert request["continue_final_message"] is True


def test_a_named_template_goes_through_plain_completions() -> None:
    with model_server(steps, chat=False) as server, opened(server, layout="cot", chat_template="chatml") as policy:
        asked(policy)
        prompt = server.requests[-1]["prompt"]
        assert prompt.startswith("<|im_start|>user\nWhat is 1 + 2?")
        assert prompt.endswith("<|im_end|>\n<|im_start|>assistant\n")


LINES = {
    "n is ignored": {"gives_many": False},
    "seeds are ignored": {"honours_seeds": False},
    "steps are streamed": {"stops": "dropped"},
    "no log-probabilities": {"logprobs": False},
    "no token counts": {"counts": False},
}


@pytest.mark.parametrize("line", LINES)
def test_what_a_server_cannot_do_is_one_line(line: str) -> None:
    with model_server(steps, **LINES[line]) as server, opened(server) as policy:
        assert [line in said for said in policy.can.lines("rstar-sft")].count(True) == 1
    with model_server(steps) as server, opened(server) as policy:
        assert not any(line in said for said in policy.can.lines("rstar-sft"))


def test_a_server_that_refuses_unknown_fields_is_asked_without_them() -> None:
    with model_server(steps, strict=True) as server, opened(server) as policy:
        assert policy.can.extras == {}
        assert [each.stop for each in asked(policy).candidates] == [END_STEP] * 3


@pytest.mark.parametrize(
    ("manners", "settings", "message"),
    [
        ({"stops": "dropped", "streams": False}, {}, "drops stop strings and streams nothing"),
        ({"continues": False}, {"layout": "chat"}, "does not go on from the beginning of a reply"),
        ({"logprobs": False}, {"sampling": Sampling(wants_logprobs=True)}, "gives no log-probabilities"),
        ({"completions": False}, {}, "has no such route"),
        ({"chat": False}, {"layout": "cot"}, "has no such route"),
        ({"models": ("a", "b")}, {}, "serves 2 models .a, b.; name one with --policy-model"),
        ({"key": "secret"}, {}, "answers 401 .Incorrect API key provided.; put a key .* variable RSTAR_API_KEY"),
    ],
)
def test_what_a_server_cannot_serve_is_one_line_at_the_start(
    manners: dict[str, Any], settings: dict[str, Any], message: str
) -> None:
    with model_server(steps, **manners) as server, pytest.raises(InputError, match=message) as caught:
        opened(server, **settings)
    assert "\n" not in str(caught.value)


def test_a_model_that_is_not_served_is_refused_with_the_names_of_those_that_are() -> None:
    with model_server(steps, models=("a", "b")) as server:
        with pytest.raises(InputError, match="does not serve model 'c'; it serves a, b"):
            ServerPolicy.open(f"{server.url}#c")
        with ServerPolicy.open(f"{server.url}#b") as policy:
            assert policy.can.model == "b"


def test_the_key_comes_from_the_environment_and_is_in_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSTAR_API_KEY", "sk-very-secret")
    with model_server(steps, key="sk-very-secret") as server, opened(server) as policy:
        asked(policy)
        assert "very-secret" not in repr(policy.settings())
        assert policy.settings()["policy_server"]["version"] == "0.0-scripted"


def test_log_probabilities_are_summed_where_they_are_wanted() -> None:
    with model_server(steps) as server, opened(server, sampling=Sampling(wants_logprobs=True)) as policy:
        assert all(each.logprob == -0.5 * len(each.text) for each in asked(policy).candidates)
    with model_server(steps) as server, opened(server) as policy:
        assert all(each.logprob is None for each in asked(policy).candidates)


def test_whoever_waits_when_the_engine_is_closed_gets_an_error() -> None:
    async def close_early(policy: ServerPolicy, server: ModelServer) -> None:
        server.pause = 1.0
        waiting = asyncio.create_task(policy.propose(START, 1, 0))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(policy.close)
        with pytest.raises(EngineError, match="the engine was closed before the server answered"):
            await waiting
        with pytest.raises(EngineError, match="the engine is closed"):
            await policy.propose(START, 1, 0)

    with model_server(steps) as server:
        asyncio.run(close_early(opened(server), server))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http://me:secret@host/v1", "holds a user or a password; leave them out"),
        ("ftp://host/v1", "is no URL of a server"),
        ("http://", "is no URL of a server"),
        ("http://host/v1?key=1", "takes nothing after"),
        ("http://host:99999/v1", "is no URL"),
        ("http://host/v1#m&scale=0", "is no option of a served model"),
    ],
)
def test_an_address_that_is_none_is_refused_without_showing_a_password(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_address(text, "policy")
    assert "secret" not in str(caught.value)


def test_an_address_is_completed_and_read_back() -> None:
    address = parse_address("http://127.0.0.1:8000#Qwen/Qwen2.5-Math-7B&scale=2", "ppm")
    assert (address.url, address.root, address.model) == (
        "http://127.0.0.1:8000/v1",
        "http://127.0.0.1:8000",
        "Qwen/Qwen2.5-Math-7B",
    )
    assert parse_address(address.text, "ppm") == address
