"""A run that is cut off anywhere and started again ends as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sum_runs import SOURCE, flags, records, rstar, solved, spec, trees, write_task

import harness.run
from harness.interruption import INTERRUPTED
from harness.record_file import RecordFile, read_records
from harness.run import Options, plan_resume, plan_run, run
from harness.run_folder import JOURNALS, RECORDS, RUN_FILE, RunRecord
from tasks.types import InputError

HERE = Path(__file__).parent


def killed_runs(tmp_path: Path, num_kills: int) -> None:
    """Let the driver kill runs, and compare what came of each with the uninterrupted run."""
    task = write_task(tmp_path / "sums.jsonl", 12)
    expected = {
        level: solved(task, tmp_path / f"whole-{level}", trees=level, budgets=[1, 2, 4, 8]).folder
        for level in ("full", "answers", "none")
    }
    driver = [sys.executable, str(HERE / "kill_driver.py"), str(task), str(tmp_path), str(num_kills), "0"]
    done = subprocess.run(
        driver,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={"PYTHONPATH": f"{HERE}:{HERE.parents[1]}", "RSTAR_TEST_PAUSE": "0.0005"},
    )
    assert done.returncode == 0, done.stderr
    *folders, kills = done.stdout.split()
    assert int(kills) >= num_kills
    for out in map(Path, folders):
        level = out.name.partition("-")[2]
        [run_file] = out.glob(f"*/*/{RUN_FILE}")
        found = run_file.parent
        assert records(found) == records(expected[level])
        assert not list((found / JOURNALS).glob("*.journal"))
        if level == "full":
            assert trees(found) == trees(expected[level])
        elif level == "answers":
            assert files(found / JOURNALS) == files(expected[level] / JOURNALS)
        else:
            assert files(found / JOURNALS) == {}


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_runs_killed_at_random_moments_end_like_the_uninterrupted_run(tmp_path: Path) -> None:
    killed_runs(tmp_path, 10)


@pytest.mark.slow
def test_runs_killed_at_fifty_random_moments_end_like_the_uninterrupted_run(tmp_path: Path) -> None:
    killed_runs(tmp_path, 50)


class Stop(BaseException):
    """Ends a run from within, as a kill does, at a chosen place."""


@pytest.mark.parametrize("level", ["full", "answers", "none"])
@pytest.mark.parametrize("place", ["before the record", "after the record", "after the journal"])
def test_a_run_that_dies_around_the_record_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, level: str
) -> None:
    task = write_task(tmp_path / "sums.jsonl", 4)
    expected = solved(task, tmp_path / "whole", trees=level)
    append, finish = RecordFile.append, harness.run.Journal.finish

    def dying_append(self: RecordFile, record: object) -> None:
        if place == "before the record":
            raise Stop
        append(self, record)  # type: ignore[arg-type]
        if place == "after the record":
            raise Stop

    def dying_finish(self: object, *arguments: object) -> None:
        finish(self, *arguments)  # type: ignore[arg-type]
        raise Stop

    if place == "after the journal":
        monkeypatch.setattr("harness.run.Journal.finish", dying_finish)
    else:
        monkeypatch.setattr(RecordFile, "append", dying_append)
    plan = plan_run(spec(task, trees=level), tmp_path / "here")
    with pytest.raises(Stop):
        run(plan, Options(1))
    monkeypatch.undo()
    assert RunRecord.read(plan.folder).status == "interrupted"
    assert run(plan_resume(plan.folder)).status == "complete"
    assert records(plan.folder) == records(expected.folder)
    assert not list((plan.folder / JOURNALS).glob("*.journal"))


def test_a_finished_problem_is_not_searched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = write_task(tmp_path / "sums.jsonl", 5)
    plan = solved(task, tmp_path)
    path = plan.folder / RECORDS
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    searched: list[str] = []
    search = harness.run.search

    async def noting(problem: object, *arguments: object) -> object:
        searched.append(problem.id)  # type: ignore[attr-defined]
        return await search(problem, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("harness.run.search", noting)
    run(plan_resume(plan.folder))
    kept = [record.problem_id for record in read_records(path)][:3]
    assert len(searched) == 2
    assert not set(kept) & set(searched)


def test_a_complete_run_opens_no_engine(tmp_path: Path) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 3), tmp_path)

    def no_engine(*_: object) -> None:
        raise AssertionError("an engine was opened")

    assert run(plan, Options(make_engines=no_engine)).status == "complete"


def wait_for(path: Path, num_lines: int, process: subprocess.Popen[str]) -> None:
    """Until the file at `path` has so many lines."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        content = path.read_bytes() if path.exists() else b""
        if content.count(b"\n") >= num_lines:
            return
        time.sleep(0.005)
    raise AssertionError(f"{path} does not grow: {process.communicate()}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_resume(tmp_path: Path, number: signal.Signals) -> None:
    task = write_task(tmp_path / "sums.jsonl", 40)
    arguments = [*map(str, flags(task, tmp_path)), "--concurrency", "2"]
    program = "from sum_runs import main; import sys; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "run", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{HERE}:{HERE.parents[1]}", "RSTAR_TEST_PAUSE": "0.003"},
    )
    plan = plan_run(spec(task), tmp_path)
    wait_for(plan.folder / RECORDS, 3, process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "Traceback" not in errors
    assert "error:" not in errors
    [line] = [line for line in errors.splitlines() if line.startswith("stopped after")]
    assert line.endswith(f"of 40 searches; nothing is lost. Go on with: rstar resume {plan.folder}")
    assert RunRecord.read(plan.folder).status == "interrupted"
    assert 3 <= len(list(read_records(plan.folder / RECORDS))) < 40
    assert rstar("resume", plan.folder) == 0
    assert records(plan.folder) == records(solved(task, tmp_path / "whole").folder)


def test_a_run_is_found_by_its_folder_its_file_or_its_id(tmp_path: Path) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 2), tmp_path)
    for name in (plan.folder, plan.folder / RUN_FILE):
        assert rstar("resume", name) == 0
    assert rstar("resume", plan.record.id, "--out", tmp_path) == 0


def test_a_changed_engine_cannot_go_on_with_the_run(tmp_path: Path) -> None:
    source = tmp_path / "engine.py"
    source.write_bytes(SOURCE.read_bytes())
    task = write_task(tmp_path / "sums.jsonl", 2)
    plan = solved(task, tmp_path, policy=str(source))
    source.write_bytes(SOURCE.read_bytes() + b"# changed\n")
    with pytest.raises(InputError, match=r"policy_sha256 is '.*' now, and was '.*' when the run began"):
        plan_resume(plan.folder)
    assert plan_run(spec(task, policy=str(source)), tmp_path).folder != plan.folder


def test_a_changed_task_cannot_go_on_with_the_run(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 2)
    plan = solved(task, tmp_path)
    write_task(task, 3)
    with pytest.raises(InputError, match="task_version is"):
        plan_resume(plan.folder)


def test_a_limit_takes_problems_from_the_whole_task(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 10)
    plan = plan_run(spec(task, limit=4), tmp_path)
    assert [problem.id for problem in plan.problems] == ["sums/p0", "sums/p2", "sums/p5", "sums/p7"]
    assert len(plan_run(spec(task, limit=11), tmp_path).problems) == 10
