"""New problems from seeds: by a scripted policy or a real server, kept where solutions agree, every loss named."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from adding import guides, write_pool
from chat_server import chat_server

from rstar.engines.scripted import ScriptedPolicy
from rstar.synthesis.admission import examine
from rstar.synthesis.pools import Pooled, open_pool
from rstar.synthesis.problems import (
    Outcome,
    SearchedSolver,
    WritingSettings,
    WrittenSolver,
    agreed,
    parse_problem,
    synthesize_problems,
)
from rstar.synthesis.writers import EndpointWriter, PolicyWriter, WriterFailure
from tasks.overlap import OverlapIndex
from tasks.types import InputError, Problem, Source, Task

SETTINGS = WritingSettings(writer="test")


def seeds(path: Path, count: int = 4) -> list[Pooled]:
    return list(open_pool(str(write_pool(path / "seeds.jsonl", count))).read())


def writer(url: str, **changes: Any) -> EndpointWriter:
    return EndpointWriter(url, "writer-1", pause_seconds=0.0, **changes)


def kept_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["7", "7.0", "$7$", "8"], ("kept", "7", 3)),
        (["7", "7", "8", None], ("no_agreement", "", 2)),
        (["7"] * 3 + ["8"] * 3 + ["9"], ("tied", "", 3)),
        ([None] * 10, ("no_agreement", "", 0)),
        (["1/2", "0.5", "\\frac{1}{2}"], ("kept", "1/2", 3)),
    ],
)
def test_three_solutions_must_agree_and_no_other_answer_as_many(
    answers: Sequence[str | None], expected: tuple[str, str, int]
) -> None:
    assert agreed(answers, 3) == expected


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("Problem: How many?", "How many?"),
        ("Sure!\n\n**Problem:** How many?\n\nSolution: 7", "How many?"),
        ("How many?", "How many?"),
        ("Problem: How many?\n<end_of_step>", "How many?"),
        ("Problem:", ""),
    ],
)
def test_the_problem_is_found_in_a_reply(reply: str, problem: str) -> None:
    assert parse_problem(reply) == problem


def test_a_server_writes_problems_that_become_a_pool(tmp_path: Path) -> None:
    out = tmp_path / "new.jsonl"
    with chat_server() as server:
        model = writer(server.url, key="k-1")
        counts = synthesize_problems(seeds(tmp_path), model, WrittenSolver(model), SETTINGS, out, None)
        assert {body["n"] for body in server.requests} == {1, 10}
        assert set(server.keys) == {"Bearer k-1"}
    assert sum(counts.values()) == 4
    rows = kept_rows(out)
    assert len(rows) == counts["kept"] > 0
    for row in rows:
        numbers = [int(word) for word in row["question"].replace(".", "").split() if word.isdigit()]
        assert row["num_agreeing"] >= 3
        assert int(row["answer"]) - sum(numbers) in (0, 1)
    pool = open_pool(str(out))
    assert examine(pool, None).num_problems == len(rows)
    assert all(each.is_synthetic for each in pool.read())


def test_a_server_that_gives_one_text_a_request_is_asked_until_there_are_ten(tmp_path: Path) -> None:
    with chat_server() as server:
        server.gives_one = True
        texts = asyncio.run(writer(server.url).write("Solve this: 1 + 2", 10, 5))
        assert len(texts) == len(server.requests) == 10
        assert len({body["seed"] for body in server.requests}) == 10


def test_a_server_that_fails_twice_is_asked_a_third_time() -> None:
    with chat_server() as server:
        server.failures = [500, 429]
        assert len(asyncio.run(writer(server.url).write("x", 1, 0))) == 1
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "raw", [b"<html>", b"{}", b'{"choices": []}', b'{"choices": [{"message": {"content": null}}]}', b"[" * 100_000]
)
def test_a_reply_that_is_no_completion_is_a_named_failure(raw: bytes) -> None:
    with chat_server() as server:
        server.raw = raw
        with pytest.raises(WriterFailure, match="chat completion"):
            asyncio.run(writer(server.url).write("x", 1, 0))


def test_a_server_that_does_not_know_the_model_is_the_user_s_mistake() -> None:
    with chat_server() as server:
        server.failures = [404]
        with pytest.raises(InputError, match="answers 404 for model 'writer-1'; check URL, model and key"):
            asyncio.run(writer(server.url).write("x", 1, 0))
    with pytest.raises(WriterFailure, match="ConnectionError"):
        asyncio.run(writer(server.url).write("x", 1, 0))
    with pytest.raises(InputError, match="is no URL"):
        EndpointWriter("localhost:8000", "m")


@dataclass(frozen=True)
class Author:
    """A policy that writes problems where it is asked for one, and else solves like the adding world."""

    def candidates(self, question: str, partial_solution: str, n: int, seed: int) -> list[str]:
        if "Write one new problem" not in question:
            return guides().policy.source.candidates(question, partial_solution, n, seed)  # type: ignore[attr-defined, no-any-return]
        rng = random.Random(f"{question}|{seed}")
        terms = [rng.randrange(2, 99) for _ in range(2)]
        return [f"Problem: What is the total of {terms[0]} and {terms[1]}?<end_of_step>"] * n

    def score(self, question: str, partial_solution: str) -> float:  # noqa: ARG002
        return 0.0

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def test_a_policy_writes_and_solves_with_its_programs(tmp_path: Path) -> None:
    out = tmp_path / "new.jsonl"
    policy = ScriptedPolicy(Author())
    solver = SearchedSolver(policy, guides().interpreter)
    counts = synthesize_problems(seeds(tmp_path, 12), PolicyWriter(policy), solver, SETTINGS, out, None)
    rows = kept_rows(out)
    assert len(rows) == counts["kept"] >= 4
    right = [
        row for row in rows if int(row["answer"]) == sum(int(w) for w in row["question"][:-1].split() if w.isdigit())
    ]
    assert len(right) >= len(rows) / 2
    assert {row["level"] for row in rows} <= {"1", "2"}


@dataclass(frozen=True)
class Fixed:
    """A writer that always writes the same."""

    text: str

    async def write(self, prompt: str, count: int, seed: int, temperature: float = 1.0) -> list[str]:  # noqa: ARG002
        return ["\\boxed{5}" if "Solve this" in prompt else self.text] * count


def outcomes(tmp_path: Path, text: str, index: OverlapIndex | None = None) -> dict[str, int]:
    model = Fixed(text)
    given = seeds(tmp_path, 3)
    return dict(synthesize_problems(given, model, WrittenSolver(model), SETTINGS, tmp_path / "o.jsonl", index))


def test_every_loss_has_a_name(tmp_path: Path) -> None:
    question = "A hen lays two eggs a day for nine days; how many eggs are there when three broke?"
    exam = Task("exam", "1", "eval", Source("x", "0" * 64, "MIT"), (Problem("exam/1", question),), {"exam/1": "15"})
    cases = [
        ("", None, {"unreadable": 3}),
        ("word " * 500, None, {"too_long": 3}),
        (question, OverlapIndex([exam]), {"test_question": 3}),
        ("What is 2 + 3?", None, {"kept": 1, "duplicate": 2}),
    ]
    for number, (text, index, expected) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert outcomes(folder, text, index) == expected


def test_a_copy_of_the_seed_is_a_duplicate(tmp_path: Path) -> None:
    first = seeds(tmp_path)[0].problem.question
    assert outcomes(tmp_path, first.upper()) == {"duplicate": 3}


def test_writing_goes_on_after_a_stop_and_ends_with_the_same_pool(tmp_path: Path) -> None:
    given = seeds(tmp_path, 6)

    class Stop(Exception):
        pass

    with chat_server() as server:
        model = writer(server.url)
        synthesize_problems(given, model, WrittenSolver(model), SETTINGS, tmp_path / "whole.jsonl", None)
        num_requests = len(server.requests)
        done: list[Outcome] = []

        def stop(outcome: Outcome) -> None:
            done.append(outcome)
            if len(done) == 3:
                raise Stop

        out = tmp_path / "new.jsonl"
        with pytest.raises(Stop):
            synthesize_problems(given, model, WrittenSolver(model), SETTINGS, out, None, concurrency=2, on_outcome=stop)
        server.requests.clear()
        synthesize_problems(given, model, WrittenSolver(model), SETTINGS, out, None, concurrency=2)
        assert len(server.requests) < num_requests
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_seed_whose_writer_failed_is_tried_again_by_the_next_call(tmp_path: Path) -> None:
    given = seeds(tmp_path, 2)
    with chat_server() as server:
        model = writer(server.url)
        server.raw = b"gone"
        assert synthesize_problems(given, model, WrittenSolver(model), SETTINGS, tmp_path / "o.jsonl", None) == {
            "failed": 2
        }
        server.raw = None
        counts = synthesize_problems(given, model, WrittenSolver(model), SETTINGS, tmp_path / "o.jsonl", None)
    assert counts["failed"] == 0
    assert sum(counts.values()) == 2


def test_outcomes_of_other_settings_are_refused(tmp_path: Path) -> None:
    outcomes(tmp_path, "What is 2 + 3?")
    model = Fixed("x")
    other = replace(SETTINGS, num_solutions=5)
    with pytest.raises(InputError, match="belongs to other settings"):
        synthesize_problems(seeds(tmp_path), model, WrittenSolver(model), other, tmp_path / "o.jsonl", None)
