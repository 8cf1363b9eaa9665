"""Exports as their own tools read them: Inspect AI's log reader and data frames, lm-evaluation-harness's schema.

Neither is a dependency, so these are skipped where they are not installed. To run them:

    python -m venv readers && readers/bin/pip install inspect_ai lm_eval
    # in readers/lib/python3.11/site-packages/main.pth: this environment's site-packages and the repository's root
    readers/bin/python -m pytest tests/harness/test_export_readers.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from handmade_runs import failed, record_of, right, spec_of, write_run, wrong
from sum_runs import rstar, solved, write_task

from harness.run_summary import RunSummary, summarize

# Their own imports warn about each other.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of four problems with two seeds whose solutions were kept."""
    return solved(write_task(tmp_path / "sums.jsonl", 4), tmp_path, seeds=[0, 1]).folder


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    """One right, one wrong, one failed, one missing."""
    spec = spec_of([1, 2])
    records = [record_of(spec, "a/b", [right()] * 2), record_of(spec, "c", [wrong()] * 2), failed("d")]
    return write_run(tmp_path / "partial", spec, records, num_problems=4, status="partial")


def exported(folder: Path, name: str, *more: object) -> Path:
    """The folder into which a run was exported."""
    assert rstar("export", folder, "--format", name, *more) == 0
    return folder / "exports" / name


def accuracy(summary: RunSummary, rule: str) -> float:
    """At the largest budget."""
    return summary.point(rule, summary.record.spec.budgets[-1]).accuracy.value


@pytest.mark.parametrize("name", ["inspect", "inspect-json"])
def test_inspect_reads_the_log_and_its_samples(run: Path, name: str) -> None:
    log_module = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    summary = summarize(run)
    [info] = log_module.list_eval_logs(str(exported(run, name)))
    log = log_module.read_eval_log(info)
    assert (log.version, log.status, log.eval.task) == (2, "success", "sums")
    assert (info.task, info.task_id) == ("sums", log.eval.task_id)
    assert {score.name: score.metrics["accuracy"].value for score in log.results.scores} == {
        rule: accuracy(summary, rule) for rule in summary.record.spec.rules
    }
    assert len(log.samples) == 8
    shares = dict.fromkeys(summary.record.spec.rules, 0)
    for sample in log.samples:
        for rule, score in sample.scores.items():
            shares[rule] += score.as_str() == "C"
        assert sample.target == str(sum(map(int, sample.input.removeprefix("What is ").removesuffix("?").split(" + "))))
        if sample.scores["weighted"].answer:
            assert f"\\boxed{{{sample.scores['weighted'].answer}}}" in sample.output.completion
    assert {rule: count / 8 for rule, count in shares.items()} == {rule: accuracy(summary, rule) for rule in shares}
    one = log_module.read_eval_log_sample(info, id="sums/p3", epoch=2)
    assert one.metadata["seed"] == 1
    summaries = log_module.read_eval_log_sample_summaries(info)
    assert {(each.id, each.epoch) for each in summaries} == {(each.id, each.epoch) for each in log.samples}


def test_inspect_writes_back_what_it_read(run: Path, tmp_path: Path) -> None:
    log_module = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    [info] = log_module.list_eval_logs(str(exported(run, "inspect")))
    log = log_module.read_eval_log(info)
    log_module.write_eval_log(log, str(tmp_path / "again.eval"))
    again = log_module.read_eval_log(str(tmp_path / "again.eval"))
    assert again.model_dump(exclude={"location", "etag"}) == log.model_dump(exclude={"location", "etag"})


@pytest.mark.parametrize("name", ["inspect", "inspect-json"])
def test_inspect_s_data_frames_have_a_row_for_each_search(run: Path, name: str) -> None:
    analysis = pytest.importorskip("inspect_ai.analysis", reason="inspect_ai is not installed")
    out = str(exported(run, name))
    evals, samples = analysis.evals_df(out, quiet=True), analysis.samples_df(out, quiet=True)
    assert evals.score_headline_value[0] == accuracy(summarize(run), "weighted")
    assert len(samples) == samples.sample_id.nunique() == 8
    assert set(samples.metadata_seed) == {0, 1}


@pytest.mark.parametrize("name", ["inspect", "inspect-json"])
def test_inspect_sees_that_a_run_is_not_complete(partial: Path, name: str) -> None:
    log_module = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    [info] = log_module.list_eval_logs(str(exported(partial, name, "--partial", "--without-task")))
    log = log_module.read_eval_log(info)
    assert log.status == "error"
    assert "PARTIAL: 2 of 4 searches done" in log.tags
    assert [sample.error.message for sample in log.samples if sample.error] == ["policy: connection lost"]
    assert (log.results.total_samples, log.results.completed_samples) == (4, 2)
    assert log_module.read_eval_log_sample(info, id="a/b", epoch=1).scores["best"].value == "C"


def lm_eval_files(out: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Samples and results, found and named as lm-eval does."""
    names = pytest.importorskip("lm_eval.utils", reason="lm_eval is not installed")
    files = [str(path) for path in out.rglob("*")]
    [samples], [results] = names.get_sample_results_filenames(files), names.get_results_filenames(files)
    assert names.get_file_task_name(Path(samples).name) == "sums"
    assert names.get_file_datetime(Path(samples).name) == names.get_file_datetime(Path(results).name)[: -len(".json")]
    rows = [json.loads(line) for line in Path(samples).read_text(encoding="utf-8").splitlines()]
    return rows, json.loads(Path(results).read_text(encoding="utf-8"))


def test_lm_eval_s_schema_takes_the_samples_and_the_results(run: Path) -> None:
    schema = pytest.importorskip("lm_eval.result_schema", reason="lm_eval is not installed")
    from pydantic import TypeAdapter

    rows, results = lm_eval_files(exported(run, "lm-eval"))
    for row in rows:
        TypeAdapter(schema.SampleResult).validate_python(row)
    TypeAdapter(schema.EvalResults).validate_python(results)
    shown = sum(row["exact_match"] for row in rows) / len(rows)
    assert results["results"]["sums"]["exact_match,weighted"] == pytest.approx(shown)
    assert shown == pytest.approx(accuracy(summarize(run), "weighted"))


def test_lm_eval_prints_its_table_of_the_results(run: Path, partial: Path) -> None:
    names = pytest.importorskip("lm_eval.utils", reason="lm_eval is not installed")
    _, results = lm_eval_files(exported(run, "lm-eval"))
    assert "exact_match" in names.make_table(results)
    _, marked = lm_eval_files(exported(partial, "lm-eval", "--partial", "--without-task"))
    assert "sums (PARTIAL: 2 of 4 searches done)" in names.make_table(marked)


def test_the_hub_s_loader_reads_the_samples(run: Path, partial: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    for folder, more in ((run, ()), (partial, ("--partial", "--without-task"))):
        [samples] = exported(folder, "lm-eval", *more).rglob("samples_*.jsonl")
        cache = str(tmp_path / folder.name / "cache")
        read = datasets.load_dataset("json", data_files=str(samples), split="train", cache_dir=cache)
        assert {"doc_id", "doc", "target", "resps", "filtered_resps", "exact_match"} <= set(read.column_names)
