"""`rstar synthesize` from the command line: what it prints, which code it ends with, and one line for bad input."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from adding import SOURCE, contents, write_pool
from chat_server import chat_server

from harness.cli import main
from rstar.training.data import read_pairs, read_sft
from tasks.catalog import load_task


def rstar(*arguments: object) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as caught:
        main(["synthesize", *map(str, arguments)])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def flags(pool: Path, out: Path) -> list[object]:
    return [
        *("--pool", pool, "--out", out, "--engine", "scripted", "--policy", SOURCE, "--interpreter", "arithmetic"),
        *("--rollouts", 6, "--candidates", 4, "--against", "procedural", "--concurrency", 4),
    ]


def test_a_pool_is_searched_and_its_trees_become_training_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = write_pool(tmp_path / "pool.jsonl", 6, hopeless=1)
    assert rstar(*flags(pool, tmp_path / "out"), "--extra", "3") == 0
    said = capsys.readouterr().out
    assert "all                  6" in said
    assert "Next: rstar synthesize extract" in said
    assert rstar("extract", tmp_path / "out", "--sft", tmp_path / "s.jsonl", "--pairs", tmp_path / "p.jsonl") == 0
    said = capsys.readouterr().out
    assert "6 problems" in said
    assert "pairs by rule siblings, by depth  1: " in said
    assert "pairs by rule final" in said
    assert list(read_sft(tmp_path / "s.jsonl"))
    assert list(read_pairs(tmp_path / "p.jsonl"))


def test_the_same_command_again_does_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = write_pool(tmp_path / "pool.jsonl", 5)
    assert rstar(*flags(pool, tmp_path / "out"), "--json") == 0
    first = json.loads(capsys.readouterr().out)
    before = contents(tmp_path / "out")
    monkeypatch.delattr("harness.synthesis.open_engines")
    assert rstar(*flags(pool, tmp_path / "out"), "--json") == 0
    second = json.loads(capsys.readouterr().out)
    assert contents(tmp_path / "out") == before
    del first["seconds"], second["seconds"]
    assert first == second


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line on stderr of a command that ends with code 2."""
    assert rstar(*arguments) == 2
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_synthesis_says_that_the_same_command_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    pool, out = write_pool(tmp_path / "pool.jsonl", 30), tmp_path / "out"
    command = [sys.executable, "-m", "harness.cli", "synthesize", *map(str, flags(pool, out))]
    environment = {"PYTHONPATH": f"{SOURCE.parents[2]}", "RSTAR_TEST_PAUSE": "0.01"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    while process.poll() is None and not list(out.glob("*.partial.jsonl")):
        time.sleep(0.01)
    process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "of 30 problems; nothing is lost: the same command goes on" in errors
    assert rstar("extract", out, "--sft", tmp_path / "s.jsonl") == 2  # no shard is done yet
    assert "no shard" in capsys.readouterr().err
    assert rstar(*flags(pool, out)) == 0
    assert "all                 30" in capsys.readouterr().out


def test_bad_pools_are_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = write_pool(tmp_path / "pool.jsonl", 3)
    out = tmp_path / "out"
    pool.write_text(pool.read_text() + pool.read_text().splitlines()[1] + "\n")
    assert "the id 'pool/p1' stands twice" in refused(capsys, *flags(pool, out))
    question = load_task("procedural").problems[9].question
    pool.write_text(json.dumps({"id": "a", "question": question, "answer": "1"}) + "\n")
    assert "holds the test question procedural/" in refused(capsys, *flags(pool, out))
    assert "math500" in refused(capsys, *flags(Path("math500"), out))
    assert "is no train pool and no file" in refused(capsys, *flags(tmp_path / "none.txt", out))
    pool.write_text("")
    assert "has no rows" in refused(capsys, *flags(pool, out))


def test_test_questions_can_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = write_pool(tmp_path / "pool.jsonl", 3)
    question = load_task("procedural").problems[9].question
    pool.write_text(pool.read_text() + json.dumps({"id": "a", "question": question, "answer": "1"}) + "\n")
    assert rstar(*flags(pool, tmp_path / "out"), "--drop-test-questions") == 0
    said = capsys.readouterr()
    assert "left out: 1 problems that hold test questions" in said.out
    assert "all                  3" in said.out


def test_shards_that_do_not_belong_together_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = write_pool(tmp_path / "pool.jsonl", 2)
    for seed in (0, 1):
        assert rstar(*flags(pool, tmp_path / str(seed)), "--seed", seed) == 0
    (tmp_path / "1/trees-00000.parquet").rename(tmp_path / "0/trees-00001.parquet")
    asked = ("extract", tmp_path / "0", "--sft", tmp_path / "s.jsonl")
    assert "was made with other settings" in refused(capsys, *asked)
    assert not (tmp_path / "s.jsonl").exists()
    (tmp_path / "0/trees-00001.parquet").write_bytes(b"PAR1 cut off")
    assert "is torn or no Parquet file" in refused(capsys, *asked)
    assert "no shard of search trees" in refused(capsys, "extract", tmp_path, "--sft", tmp_path / "s.jsonl")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a train pool with --pool and a folder with --out"),
        (["--pool", "x.jsonl"], "name a train pool with --pool and a folder with --out"),
        (["extract", "x"], "nothing to write; name a file with --sft, --pairs or both"),
        (["extract", "x", "--sft", "y", "--rule", "magic"], "--rule magic is unknown; use paper, released, hard"),
        (["problems", "--seeds", "x.jsonl", "--out", "y"], "name what writes the problems"),
        (["import", "x.json", "--out", "y", "--format", "csv"], "--format csv is unknown"),
        (["import", "missing.json", "--out", "y", "--format", "sft"], "missing.json: cannot be read"),
    ],
)
def test_bad_flags_are_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, *arguments)


def test_problems_from_a_server_become_a_pool_that_is_searched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds, out = write_pool(tmp_path / "seeds.jsonl", 4), tmp_path / "new.jsonl"
    with chat_server() as server:
        written = ("--endpoint", server.url, "--model", "m", "--against", "procedural")
        assert rstar("problems", "--seeds", seeds, "--out", out, *written) == 0
        server.raw = b"gone"
        assert rstar("problems", "--seeds", seeds, "--out", tmp_path / "other.jsonl", *written, "--limit", 1) == 1
    said = capsys.readouterr().out
    assert "kept" in said
    assert "the same command tries them again" in said
    assert rstar(*flags(out, tmp_path / "out")) == 0


def test_formats_are_converted_both_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = write_pool(tmp_path / "pool.jsonl", 4)
    assert rstar(*flags(pool, tmp_path / "out")) == 0
    assert rstar("export", tmp_path / "out", "--out", tmp_path / "o.jsonl", "--format", "rollouts") == 0
    assert rstar("import", tmp_path / "o.jsonl", "--out", tmp_path / "back", "--format", "rollouts") == 0
    assert rstar("extract", tmp_path / "back", "--sft", tmp_path / "s.jsonl") == 0
    assert rstar("export", tmp_path / "s.jsonl", "--out", tmp_path / "s.json", "--format", "sft") == 0
    said = capsys.readouterr().out
    assert "4 trees in" in said or "trees in" in said
    assert {tuple(row) for row in json.loads((tmp_path / "s.json").read_text())} == {("query", "response")}


@pytest.mark.parametrize("more", [["--preset", "round3", "--ppm", SOURCE], ["--preset", "bootstrap"]])
def test_presets_of_the_paper_run_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[object]
) -> None:
    pool = write_pool(tmp_path / "pool.jsonl", 2)
    asked = [*flags(pool, tmp_path / "out"), *more]
    for flag in ("--rollouts", "--candidates"):
        del asked[asked.index(flag) : asked.index(flag) + 2]
    assert rstar(*asked, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["num_rollouts"] >= 2 * {"round3": 16, "bootstrap": 8}[str(more[1])]


def test_independent_samples_give_trees_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = write_pool(tmp_path / "pool.jsonl", 4)
    asked = [*flags(pool, tmp_path / "out"), "--preset", "self-consistency"]
    del asked[asked.index("--candidates") : asked.index("--candidates") + 2]
    assert rstar(*asked) == 0
    assert rstar("extract", tmp_path / "out", "--pairs", tmp_path / "p.jsonl") == 0
    assert "pairs by rule siblings" in capsys.readouterr().out
