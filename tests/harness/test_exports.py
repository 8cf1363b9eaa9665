"""`rstar export`: tables, refusals, marks of unfinished runs, and files that hold together without their readers."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml  # type: ignore[import-untyped]
from handmade_runs import End, failed, record_of, right, spec_of, write_run, wrong
from huggingface_hub import ModelCardData, parse_eval_result_entries
from huggingface_hub.repocard_data import model_index_to_eval_results
from sum_runs import rstar, solved, write_task

from harness.exports.tables import TABLES
from harness.run_summary import summarize

SPEC = spec_of([1, 2])
FORMATS = ("lm-eval", "inspect", "inspect-json", "hf-eval", "parquet", "csv")
NEEDS = {
    "hf-eval": ["--hub-dataset", "some/benchmark"],
    "lm-eval": ["--without-task"],
    "inspect": ["--without-task"],
    "inspect-json": ["--without-task"],
}
HOSTILE = '=HYPERLINK("x")\n"quoted", \\frac{1}{2} \ud800 é [red]'


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three problems: right at once; right at 2 and not selected by value; no answer."""
    ends = [[right(), right()], [wrong(0.9, HOSTILE), right(0.1)], [End(ending="truncated"), End(ending="code_error")]]
    return write_run(tmp_path / "run", SPEC, [record_of(SPEC, f"p{i}", each) for i, each in enumerate(ends)])


def exported(folder: Path, name: str, *more: object) -> Path:
    """The folder into which a run was exported."""
    assert rstar("export", folder, "--format", name, *NEEDS.get(name, ()), *more) == 0
    return folder / "exports" / name


def test_parquet_holds_every_documented_column_with_its_meaning(run: Path) -> None:
    out = exported(run, "parquet")
    for table, columns in TABLES.items():
        schema = pq.read_schema(out / f"{table}.parquet")
        assert schema.names == [column.name for column in columns]
        for column in columns:
            assert schema.field(column.name).metadata[b"meaning"].decode() == column.meaning
        facts = json.loads(schema.metadata[b"rstar_run"])
        assert facts["is_complete"]


def test_accuracies_of_the_problems_table_are_those_of_the_report(run: Path) -> None:
    frame = pd.read_parquet(exported(run, "parquet") / "problems.parquet")
    summary = summarize(run)
    for (rule, budget), rows in frame.groupby(["rule", "budget"]):
        assert rows.is_correct.mean() == pytest.approx(summary.point(rule, budget).accuracy.value)
    assert len(frame) == 3 * len(SPEC.rules) * len(SPEC.budgets)
    assert frame.is_correct.equals(frame.failure_bin.isna())
    best = frame[(frame.rule == "best") & (frame.budget == 2)].set_index("problem")
    assert best.failure_bin.dropna().to_dict() == {"p1": "reward", "p2": "truncated"}
    assert best.completion_tokens.tolist() == [20, 20, 20]


def test_the_trajectories_table_has_a_row_for_each(run: Path) -> None:
    frame = pd.read_parquet(exported(run, "parquet") / "trajectories.parquet")
    assert frame.groupby("problem").trajectory.apply(list).tolist() == [[0, 1]] * 3
    assert frame.verdict.tolist() == ["correct", "correct", "incorrect", "correct", "no_answer", "no_answer"]
    assert frame.ending.tolist()[-2:] == ["truncated", "code_error"]
    assert frame.wall_seconds.tolist() == [1.0, 2.0] * 3


def test_csv_reads_back_as_the_parquet_tables(run: Path) -> None:
    csv, parquet = exported(run, "csv"), exported(run, "parquet")
    for table in TABLES:
        read = pd.read_csv(csv / f"{table}.csv", keep_default_na=False, na_values={"answer_class": [""]})
        stored = pd.read_parquet(parquet / f"{table}.parquet")
        assert list(read.columns) == list(stored.columns)
        assert read.answer.tolist() == stored.answer.fillna("").tolist()
        assert read.wall_seconds.tolist() == stored.wall_seconds.tolist()


def test_text_of_a_model_comes_back_as_it_was_but_for_what_utf_8_cannot_hold(run: Path) -> None:
    frame = pd.read_parquet(exported(run, "parquet") / "trajectories.parquet")
    assert frame.answer[2] == HOSTILE.replace("\ud800", "\\ud800")


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_run_gives_the_same_files(run: Path, tmp_path: Path, name: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for out in (first, second):
        exported(run, name, "--out", out)
    files = [path.relative_to(first) for path in first.rglob("*") if path.is_file()]
    assert files
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_an_unfinished_run_is_refused_and_with_partial_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    records = [record_of(SPEC, "p0", [right()] * 2), failed("p1", error="policy: lost \ud800")]
    folder = write_run(tmp_path / "run", SPEC, records, num_problems=4, status="interrupted")
    assert rstar("export", folder, "--format", name, *NEEDS.get(name, ())) == 2
    error = capsys.readouterr().err
    assert "is unfinished: 1 of 4 searches done, 1 failed, 2 missing" in error
    assert error.count("\n") == 1
    assert not (folder / "exports").exists()
    assert _is_marked(exported(folder, name, "--partial"), name)
    assert "marked in the export: PARTIAL: 1 of 4 searches done" in capsys.readouterr().err


def _is_marked(out: Path, name: str) -> bool:
    match name:
        case "parquet":
            frames = [pd.read_parquet(out / f"{table}.parquet") for table in TABLES]
            return all((frame.status == "interrupted").all() and len(frame) for frame in frames)
        case "csv":
            return all((pd.read_csv(out / f"{table}.csv").status == "interrupted").all() for table in TABLES)
        case "hf-eval":
            texts = [path.read_text() for path in out.rglob("*.yaml")]
            return len(texts) == 2 and all("PARTIAL: 1 of 4" in text for text in texts)
        case "lm-eval":
            [results] = out.rglob("results_*.json")
            [samples] = out.rglob("samples_*.jsonl")
            rows = [json.loads(line) for line in samples.read_text().splitlines()]
            marks = {row["arguments"]["gen_args_0"]["arg_1"]["run_status"] for row in rows}
            figures = json.loads(results.read_text())["results"]["sums"]
            return "PARTIAL" in figures["alias"] and figures["exact_match,best"] == 0.25 and marks == {"interrupted"}
    header = _header(out)
    return header["status"] == "cancelled" and "PARTIAL: 1 of 4 searches done" in header["eval"]["tags"]


def _header(out: Path) -> dict[str, object]:
    [path] = out.iterdir()
    if path.suffix == ".json":
        content: dict[str, object] = json.loads(path.read_text())
        return content
    with zipfile.ZipFile(path) as archive:
        header: dict[str, object] = json.loads(archive.read("header.json"))
        return header


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_without_problems_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    folder = write_run(tmp_path / "run", SPEC, [])
    assert rstar("export", folder, "--format", name, *NEEDS.get(name, ())) == 2
    assert capsys.readouterr().err == f"error: {folder}: the run has no problems; there is nothing to export\n"


@pytest.mark.parametrize("name", FORMATS)
def test_one_problem_all_right_is_exported_without_a_warning(tmp_path: Path, name: str) -> None:
    exported(write_run(tmp_path / "run", SPEC, [record_of(SPEC, "p0", [right()] * 2)]), name)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--format", "excel"], "--format excel: is unknown; use lm-eval, inspect,"),
        (["--format", "csv", "--budget", 3], "--budget 3: answers were chosen at 1, 2; name one of them"),
        (["--format", "csv", "--rule", "oracle"], "--rule oracle: this run has best, majority, weighted, top_k"),
        (["--format", "hf-eval"], "--hub-dataset : name the benchmark's data set on the Hub"),
        (["--format", "hf-eval", "--hub-dataset", "gsm8k"], "--hub-dataset gsm8k: name the benchmark's data set"),
        (["--format", "lm-eval"], "leave questions and references out with --without-task"),
    ],
)
def test_what_cannot_be_exported_is_one_line_that_names_the_fix(
    run: Path, capsys: pytest.CaptureFixture[str], flags: list[object], text: str
) -> None:
    assert rstar("export", run, *flags) == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1


def test_a_broken_record_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = replace(record_of(SPEC, "p0", [right()] * 2), values=(0.1,))
    folder = write_run(tmp_path / "run", SPEC, [broken])
    assert rstar("export", folder, "--format", "csv") == 2
    assert "line 1: is broken: values has 1 entries, for 2 trajectories" in capsys.readouterr().err


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_that_cannot_be_written_to_is_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "below"
    assert rstar("export", run, "--format", name, *NEEDS.get(name, ()), "--out", out) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / "file") in error
    assert error.count("\n") == 1


def test_the_hub_s_own_reader_reads_the_entry(run: Path) -> None:
    out = exported(run, "hf-eval", "--hub-task", "main", "--source-url", "https://example.org/run")
    [path] = (out / ".eval_results").iterdir()
    assert path.name == "sums-sample-best-2.yaml"
    [entry] = parse_eval_result_entries(yaml.safe_load(path.read_text()))
    assert (entry.dataset_id, entry.task_id) == ("some/benchmark", "main")
    assert entry.value == pytest.approx(100 / 3, abs=1e-4)
    assert (entry.date, entry.source_url) == ("2026-01-02T03:05:00+00:00", "https://example.org/run")
    assert entry.notes is not None
    assert entry.notes.startswith("sample search, 2 trajectories, best score; 95 % interval")


def test_the_hub_s_own_reader_reads_the_curve_of_the_model_card(run: Path) -> None:
    content = yaml.safe_load((exported(run, "hf-eval") / "model-index.yaml").read_text())
    name, results = model_index_to_eval_results(content["model-index"])
    assert name == "a"
    assert len(results) == (len(SPEC.rules) + 1) * len(SPEC.budgets)
    values = {result.metric_name: result.metric_value for result in results}
    assert values["oracle at 2"] == pytest.approx(200 / 3, abs=1e-4)
    assert ModelCardData(**{"model-index": content["model-index"]}).eval_results


def test_inspect_samples_and_summaries_are_the_searches(run: Path) -> None:
    [path] = exported(run, "inspect").iterdir()
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        assert names >= {"header.json", "summaries.json", "_journal/start.json", "samples/p1_epoch_1.json"}
        sample = json.loads(archive.read("samples/p1_epoch_1.json"))
        header = json.loads(archive.read("header.json"))
    assert sample["scores"]["best"]["metadata"] == {"verdict": "incorrect", "failure_bin": "reward"}
    assert sample["output"]["completion"] == HOSTILE.replace("\ud800", "\\ud800")
    assert header["results"]["scores"][0]["metrics"]["accuracy"]["value"] == pytest.approx(1 / 3)


def test_no_path_of_the_machine_that_ran_is_published(tmp_path: Path) -> None:
    spec = spec_of([1, 2], policy="/secret/home/model", ppm="/secret/home/judge")
    folder = write_run(tmp_path / "run", spec, [record_of(spec, "p0", [right()] * 2)])
    for name in FORMATS:
        for path in exported(folder, name).rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                if path.suffix == ".eval":
                    with zipfile.ZipFile(path) as archive:
                        content = b"".join(map(archive.read, archive.namelist()))
                assert b"/secret" not in content


def test_kept_solutions_questions_and_references_are_part_of_a_log(tmp_path: Path) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 2), tmp_path, seeds=[0, 1])
    out = tmp_path / "log"
    assert rstar("export", plan.folder, "--format", "lm-eval", "--out", out) == 0
    [samples] = out.rglob("samples_*.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    assert len(rows) == 4
    assert {row["doc_id"] for row in rows} == {0, 1}
    for row in rows:
        numbers = map(int, row["doc"]["question"].removeprefix("What is ").removesuffix("?").split(" + "))
        assert int(row["target"]) == sum(numbers)
        assert row["doc"]["question"] in row["arguments"]["gen_args_0"]["arg_0"]
        assert len(row["resps"][0]) == 4
        assert any("<end_of_code>" in reply for reply in row["resps"][0])
        assert row["exact_match"] == float(row["filtered_resps"][0] == row["target"])
    assert rstar("export", plan.folder, "--format", "lm-eval", "--out", out, "--no-solutions") == 0
    assert "<end_of_code>" not in samples.read_text().replace(rows[0]["arguments"]["gen_args_0"]["arg_0"], "")


def test_a_task_that_has_changed_is_not_put_beside_the_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = write_task(tmp_path / "sums.jsonl", 2)
    plan = solved(task, tmp_path)
    task.write_text(task.read_text().replace("What is", "What was"))
    assert rstar("export", plan.folder, "--format", "inspect") == 2
    error = capsys.readouterr().err
    assert "the run had" in error
    assert "--without-task" in error
    assert rstar("export", plan.folder, "--format", "inspect", "--without-task") == 0


def test_the_documented_columns_are_those_of_the_tables() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
    for table, columns in TABLES.items():
        section = documented.split(f"### {table}\n", 1)[1].split("\n#", 1)[0]
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        assert rows == [f"| `{column.name}` | {column.type} | {column.meaning} |" for column in columns]
