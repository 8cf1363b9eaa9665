from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "replies.jsonl"
RIGHT = {"id": "a", "reference": "1/2", "reply": "so \\boxed{0.5}"}
WRONG = {"id": "b", "reference": "50", "reply": "so \\boxed{0.5}"}
NONE = {"id": "c", "reference": "3", "reply": "I do not know."}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(*arguments: object) -> int:
    """The exit code of `rstar grade` with one worker."""
    with pytest.raises(SystemExit) as caught:
        main(["grade", *map(str, arguments), "--workers", "1"])
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "replies.jsonl", RIGHT, WRONG, NONE)


def test_the_summary_counts_every_verdict(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["rows"] == 3
    counts = {"correct": 1, "incorrect": 1, "no_answer": 1, "grader_error": 0}
    assert summary["graders"] == {"strict": {**counts, "accuracy": pytest.approx(1 / 3)}}


def test_the_text_and_the_json_summary_agree(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, "--policy", "both") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["correct", "1", "33.3", "%", "2", "66.7", "%"] in lines
    assert ["no_answer", "1", "33.3", "%", "1", "33.3", "%"] in lines
    assert ["accuracy", "33.3", "%", "66.7", "%"] in lines
    assert ["b", "50", "0.5", "incorrect", "correct", "official"] in lines


def test_out_holds_one_graded_row_per_row(file: Path, tmp_path: Path) -> None:
    assert run(file, "--out", tmp_path / "out") == 0
    first, second, third = rows_of(tmp_path / "out")
    assert [row["verdict"] for row in (first, second, third)] == ["correct", "incorrect", "no_answer"]
    detail, version = first.pop("detail"), first.pop("grader_version")
    assert isinstance(detail, str)
    assert isinstance(version, str)
    assert first == {"id": "a", "reference": "1/2", "predicted": "0.5", "verdict": "correct", "policy": "strict"}
    assert third["predicted"] is None


def test_a_graded_file_can_be_graded_again_in_place(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(file, "--out", out) == 0
    before = rows_of(out)
    assert run(out, "--out", out, "--diff", out, "--fail-on-diff") == 0
    assert rows_of(out) == before


def test_diff_shows_the_changes_and_fails_only_on_request(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = write(tmp_path / "earlier", {"id": "a", "verdict": "incorrect"}, {"id": "gone", "verdict": "correct"})
    assert run(file, "--diff", earlier, "--json") == 0
    diff = json.loads(capsys.readouterr().out)["diff"]
    assert diff.pop("examples") == [
        {"id": "a", "reference": "1/2", "predicted": "0.5", "there": "incorrect", "here": "correct"}
    ]
    assert diff == {
        "file": str(earlier),
        "same": 0,
        "changed": 1,
        "changes": {"incorrect -> correct": 1},
        "only_here": 2,
        "only_there": 1,
    }
    assert run(file, "--diff", earlier, "--fail-on-diff") == 1
    assert "incorrect  correct     1" in capsys.readouterr().out


def test_a_queue_that_was_filled_in_settles_its_rows(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queue, decided, out = tmp_path / "queue", tmp_path / "decided", tmp_path / "out"
    assert run(file, "--policy", "both", "--queue", queue) == 0
    [disputed] = rows_of(queue)
    assert (disputed["id"], disputed["ours"], disputed["theirs"]) == ("b", "incorrect", "correct")
    write(decided, disputed | {"verdict": "correct", "reason": "a percentage was asked for"})
    capsys.readouterr()
    assert run(file, "--policy", "both", "--overrides", decided, "--queue", queue, "--out", out, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["graders"]["strict"]["correct"] == 2
    assert summary["overrides"]["changed_rows"] == 1
    assert queue.read_text() == ""
    assert rows_of(out)[1]["override"] == {"instead_of": "incorrect", "reason": "a percentage was asked for"}


def test_a_task_brings_the_references(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = write(tmp_path / "task.jsonl", *({"question": f"{n} + 1?", "answer": str(n + 1)} for n in range(4)))
    from tasks.catalog import load_task

    problems = load_task(f"user:{task}").problems
    file = write(tmp_path / "replies", {"id": problems[1].id, "reply": "\\boxed{2}"})
    assert run(file, "--task", f"user:{task}", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["rows"], summary["missing"]) == (1, 3)
    # Problems without a row count as wrong.
    assert summary["graders"]["strict"]["accuracy"] == 0.25


def test_the_example_shows_every_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(EXAMPLE, "--policy", "both", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    strict = summary["graders"]["strict"]
    assert all(strict[verdict] for verdict in ("correct", "incorrect", "no_answer", "grader_error"))
    assert summary["disagreements"]["official"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no rows"),
        (b"\xff\xfe\n", "line 1: byte 1 is not UTF-8"),
        (
            b'{"reference": "1", "reply": "1"}\n{"reference": NaN, "reply": "1"}\n',
            "line 2: field 'reference' holds NaN",
        ),
        (b'{"reference": "1", "reply": "1"}\n{"reply": "1"}\n', "line 2: field 'reference' is missing"),
        (b'{"reference": "1", "reply": "' + b"x" * 100_000_000 + b'"}', "line 1: longer than 16 MiB"),
    ],
    ids=["empty", "not UTF-8", "NaN", "missing field", "100 MB line"],
)
def test_bad_input_is_one_line_and_leaves_the_output_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    bad, out = tmp_path / "bad", write(tmp_path / "out", {"old": True})
    bad.write_bytes(content)
    assert run(bad, "--out", out) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert rows_of(out) == [{"old": True}]
    assert sorted(tmp_path.iterdir()) == [bad, out]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--queue", "q"], "needs two graders"),
        (["--overrides", "o", "--policy", "official"], "official rule's figure"),
        (["--fail-on-diff"], "add --diff FILE"),
        (["--out", "same", "--queue", "same", "--policy", "both"], "both name same"),
        (["--overrides", "none.jsonl"], "none.jsonl: cannot be read"),
        (["--diff", "none.jsonl"], "none.jsonl: cannot be read"),
        (["--out", "nowhere/out"], "nowhere/out: cannot be written"),
        (["--policy", "loose"], "loose"),
    ],
)
def test_flags_that_cannot_work_are_one_line(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(file.parent)
    assert run(file, *arguments) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_no_process_and_no_half_written_file(tmp_path: Path, number: int, code: int) -> None:
    # The pair takes its whole time limit, so the run is still at it when the signal comes.
    slow = {"reference": "\\prod_{n=1}^{10^9} n", "predicted": "(10^9)!"}
    file = write(tmp_path / "replies", RIGHT, *[slow] * 400)
    out = write(tmp_path / "out", {"old": True})
    command = [str(Path(sys.executable).with_name("rstar")), "grade", str(file), "--out", str(out), "--workers", "2"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    descendants = wait_for_workers(process.pid)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert rows_of(out) == [{"old": True}]
    assert sorted(tmp_path.iterdir()) == [out, file]
    assert all(wait_until_gone(pid) for pid in descendants)


def wait_for_workers(pid: int) -> set[int]:
    """All processes below `pid`, once the symbolic workers of both graders are among them."""
    for _ in range(3000):
        found = descendants_of(pid)
        if sum("symbolic_worker" in command_of(one) for one in found) >= 1:
            return found
        time.sleep(0.01)
    raise AssertionError("no worker has started")


def descendants_of(pid: int) -> set[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        direct = {int(one) for one in children.read_text().split()}
    except FileNotFoundError:
        return set()
    return direct.union(*map(descendants_of, direct))


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_until_gone(pid: int) -> bool:
    for _ in range(1000):
        if command_of(pid) == "":
            return True
        time.sleep(0.01)
    return False
