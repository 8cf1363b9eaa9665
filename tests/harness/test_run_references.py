"""A reference answer meets a run in grading only: nothing that a search is handed leads to one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from reachable import reachable
from sum_runs import spec

import harness.run
from harness.run import Options, plan_run, run
from rstar.search.presets import METHODS, Method

SECRET = "31337000042"


def leaks(*roots: Any) -> bool:
    return any(isinstance(thing, str) and SECRET in thing for thing in reachable(*roots))


def secret_task(path: Path) -> Path:
    """A task whose references are secrets that its questions do not mention."""
    rows = [
        {"id": f"p{number}", "question": f"What is {number} + 1 + 2 + 3?", "answer": f"{SECRET}{number}"}
        for number in range(3)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("method", METHODS)
def test_nothing_that_a_search_is_handed_leads_to_a_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    walked: list[int] = []
    real = METHODS[method]

    async def walking(*arguments: Any, **keywords: Any) -> Any:
        found = list(reachable(arguments, keywords))
        assert not leaks(arguments, keywords)
        walked.append(len(found))
        result = await real.search(*arguments, **keywords)
        assert not leaks(arguments, keywords, result)
        return result

    monkeypatch.setitem(METHODS, method, Method(walking, real.config))
    budgets = [2] if method == "particle" else [1, 2]
    task = secret_task(tmp_path / "secret.jsonl")
    plan = plan_run(spec(task, preset="", method=method, budgets=budgets), tmp_path)
    assert leaks(plan)
    assert run(plan, Options(2)).status == "complete"
    assert len(walked) == 3
    assert min(walked) > 20


def test_a_reference_is_read_when_its_search_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    search, judge = harness.run.search, harness.run.judge

    async def noted_search(problem: Any, *arguments: Any) -> Any:
        result = await search(problem, *arguments)
        events.append(f"searched {problem.id}")
        return result

    def noted_judge(result: Any, reference: Any, **keywords: Any) -> Any:
        events.append(f"graded {result.problem_id}")
        return judge(result, reference, **keywords)

    monkeypatch.setattr("harness.run.search", noted_search)
    monkeypatch.setattr("harness.run.judge", noted_judge)
    plan = plan_run(spec(secret_task(tmp_path / "secret.jsonl")), tmp_path)
    run(plan, Options(1))
    assert events == [f"{what} secret/p{number}" for number in range(3) for what in ("searched", "graded")]


def test_neither_records_nor_journals_hold_a_reference(tmp_path: Path) -> None:
    plan = plan_run(spec(secret_task(tmp_path / "secret.jsonl"), trees="answers"), tmp_path)
    run(plan)
    for path in plan.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            text = gzip.decompress(content) if path.suffix == ".gz" else content
            assert SECRET.encode() not in text
