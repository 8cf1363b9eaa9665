"""Sample files of lm-evaluation-harness as runs: graded again, comparable, and refused by file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sum_runs import rstar, solved, write_task

from harness.checked_records import checked_records
from harness.run_folder import RunRecord
from harness.run_summary import summarize

TIME = "2026-11-24T10-00-00.123456"


def sample(number: int, question: str, *replies: str, **changes: Any) -> dict[str, Any]:
    return {
        "doc_id": number,
        "doc": {"question": question},
        "target": "?",
        "arguments": {"gen_args_0": {"arg_0": question, "arg_1": {"do_sample": False, "max_gen_toks": 99}}},
        "resps": [list(replies)],
        "filtered_resps": [replies[0]],
        "filter": "none",
        "exact_match": 1.0,
        **changes,
    }


def write_samples(folder: Path, rows: list[Any], task: str = "sums", model: str | None = "org/small-1b") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"samples_{task}_{TIME}.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    if model:
        config = {"model": "hf", "model_args": {"pretrained": model}, "random_seed": 7, "limit": None}
        results = {"results": {task: {}}, "config": config, "git_hash": "abc123", "date": 1.5}
        path.with_name(f"results_{TIME}.json").write_text(json.dumps(results))
    return path


@pytest.fixture
def task(tmp_path: Path) -> Path:
    return write_task(tmp_path / "sums.jsonl", 4)


def questions(task: Path) -> list[tuple[str, str]]:
    return [(row["question"], row["answer"]) for row in map(json.loads, task.read_text().splitlines())]


def half_right(task: Path) -> list[dict[str, Any]]:
    """The first two problems right, the third wrong, the fourth without an answer."""
    replies = ["So \\boxed{%s}.", "the answer is %s", "\\boxed{-1}", "I do not know."]
    return [
        sample(
            number, question.replace(" ", "  "), replies[number] % answer if "%" in replies[number] else replies[number]
        )
        for number, (question, answer) in enumerate(questions(task))
    ]


def imported(samples: Path, task: Path, *more: object) -> Path:
    out = samples.parent / "out"
    assert rstar("import", "lm-eval", samples, "--task", f"user:{task}", "--out", out, *more) == 0
    [folder] = (each.parent for each in out.glob("*/*/run.json"))
    return folder


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert rstar("import", "lm-eval", *arguments) == 2
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    return text


def test_replies_are_graded_by_our_checker(task: Path, tmp_path: Path) -> None:
    folder = imported(write_samples(tmp_path / "lm", half_right(task)), task)
    summary = summarize(folder)
    assert summary.is_complete
    assert summary.point("majority", 1).accuracy.value == 0.5
    verdicts = {
        record.problem_id: record.verdict("majority", 0) for _, record in checked_records(folder, summary.record)
    }
    assert verdicts == {
        "sums/p0": "correct",
        "sums/p1": "correct",
        "sums/p2": "incorrect",
        "sums/p3": "no_answer",
    }


def test_the_run_says_where_it_came_from(task: Path, tmp_path: Path) -> None:
    samples = write_samples(tmp_path / "lm", half_right(task))
    record = RunRecord.read(imported(samples, task))
    spec = record.spec
    assert (spec.engine, spec.method, spec.policy, spec.seeds) == ("imported", "sample", "org/small-1b", (7,))
    assert (spec.config.temperature, spec.max_new_tokens, spec.limit) == (0, 99, None)
    [session] = record.sessions
    told = session["imported"]
    assert (told["tool"], told["file"], told["git_hash"]) == ("lm-evaluation-harness", samples.name, "abc123")
    assert (told["config"]["model_args"], told["num_documents"]) == ({"pretrained": "org/small-1b"}, 4)
    assert record.id.startswith("sample-small-1b-")


def test_the_report_names_the_source_and_where_verdicts_differ(
    task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(write_samples(tmp_path / "lm", half_right(task)), task)
    shown = capsys.readouterr().out
    assert "of lm-evaluation-harness: the costs above are not known" in shown
    assert "own exact_match is 100.0 %; on the first reply its verdict differs from ours on 2 problems" in shown
    assert "(sums/p2, sums/p3)" in shown


def test_repeats_are_trajectories_with_a_majority_vote(task: Path, tmp_path: Path) -> None:
    rows = [
        sample(number, question, "\\boxed{-1}", f"\\boxed{{{answer}}}", f"\\boxed{{{answer}}}")
        for number, (question, answer) in enumerate(questions(task))
    ]
    summary = summarize(imported(write_samples(tmp_path / "lm", rows), task))
    assert summary.record.spec.budgets == (1, 2, 3)
    assert [summary.point("majority", budget).accuracy.value for budget in (1, 3)] == [0, 1]


def test_lines_of_several_filters_are_one_document(task: Path, tmp_path: Path) -> None:
    rows = [{**row, "filter": name} for row in half_right(task) for name in ("strict-match", "flexible-extract")]
    assert summarize(imported(write_samples(tmp_path / "lm", rows), task)).num_done == 4


def test_an_exported_run_comes_back_with_the_same_score(task: Path, tmp_path: Path) -> None:
    run = solved(task, tmp_path, method="sample", preset="self-consistency", ppm="none", budgets=[1, 4]).folder
    assert rstar("export", run, "--format", "lm-eval", "--out", tmp_path / "lm") == 0
    [samples] = (tmp_path / "lm").glob("*/samples_*.jsonl")
    before, after = summarize(run), summarize(imported(samples, task))
    for budget in (1, 4):
        assert after.point("majority", budget).accuracy.value == before.point("majority", budget).accuracy.value
    assert after.point("majority", 4).accuracy.value > 0


def test_an_imported_run_enters_a_comparison(task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = solved(task, tmp_path, budgets=[1]).folder
    baseline = imported(write_samples(tmp_path / "lm", half_right(task)), task)
    capsys.readouterr()
    assert rstar("compare", baseline, run) == 0
    assert "4 problems" in capsys.readouterr().out
    assert rstar("report", baseline) == 0


def test_an_imported_run_cannot_be_resumed(task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = imported(write_samples(tmp_path / "lm", half_right(task)), task)
    capsys.readouterr()
    assert rstar("resume", folder) == 2
    assert "cannot be run or resumed" in capsys.readouterr().err


def test_a_file_is_imported_once(task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = write_samples(tmp_path / "lm", half_right(task))
    imported(samples, task)
    assert "was imported before" in refusal(capsys, samples, "--task", f"user:{task}", "--out", tmp_path / "lm" / "out")


def test_a_part_of_a_task_is_marked_as_limited(task: Path, tmp_path: Path) -> None:
    record = RunRecord.read(imported(write_samples(tmp_path / "lm", half_right(task)[:3]), task))
    assert (record.num_problems, record.num_task_problems, record.spec.limit) == (3, 4, 3)


def test_our_yaml_tasks_need_no_flag(tmp_path: Path) -> None:
    from tasks.catalog import load_task

    problem = load_task("procedural").problems[5]
    row = sample(5, problem.question, "\\boxed{1}", doc={"id": problem.id, "question": problem.question})
    samples = write_samples(tmp_path / "lm", [row], task="rstar_procedural")
    assert rstar("import", "lm-eval", samples, "--out", tmp_path / "out") == 0
    assert list((tmp_path / "out" / "procedural").iterdir())


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{", "line 2: not JSON"),
        ({"reply": "5", "reference": "5"}, "line 2: field 'doc_id' is missing; this is no sample file"),
        (sample(9, "q", "r", resps=[[["-1.5", "False"]]]), "line 2: field 'resps' holds a list without one text"),
        (sample(9, "q", "r", doc={"text": "q"}), "line 2: field 'doc' holds no question"),
        (sample(9, "What is love?", "r"), "line 2: its question 'What is love?' is in no problem of task sums"),
        (sample(0, "q", "other"), "line 2: field 'doc_id' repeats 0 of line 1 with other replies"),
        (sample(9, "q", "r", "s"), "line 2: field 'resps' holds 2 replies, those before it 1"),
    ],
)
def test_a_broken_line_is_named(
    row: Any, complaint: str, task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = write_samples(tmp_path / "lm", [half_right(task)[0], row])
    text = refusal(capsys, samples, "--task", f"user:{task}", "--out", tmp_path / "out")
    assert f"{samples}, {complaint}" in text
    assert not (tmp_path / "out").exists()


def test_a_problem_that_stands_there_twice_is_named(
    task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = half_right(task)[0]
    samples = write_samples(tmp_path / "lm", [first, {**first, "doc_id": 9}])
    assert "line 2: it is problem sums/p0 of task sums, as line 1 is" in refusal(
        capsys, samples, "--task", f"user:{task}"
    )


def test_a_file_without_a_model_or_a_task_says_what_to_name(
    task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = write_samples(tmp_path / "lm", half_right(task), model=None)
    assert "give its name with --model" in refusal(capsys, samples, "--task", f"user:{task}")
    assert "task 'sums' of lm-evaluation-harness is none of ours" in refusal(capsys, samples, "--model", "m")
    broken = tmp_path / "results.json"
    broken.write_text("[]")
    assert f"{broken}: has no field 'results'" in refusal(capsys, samples, "--results", broken)
