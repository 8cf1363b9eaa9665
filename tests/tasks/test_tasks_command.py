"""`rstar tasks` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main
from tasks.catalog import task_names


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RSTAR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("RSTAR_DATA_DIR", raising=False)


@pytest.fixture
def own_file(tmp_path: Path) -> str:
    path = tmp_path / "mine.jsonl"
    rows = [{"id": f"p{n}", "question": f"What is {n}+{n}?\x1b[31m", "answer": [str(2 * n), "two"]} for n in range(9)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"user:{path}"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["tasks", *arguments])
    code = caught.value.code
    assert isinstance(code, int)
    return (code, *capsys.readouterr())


def test_the_list_has_a_line_for_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    lines = {line.split()[0]: line.split() for line in out.splitlines() if line}
    assert all(name in lines for name in task_names())
    assert lines["aime2024"][1:5] == ["30", "eval", "1", "unknown"]
    assert "not fetched" in out


def test_the_list_as_json_says_where_the_data_is(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in json.loads(run(capsys, "--json")[1])}
    assert rows["gsm8k"]["num_problems"] == 1319
    assert rows["gsm8k"]["state"] == "not fetched"
    assert rows["procedural"]["state"] == "generated"


def test_show_lists_the_first_problems_without_answers(capsys: pytest.CaptureFixture[str], own_file: str) -> None:
    code, out, _ = run(capsys, "show", own_file)
    assert code == 0
    assert "mine/p4  What is 4+4?" in out
    assert "mine/p5" not in out
    assert "4 more" in out
    assert "two" not in out


def test_show_prints_one_problem_by_either_form_of_its_id(capsys: pytest.CaptureFixture[str], own_file: str) -> None:
    short = run(capsys, "show", own_file, "--id", "p7", "--answers")[1]
    full = run(capsys, "show", own_file, "--id", "mine/p7", "--answers")[1]
    assert short == full
    assert short.endswith("reference: 14 or two\n")


def test_show_leaves_no_character_that_steers_a_terminal(capsys: pytest.CaptureFixture[str], own_file: str) -> None:
    out = run(capsys, "show", own_file, "--id", "p7")[1]
    assert "\x1b" not in out
    assert r"\x1b[31m" in out


def test_show_as_json_has_references_only_when_asked(capsys: pytest.CaptureFixture[str], own_file: str) -> None:
    assert "reference" not in json.loads(run(capsys, "show", own_file, "--json")[1])["problems"][0]
    shown = json.loads(run(capsys, "show", own_file, "--json", "--answers", "--id", "p1")[1])
    assert shown["problems"][0]["reference"] == ["2", "two"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "aime24"], "error: task 'aime24' is not known; did you mean aime2024"),
        (["show", "user:missing.csv"], "error: missing.csv: cannot be read"),
        (["show", "procedural", "--id", "nothing"], "error: --id nothing: task 'procedural' has no such problem"),
        (["show", "procedural", "--limit", "-1"], "error:"),
        (["fetch"], "error:"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_fetch_reports_size_and_hash(capsys: pytest.CaptureFixture[str], own_file: str) -> None:
    code, out, _ = run(capsys, "fetch", own_file, "procedural")
    assert code == 0
    assert "9 problems" in out
    assert "procedural: " in out
