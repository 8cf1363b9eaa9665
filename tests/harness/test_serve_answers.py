"""What the endpoint answers: the search's own choice, whatever else is going on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
from serve_world import CHAT, ask, body, client, content, events, running, streamed, world

from harness.serve.request import parse_request
from rstar.engines.arithmetic import Arithmetic
from rstar.engines.scripted import ScriptedInterpreter
from rstar.search.presets import METHODS, method_config
from rstar.search.voting import choose_answer
from rstar.types import SearchResult

QUESTIONS = [f"What is {number} + 30 + 7 + 5?" for number in range(10, 40)]


def search_again(method: str, budget: int, seed: int) -> SearchResult:
    """The search that a request asks for, by hand."""
    served = world()
    request = served.solver.question(parse_request(json.dumps(body(method=method, budget=budget)).encode()))
    engines = served.solver.engines
    interpreter = ScriptedInterpreter(Arithmetic())
    config = request.spec.config
    return asyncio.run(METHODS[method].search(request.problem, engines, engines, interpreter, config, seed))


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("rule", ["best", "majority", "weighted", "top_k"])
def test_the_answer_is_the_one_that_the_search_chooses(method: str, rule: str) -> None:
    [reply] = ask(world(), body(method=method, budget=6, rule=rule, seed=5))
    result = search_again(method, 6, 5)
    choice = reply.json()["choices"][0]
    assert choice["rstar"]["answer"] == choose_answer(result, rule, 6, seed=5)  # type: ignore[arg-type]
    assert choice["rstar"]["trajectories"] == 6
    assert f"\\boxed{{{choice['rstar']['answer']}}}" in content(reply)


def test_usage_counts_every_trajectory_of_every_choice() -> None:
    [reply] = ask(world(), body(budget=3, n=2, seed=1))
    seeds = [choice["rstar"]["seed"] for choice in reply.json()["choices"]]
    costs = [search_again("mcts", 3, seed).usage_at[-1] for seed in seeds]
    usage = reply.json()["usage"]
    assert usage["completion_tokens"] == sum(cost.completion_tokens for cost in costs)
    assert usage["prompt_tokens"] == sum(cost.prompt_tokens for cost in costs)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["rstar"]["executions"] == sum(cost.executions for cost in costs)
    assert usage["rstar"]["trajectories"] == 6


def test_a_question_has_the_same_answer_alone_and_among_others() -> None:
    together = ask(world(concurrency=7), *(body(question, budget=2) for question in QUESTIONS))
    alone = [ask(world(), body(question, budget=2))[0] for question in QUESTIONS[:5]]
    assert [content(reply) for reply in together[:5]] == [content(reply) for reply in alone]
    assert len({content(reply) for reply in together}) > len(QUESTIONS) // 2


def test_choices_are_searches_with_seeds_of_their_own_and_the_first_is_that_of_one_choice() -> None:
    several, one = ask(world(), body(n=4, budget=1), body(budget=1))
    assert several.json()["choices"][0] == one.json()["choices"][0]
    assert len({choice["rstar"]["seed"] for choice in several.json()["choices"]}) == 4


def test_the_seed_changes_the_search() -> None:
    replies = ask(world(), *(body(budget=1, seed=seed) for seed in range(8)))
    assert len({content(reply) for reply in replies}) > 1


def test_fields_without_effect_are_named() -> None:
    asked = body(temperature=0, stop=["\n"], max_tokens=5, user="me", n=1)
    asked["messages"].insert(0, {"role": "system", "content": "Answer in verse."})
    plain, reply = ask(world(), body(), asked)
    assert reply.json()["rstar"]["ignored"] == ["temperature", "max_tokens", "stop", "messages[0]"]
    assert content(reply) == content(plain)


@pytest.mark.parametrize("budget", [1, 5])
def test_a_stream_holds_the_text_of_the_plain_reply(budget: int) -> None:
    plain, stream = ask(
        world(),
        body(n=2, budget=budget),
        body(n=2, budget=budget, stream=True, stream_options={"include_usage": True}),
    )
    for choice in plain.json()["choices"]:
        assert streamed(stream.text, choice["index"]) == choice["message"]["content"]
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.text.endswith("data: [DONE]\n\n")
    usage, expected = events(stream.text)[-1]["usage"], plain.json()["usage"]
    for each in (usage["rstar"], expected["rstar"]):
        del each["wall_seconds"]
    assert usage == expected


@pytest.mark.parametrize(("budget", "text_first"), [(1, True), (2, False)])
def test_steps_are_streamed_as_they_are_chosen(budget: int, text_first: bool) -> None:
    served = world(num_free=3, keep_alive_seconds=0.02)

    def first_event() -> str:
        with httpx2.stream("POST", f"http://127.0.0.1:{up.port}{CHAT}", json=body(budget=budget, stream=True)) as reply:
            for line in reply.iter_lines():
                if line.startswith(":") or '"content": "`' in line:
                    up.do(served.gate.opened.set)
                    return line
        return ""

    with running(served) as up:
        first = first_event()
    assert first.startswith("data:") if text_first else first.startswith(": searching")


def test_an_engine_that_fails_is_said_and_stops_the_other_choices() -> None:
    served = world()
    served.gate.error = RuntimeError("no memory")
    plain, stream = ask(served, body(n=3), body(stream=True))
    assert plain.status_code == 503
    assert plain.json()["error"]["code"] == "engine_failed"
    assert events(stream.text)[-1]["error"]["code"] == "engine_failed"
    assert served.solver.admission.num_admitted == 0


def test_a_solution_without_an_answer_is_shown_as_one() -> None:
    [reply] = ask(world(), body("What is the capital of France?", budget=2))
    choice = reply.json()["choices"][0]
    assert choice["rstar"]["answer"] is None
    assert choice["rstar"]["ending"] == "code_error"
    assert choice["message"]["content"].endswith("```")


def test_another_method_takes_over_the_settings_that_it_has() -> None:
    served = world(fields={"search": {"num_candidates": 3, "temperature": 0.5, "max_depth": 9}})
    config: Any = served.solver._config("beam", 2)
    assert (config.num_candidates, config.temperature, config.max_depth, config.budget) == (3, 0.5, 9, 2)
    assert served.solver._config("sample", 2) == method_config(
        "sample", {"temperature": 0.5, "max_depth": 9, "budget": 2}
    )


def test_the_metrics_count_what_was_done() -> None:
    served = world()
    [reply] = ask(served, body(budget=3))
    usage = reply.json()["usage"]
    text = served.solver.metrics.text()
    assert f'rstar_policy_tokens_total{{kind="completion"}} {usage["completion_tokens"]}\n' in text
    assert f"rstar_executions_total {usage['rstar']['executions']}\n" in text
    assert "rstar_trajectories_total 3\n" in text
    assert 'rstar_requests_total{route="/v1/chat/completions",status="200"} 1\n' in text
    assert "rstar_chat_seconds_count 1\n" in text


def test_the_model_says_what_may_be_asked_of_it() -> None:
    async def cards() -> tuple[Any, Any]:
        async with await client(world(max_budget=9)) as asking:
            return (await asking.get("/v1/models")).json(), (await asking.get("/v1/models/rstar")).json()

    listed, card = asyncio.run(cards())
    assert [each["id"] for each in listed["data"]] == ["rstar"]
    assert card["rstar"]["limits"]["budget"] == 9
    assert card["rstar"]["defaults"] == {"method": "mcts", "budget": 4, "rule": "weighted", "seed": 0}
