"""The solver as a model of lm-evaluation-harness, and its sample files back as a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lm_eval_runs import evaluate, gsm8k_task, model_args
from sum_runs import SOURCE, rstar, solved, write_task

from harness.checked_records import checked_records
from harness.retrying import EngineFailure
from harness.run_summary import summarize

pytest.importorskip("lm_eval", reason="lm_eval is not installed; make test-lm-eval installs it")
# Its own imports warn about each other.
pytestmark = [pytest.mark.lm_eval, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def task(tmp_path: Path) -> Path:
    return write_task(tmp_path / "sums.jsonl", 8)


def questions(task: Path) -> list[tuple[str, str]]:
    return [(row["question"], row["answer"]) for row in map(json.loads, task.read_text().splitlines())]


def user(task: Path) -> dict[str, str]:
    return {"rstar_task": f"user:{task}"}


def test_the_same_search_has_the_same_score_as_rstar_run(task: Path, tmp_path: Path) -> None:
    summary = summarize(solved(task, tmp_path, budgets=[4]).folder)
    found = evaluate("rstar_user", metadata=user(task))
    rule = summary.record.spec.rule
    accuracy = summary.point(rule, 4).accuracy.value
    assert 0 < accuracy < 1
    assert found["results"]["rstar_user"]["exact_match,none"] == accuracy
    verdicts = {
        r.problem_id: r.verdict(rule, 0) == "correct" for _, r in checked_records(summary.folder, summary.record)
    }
    assert {each["doc"]["id"]: each["exact_match"] == 1 for each in found["samples"]["rstar_user"]} == verdicts


def test_it_works_on_a_task_of_lm_eval(task: Path, tmp_path: Path) -> None:
    folder = gsm8k_task(tmp_path, questions(task))
    found = evaluate("local_gsm8k", path=folder, num_fewshot=2)["results"]["local_gsm8k"]
    assert 0 < found["exact_match,strict-match"] < 1
    assert found["exact_match,strict-match"] == found["exact_match,flexible-extract"]


def test_repeats_are_searches_with_seeds_of_their_own(task: Path, tmp_path: Path) -> None:
    folder = gsm8k_task(tmp_path, questions(task))
    (folder / "local.yaml").write_text((folder / "local.yaml").read_text() + "repeats: 3\nnum_fewshot: 0\n")
    first = evaluate("local_gsm8k", path=folder, args=model_args(budget=1))["samples"]["local_gsm8k"]
    replies = [each["resps"][0] for each in first]
    assert {len(each) for each in replies} == {3}
    assert any(len(set(each)) > 1 for each in replies)


def test_a_reply_may_hold_the_solution(task: Path) -> None:
    found = evaluate("rstar_user", metadata=user(task), args=model_args(reply="solution"), limit=2)
    assert all("<end_of_code>" in each["resps"][0][0] for each in found["samples"]["rstar_user"])


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ({"polcy": "x"}, "model arg 'polcy' of the model rstar is unknown; did you mean 'policy'?"),
        ({"budgets": 4}, "model arg 'budgets' of the model rstar is unknown; did you mean 'budget'?"),
        ({"reply": "all"}, "model arg 'reply': 'all' is unknown; use answer or solution"),
        ({"concurrency": 0}, "model arg 'concurrency': 0 is no whole number"),
        ({"budget": 0}, "budget = 0 is out of range"),
        ({"policy": "/nowhere"}, "/nowhere: does not exist"),
    ],
)
def test_a_model_arg_that_cannot_be_is_one_sentence(args: dict[str, Any], complaint: str, task: Path) -> None:
    with pytest.raises(ValueError, match=r".*") as caught:
        evaluate("rstar_user", metadata=user(task), args=model_args(**args))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_task_that_asks_for_log_likelihoods_is_refused(task: Path, tmp_path: Path) -> None:
    folder = gsm8k_task(tmp_path, questions(task))
    (folder / "local.yaml").write_text(
        (folder / "local.yaml").read_text()
        + "output_type: multiple_choice\ndoc_to_choice: ['a', 'b']\ndoc_to_target: 0\nnum_fewshot: 0\n"
        + "metric_list: [{metric: acc}]\nfilter_list: [{name: none, filter: [{function: take_first}]}]\n"
    )
    with pytest.raises(ValueError, match="task local_gsm8k: asks for log-likelihoods"):
        evaluate("local_gsm8k", path=folder)


def lm_eval(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.lm_eval", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=900, check=False)


@pytest.mark.slow
def test_the_command_writes_samples_that_come_back_as_a_run(task: Path, tmp_path: Path) -> None:
    done = lm_eval(
        *("--model", "rstar", "--model_args", model_args(), "--tasks", "rstar_user", "--log_samples"),
        *("--metadata", json.dumps(user(task)), "--output_path", tmp_path / "lm"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    [samples] = (tmp_path / "lm").rglob("samples_rstar_user_*.jsonl")
    assert rstar("import", "lm-eval", samples, "--task", f"user:{task}", "--out", tmp_path / "back") == 0
    [folder] = (each.parent for each in (tmp_path / "back").glob("*/*/run.json"))
    here = summarize(solved(task, tmp_path, budgets=[4]).folder)
    back = summarize(folder)
    assert back.point("majority", 1).accuracy.value == here.point(here.record.spec.rule, 4).accuracy.value
    assert back.record.spec.policy == str(SOURCE)
    unknown = lm_eval("--model", "rstar", "--model_args", "polcy=x", "--tasks", "rstar_procedural", cwd=tmp_path)
    assert unknown.returncode == 2
    assert unknown.stderr.splitlines()[-1].startswith("error: model arg 'polcy' of the model rstar is unknown")


def test_an_engine_that_fails_ends_the_evaluation_with_its_own_words(task: Path, tmp_path: Path) -> None:
    source = tmp_path / "broken_source.py"
    source.write_text(SOURCE.read_text() + "\ndef candidates(*_):\n    raise RuntimeError('out of luck')\n")
    with pytest.raises(EngineFailure, match="out of luck"):
        evaluate("rstar_user", metadata=user(task), args=model_args(policy=source), limit=3)
