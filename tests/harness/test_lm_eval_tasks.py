"""Our tasks as YAML for lm-evaluation-harness: every eval task, the same verdicts, and missing data named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from lm_eval_runs import OURS, evaluate
from sum_runs import write_task

from tasks.answers import extract, grade
from tasks.catalog import load_task, summaries
from tasks.types import InputError

pytest.importorskip("lm_eval", reason="lm_eval is not installed; make test-lm-eval installs it")
pytestmark = [pytest.mark.lm_eval, pytest.mark.filterwarnings("ignore")]


def settings(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def test_every_eval_task_has_a_file_of_its_name() -> None:
    named = {
        content["dataset_kwargs"]["rstar_task"]: content["task"]
        for path in OURS.glob("rstar_*.yaml")
        if "dataset_kwargs" in (content := settings(path))
    }
    assert named == {each.name: f"rstar_{each.name.replace('-', '_')}" for each in summaries() if each.role == "eval"}


def test_any_model_can_answer_and_is_graded_by_our_checker() -> None:
    found = evaluate("rstar_procedural", model="dummy", args="", limit=3)
    samples = found["samples"]["rstar_procedural"]
    task = load_task("procedural")
    for each, problem in zip(samples, task.problems, strict=False):
        assert each["doc"]["id"] == problem.id
        assert "put your final answer within \\boxed{}" in each["arguments"][0][0]
        verdict = grade(extract(each["resps"][0][0]), task.answers[problem.id]).verdict
        assert each["exact_match"] == (verdict == "correct")
        assert each["no_answer"] == (verdict == "no_answer")
    assert {"exact_match,none", "no_answer,none", "grader_error,none"} <= set(found["results"]["rstar_procedural"])


def test_missing_data_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RSTAR_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RSTAR_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(InputError) as caught:
        evaluate("rstar_aime2024")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("aime2024_test.json: cannot be downloaded from")
    assert "set RSTAR_DATA_DIR to it" in str(caught.value)


def test_a_user_task_without_a_file_says_how_to_name_it() -> None:
    with pytest.raises(InputError, match="task rstar_user: no file is named; give one with --metadata"):
        evaluate("rstar_user")


def test_several_references_are_all_accepted(tmp_path: Path) -> None:
    from tasks.lm_eval.questions import load, process_results

    task = write_task(tmp_path / "sums.jsonl", 2)
    [first, _] = load(rstar_task=f"user:{task}", version=1.0)["test"]
    assert len(first["references"]) == 1
    either = {"references": ["1/2", "5"]}
    assert process_results(either, ["\\boxed{0.5}"])["exact_match"] == 1
    assert process_results(either, ["\\boxed{5}"])["exact_match"] == 1
    assert process_results(either, ["nothing"]) == {"exact_match": 0, "no_answer": 1, "grader_error": 0}
