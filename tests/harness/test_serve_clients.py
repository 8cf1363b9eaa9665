"""Clients of other people against the endpoint, over a real port: OpenAI's library, two evaluation harnesses, a fuzzer.

The last three need packages of their own: `make test-clients` makes an environment for them and names its interpreter
in RSTAR_SERVE_PYTHON.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from serve_world import KEY, QUESTION, Running, World, ask, body, content, running, until, world

openai = pytest.importorskip("openai", reason="the package openai is not installed (extra dev)")

PYTHON = os.environ.get("RSTAR_SERVE_PYTHON", sys.executable)
QUESTIONS = [f"What is {number} + 30 + 7 + 5?" for number in range(10, 22)]
USER = [{"role": "user", "content": QUESTION}]


def client_of(up: Running, key: str = "none") -> Any:
    """OpenAI's client, which asks once."""
    return openai.OpenAI(base_url=f"http://127.0.0.1:{up.port}/v1", api_key=key, max_retries=0)


def test_the_official_client_gets_answers_and_streams() -> None:
    served = world()
    [plain] = ask(world(), body(budget=2, n=2))
    with running(served) as up, client_of(up) as client:
        extra = {"budget": 2, "method": "mcts"}
        reply = client.chat.completions.create(model="rstar", messages=USER, n=2, extra_body=extra)
        assert reply.choices[0].message.content == content(plain)
        assert reply.choices[1].rstar["answer"] == plain.json()["choices"][1]["rstar"]["answer"]
        assert reply.usage.total_tokens == plain.json()["usage"]["total_tokens"]
        usage = {"include_usage": True}
        pieces = list(
            client.chat.completions.create(
                model="rstar", messages=USER, stream=True, stream_options=usage, extra_body={"budget": 2}
            )
        )
        text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
        assert text == content(plain)
        assert pieces[-1].usage.rstar["trajectories"] == 2
        assert [model.id for model in client.models.list()] == ["rstar"]


def test_the_official_client_raises_its_own_errors() -> None:
    served = world(keys=(KEY,), num_free=0, concurrency=1, queue=0)
    with running(served) as up, client_of(up, KEY) as client, client_of(up) as stranger:
        create = client.chat.completions.create
        with pytest.raises(openai.AuthenticationError):
            stranger.chat.completions.create(model="rstar", messages=USER)
        with pytest.raises(openai.NotFoundError):
            create(model="gpt-4", messages=USER)
        with pytest.raises(openai.BadRequestError) as caught:
            create(model="rstar", messages=USER, extra_body={"budget": 1000})
        assert (caught.value.param, caught.value.code) == ("budget", "budget_above_limit")
        with create(model="rstar", messages=USER, stream=True), pytest.raises(openai.RateLimitError):
            create(model="rstar", messages=USER)
        until(lambda: served.solver.admission.num_admitted == 0)
        served.gate.error = RuntimeError("no memory")
        with pytest.raises(openai.APIError, match="an engine failed"):
            list(create(model="rstar", messages=USER, stream=True))


def needs(module: str) -> None:
    """Skip where the interpreter for these tests lacks `module`."""
    found = subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"{PYTHON} has no {module}; run make test-clients")


def run(folder: Path, *command: str, **environment: str) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        [PYTHON, *command],
        cwd=folder,
        env=os.environ | {"HF_HUB_OFFLINE": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def expected(**fields: Any) -> dict[str, str]:
    """Question to the text that the endpoint answers."""
    replies = ask(world(), *(body(question, **fields) for question in QUESTIONS))
    return dict(zip(QUESTIONS, map(content, replies), strict=True))


def share_right(texts: dict[str, str]) -> float:
    """Of the questions."""
    return sum(f"\\boxed{{{right_answer(question)}}}" in text for question, text in texts.items()) / len(texts)


def right_answer(question: str) -> str:
    """The sum."""
    return str(sum(map(int, re.findall(r"\d+", question))))


def write_rows(folder: Path) -> None:
    """The questions as JSONL."""
    rows = [json.dumps({"question": each, "answer": right_answer(each)}) for each in QUESTIONS]
    (folder / "sums.jsonl").write_text("\n".join(rows) + "\n")


LM_EVAL_TASK = r"""
task: sums
dataset_path: json
dataset_kwargs: {data_files: sums.jsonl}
test_split: train
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["</s>"], temperature: 0}
filter_list:
  - name: boxed
    filter:
      - {function: regex, regex_pattern: 'boxed\{(-?\d+)\}'}
      - {function: take_first}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""


@pytest.mark.clients
def test_lm_evaluation_harness_scores_what_the_endpoint_answers(tmp_path: Path) -> None:
    needs("lm_eval, tenacity, aiohttp")
    write_rows(tmp_path)
    (tmp_path / "sums.yaml").write_text(LM_EVAL_TASK)
    texts = expected(budget=2, seed=1234)  # the seed that lm-eval 0.4.13 sends unasked
    with running(world()) as up:
        url = f"base_url=http://127.0.0.1:{up.port}/v1/chat/completions"
        how = ("--model_args", f"model=rstar,{url},num_concurrent=8", "--gen_kwargs", "budget=2")
        where = ("--include_path", ".", "--output_path", "out", "--log_samples", "--apply_chat_template")
        asked = ("--model", "local-chat-completions", "--tasks", "sums")
        run(tmp_path, "-m", "lm_eval", "run", *asked, *how, *where, OPENAI_API_KEY="none")
    [samples] = (tmp_path / "out").rglob("samples_sums_*.jsonl")
    found = [json.loads(line) for line in samples.read_text().splitlines()]
    assert {each["doc"]["question"]: each["resps"][0][0] for each in found} == texts
    assert sum(each["exact_match"] for each in found) / len(found) == share_right(texts)


INSPECT_TASK = r"""
from inspect_ai import Task, task
from inspect_ai.dataset import FieldSpec, json_dataset
from inspect_ai.scorer import pattern
from inspect_ai.solver import generate

@task
def sums():
    fields = FieldSpec(input="question", target="answer")
    return Task(json_dataset("sums.jsonl", fields), solver=generate(), scorer=pattern(r"boxed\{(-?\d+)\}"))
"""


@pytest.mark.clients
def test_inspect_scores_what_the_endpoint_answers(tmp_path: Path) -> None:
    needs("inspect_ai, openai")
    write_rows(tmp_path)
    (tmp_path / "sums.py").write_text(INSPECT_TASK)
    texts = expected()
    with running(world(keys=(KEY,))) as up:
        how = ("--model", "openai-api/rstar/rstar", "--log-format", "json", "--log-dir", "logs", "--display", "plain")
        address = {"RSTAR_BASE_URL": f"http://127.0.0.1:{up.port}/v1", "RSTAR_API_KEY": KEY}
        run(tmp_path, "-m", "inspect_ai", "eval", "sums.py", *how, **address)
    [log] = (tmp_path / "logs").glob("*.json")
    found = json.loads(log.read_text())
    assert found["status"] == "success"
    answers = {each["input"]: each["output"]["choices"][0]["message"]["content"] for each in found["samples"]}
    assert {question: _text(answer) for question, answer in answers.items()} == texts
    assert found["results"]["scores"][0]["metrics"]["accuracy"]["value"] == pytest.approx(share_right(texts))


def _text(answer: Any) -> str:
    """A message's content, which Inspect keeps as a text or as parts."""
    return answer if isinstance(answer, str) else "".join(part.get("text", "") for part in answer)


SCHEMATHESIS = "import sys; sys.argv[0] = 'st'; from schemathesis.cli import schemathesis; schemathesis()"


@pytest.mark.clients
def test_ten_thousand_random_requests_bring_no_server_error(tmp_path: Path) -> None:
    needs("schemathesis")
    num_requests = int(os.environ.get("RSTAR_SERVE_REQUESTS", "10000"))
    served = world(max_budget=3)
    with running(served) as up:
        url = f"http://127.0.0.1:{up.port}/openapi.json"
        seed = 0
        while total(served) < num_requests:
            how = ("--max-examples", "1500", "--seed", str(seed), "--checks", "not_a_server_error")
            run(tmp_path, "-c", SCHEMATHESIS, "run", url, *how, "--phases", "coverage,fuzzing")
            seed += 1
    statuses = {dict(labels)["status"] for labels in served.solver.metrics.requests.values}
    assert {"200", "400", "404"} <= statuses
    assert not [status for status in statuses if status.startswith("5")]
    assert served.solver.admission.num_admitted == 0


def total(served: World) -> float:
    """Requests so far."""
    return sum(served.solver.metrics.requests.values.values())
