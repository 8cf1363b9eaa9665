"""What goes wrong in a run is a named value or one clear line, and loses nothing."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sum_runs import flags, records, rstar, solved, spec, write_task

from harness.engines import open_engines
from harness.record_file import read_records
from harness.retrying import ATTEMPTS, EngineFailure, Engines, Meter
from harness.run import EngineDown, Options, plan_resume, plan_run, run
from harness.run_folder import JOURNALS, RECORDS, RUN_FILE, RunRecord
from harness.run_inputs import content_identity
from harness.run_summary import summarize
from rstar.engines.worker import EngineError
from rstar.search.config import SearchConfig
from rstar.types import Candidate, Execution, Proposal, Scores, Step, Trajectory
from tasks.types import InputError, Problem

START = Trajectory(Problem("t/1", "What is 1 + 2 + 3 + 4?"))


class Flaky:
    """Engines that fail for some problems, and for the others on the first `failures` calls."""

    def __init__(self, engines: Engines, broken: str = "", failures: int = 0) -> None:
        self.engines, self.broken, self.failures = engines, broken, failures

    async def propose(self, prefix: Trajectory, *arguments: Any) -> Proposal:
        if self.broken and self.broken in prefix.problem.id:
            raise RuntimeError("CUDA error: out of memory")
        if self.failures:
            self.failures -= 1
            raise ConnectionError("try again")
        return await self.engines.policy.propose(prefix, *arguments)


def flaky(broken: str = "", failures: int = 0) -> Any:
    """`make_engines` with a flaky policy that is not waited for."""

    @contextmanager
    def make(*arguments: Any) -> Iterator[Engines]:
        with open_engines(*arguments) as engines:
            yield replace(engines, policy=Flaky(engines, broken, failures), pause_seconds=0.0)

    return make


def test_a_failed_engine_makes_the_run_partial_and_resume_completes_it(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 5)
    plan = plan_run(spec(task), tmp_path / "here")
    record = run(plan, Options(2, make_engines=flaky(broken="sums/p3")))
    assert record.status == "partial"
    failed = [each for each in read_records(plan.folder / RECORDS) if each.error]
    assert [each.error for each in failed] == ["policy: RuntimeError: CUDA error: out of memory"]
    summary = summarize(plan.folder)
    assert (summary.num_done, summary.num_failed, summary.num_missing) == (4, 1, 0)
    assert run(plan_resume(plan.folder)).status == "complete"
    assert records(plan.folder) == records(solved(task, tmp_path / "whole").folder)


def test_a_partial_run_leaves_with_exit_code_1_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = write_task(tmp_path / "sums.jsonl", 5)
    monkeypatch.setattr("harness.cli_run.Options", lambda *_: Options(2, make_engines=flaky(broken="sums/p3")))
    assert rstar("run", *flags(task, tmp_path)) == 1
    printed = capsys.readouterr().out
    assert "PARTIAL: 4 of 5 searches done, 1 failed, 0 missing; both count as wrong below" in printed
    assert "Engine failed on 1: policy: RuntimeError: CUDA error: out of memory" in printed
    assert "Next: rstar resume " in printed


def test_an_engine_that_stays_down_stops_the_run_after_so_many_problems_in_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = write_task(tmp_path / "sums.jsonl", 40)
    how = Options(1, max_failures=3, make_engines=flaky(broken="sums/p"))
    monkeypatch.setattr("harness.cli_run.Options", lambda *_: how)
    assert rstar("run", *flags(task, tmp_path / "here")) == 1
    printed = capsys.readouterr()
    [folder] = [path.parent for path in (tmp_path / "here").glob(f"*/*/{RUN_FILE}")]
    assert printed.err.splitlines()[-1] == (
        "stopped: an engine failed on 3 problems in a row, lastly with: policy: RuntimeError: CUDA error: out of "
        f"memory; what is done is kept. Mend the engine and go on with: rstar resume {folder}"
    )
    assert "PARTIAL: 0 of 40 searches done, 3 failed, 37 missing" in printed.out
    assert json.loads((folder / RUN_FILE).read_text())["status"] == "partial"
    monkeypatch.undo()
    assert rstar("resume", folder) == 0
    assert records(folder) == records(solved(task, tmp_path / "whole").folder)


def test_a_success_in_between_begins_the_count_anew(tmp_path: Path) -> None:
    """Problems 10 to 19 fail, two at a time between others that do not."""
    task = write_task(tmp_path / "sums.jsonl", 20, order_seed=0)
    broken = flaky(broken="sums/p1")
    assert run(plan_run(spec(task), tmp_path), Options(1, max_failures=11, make_engines=broken)).status == "partial"
    plan = plan_run(spec(task, seeds=[1]), tmp_path)
    order = ["sums/p1" in problem.id for problem in plan.problems]
    longest = max(len(run) for run in "".join("x" if each else " " for each in order).split())
    assert longest < sum(order)
    assert run(plan, Options(1, max_failures=longest + 1, make_engines=broken)).status == "partial"
    with pytest.raises(EngineDown, match=f"failed on {longest} problems in a row"):
        run(plan, Options(1, max_failures=longest, make_engines=broken))


def test_an_engines_own_error_is_not_named_twice() -> None:
    class Closed(Wrong):
        async def propose(self, *_: Any) -> Proposal:
            raise EngineError("policy engine failed: RuntimeError: no kernel image")

    closed = Closed()
    engines = Engines(closed, closed, closed, Meter(), pause_seconds=0.0)
    with pytest.raises(EngineFailure, match=r"^policy engine failed: RuntimeError: no kernel image$"):
        asyncio.run(engines.propose(START, 1, 0))


def test_an_engine_that_comes_back_changes_nothing(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 3)
    plan = plan_run(spec(task), tmp_path / "here")
    assert run(plan, Options(1, make_engines=flaky(failures=ATTEMPTS - 1))).status == "complete"
    assert records(plan.folder) == records(solved(task, tmp_path / "whole").folder)


def test_a_search_that_ended_before_its_record_was_written_needs_no_engine_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(BaseException):
        pass

    def dying(*_: object) -> None:
        raise Stop

    plan = plan_run(spec(write_task(tmp_path / "sums.jsonl", 3)), tmp_path)
    monkeypatch.setattr("harness.record_file.RecordFile.append", dying)
    with pytest.raises(Stop):
        run(plan, Options(1))
    monkeypatch.undo()
    assert run(plan, Options(1, make_engines=flaky(broken="sums/p0"))).status == "complete"


def test_a_run_without_a_reward_model_has_one_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = write_task(tmp_path / "sums.jsonl", 4)
    assert rstar("run", *flags(task, tmp_path), "--preset", "self-consistency", "--ppm", "none") == 0
    printed = capsys.readouterr().out
    assert "trajectories" in printed
    assert "majority" in printed
    assert "weighted" not in printed
    [folder] = [path.parent for path in tmp_path.glob(f"*/*/{RUN_FILE}")]
    assert {tuple(record.chosen or {}) for record in read_records(folder / RECORDS)} == {("majority",)}


class Wrong:
    """Engines whose replies are not what was asked for."""

    def __init__(self, num_candidates: int = 1, values: Sequence[float] = (0.0,)) -> None:
        self.num_candidates, self.values, self.calls = num_candidates, tuple(values), 0

    async def propose(self, *_: Any) -> Proposal:
        self.calls += 1
        return Proposal((Candidate("x", (), 1, None, None),) * self.num_candidates, 1, 0, 0.0)

    async def score(self, _: Sequence[Trajectory]) -> Scores:
        return Scores(self.values, 1, 0, 0.0)

    async def run(self, _: Sequence[Step], __: str) -> Execution:
        return Execution("ok", "", "", 0.0)


@pytest.mark.parametrize("values", [(), (0.0, 0.0), (1.5,), (float("nan"),)])
def test_values_that_are_none_are_a_failure(values: Sequence[float]) -> None:
    wrong = Wrong(values=values)
    engines = Engines(wrong, wrong, wrong, Meter(), pause_seconds=0.0)
    with pytest.raises(EngineFailure, match=r"reward model: ValueError: values .* for 1 trajectories"):
        asyncio.run(engines.score([START]))


def test_too_few_candidates_are_a_failure_after_every_attempt() -> None:
    wrong = Wrong(num_candidates=1)
    engines = Engines(wrong, wrong, wrong, Meter(), pause_seconds=0.0)
    with pytest.raises(EngineFailure, match="policy: ValueError: 1 candidates where 2 were asked for"):
        asyncio.run(engines.propose(START, 2, 0))
    assert wrong.calls == ATTEMPTS
    assert engines.meter.num_retries == ATTEMPTS - 1


def test_bad_input_is_not_asked_again() -> None:
    class Refusing(Wrong):
        async def propose(self, *_: Any) -> Proposal:
            self.calls += 1
            raise InputError("no sandbox here")

    refusing = Refusing()
    engines = Engines(refusing, refusing, refusing, Meter(), pause_seconds=0.0)
    with pytest.raises(InputError):
        asyncio.run(engines.propose(START, 1, 0))
    assert refusing.calls == 1


def test_a_full_disk_stops_the_run_with_one_line_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = write_task(tmp_path / "sums.jsonl", 8)
    write, left = os.write, 40_000

    def full(descriptor: int, data: bytes) -> int:
        nonlocal left
        if len(data) > left:
            raise OSError(errno.ENOSPC, "No space left on device")
        left -= len(data)
        return write(descriptor, data)

    monkeypatch.setattr("os.write", full)
    assert rstar("run", *flags(task, tmp_path / "here"), "--concurrency", 2) == 2
    monkeypatch.undo()
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "No space left on device" in errors[0]
    [folder] = [path.parent for path in (tmp_path / "here").glob(f"*/*/{RUN_FILE}")]
    assert json.loads((folder / RUN_FILE).read_text())["status"] == "interrupted"
    assert 0 < len(list(read_records(folder / RECORDS))) < 8
    assert rstar("resume", folder) == 0
    assert records(folder) == records(solved(task, tmp_path / "whole").folder)


def test_what_went_wrong_first_is_what_the_user_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full for a journal is full for run.json too, and its own complaint would hide the first one."""

    def full(*_: object) -> None:
        raise InputError("run.json: cannot be written (No space left on device)")

    async def refused(*_: object) -> Proposal:
        monkeypatch.setattr("harness.run._ended", full)
        raise InputError("a journal: cannot be written; make room and resume: nothing is lost")

    monkeypatch.setattr(Flaky, "propose", refused)
    plan = plan_run(spec(write_task(tmp_path / "sums.jsonl", 2)), tmp_path)
    with pytest.raises(InputError, match="a journal: cannot be written; make room and resume"):
        run(plan, Options(1, make_engines=flaky()))


def corrupted(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_corrupted_journal_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_run(spec(write_task(tmp_path / "sums.jsonl", 3)), tmp_path)
    monkeypatch.setattr("harness.run.Journal.finish", lambda *_: None)
    run(plan, Options(1))
    monkeypatch.undo()
    journal = next((plan.folder / JOURNALS).glob("*p2*.journal"))
    corrupted(journal)
    before = (plan.folder / RECORDS).read_bytes()
    assert rstar("resume", plan.folder) == 2
    [error] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert error.startswith(f"error: {journal}, line ")
    assert "delete it to run this one problem again" in error
    assert (plan.folder / RECORDS).read_bytes() == before
    journal.unlink()
    assert rstar("resume", plan.folder) == 0


def test_corrupted_records_are_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 3), tmp_path)
    corrupted(plan.folder / RECORDS)
    before = (plan.folder / RECORDS).read_bytes()
    for command in ("resume", "report"):
        assert rstar(command, plan.folder) == 2
        assert f"error: {plan.folder / RECORDS}, line 2: is damaged" in capsys.readouterr().err
    assert (plan.folder / RECORDS).read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content["spec"].update(seeds=[7]), "its spec or inputs were changed after the run began"),
        (lambda content: content["spec"].update(colour="red"), "spec: field 'colour' is unknown"),
        (lambda content: content.update(format="rstar-records-0"), "has the format 'rstar-records-0'"),
        (lambda content: content.pop("inputs"), "is damaged .'inputs'."),
        (lambda content: content.clear(), "has the format None"),
    ],
)
def test_a_changed_run_file_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 1), tmp_path)
    path = plan.folder / RUN_FILE
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"{path}: {message}"):
        plan_resume(plan.folder)


def test_a_run_file_from_before_a_field_was_there_is_read_with_the_default(tmp_path: Path) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 1), tmp_path)
    path = plan.folder / RUN_FILE
    content = json.loads(path.read_text())
    del content["spec"]["top_k"], content["inputs"]["orm_sha256"]
    content["identity"] = content_identity(content["spec"], content["inputs"])
    path.write_text(json.dumps(content))
    assert RunRecord.read(plan.folder) == replace(plan.record, status="complete", sessions=tuple(content["sessions"]))


def test_a_run_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    plan = solved(write_task(tmp_path / "sums.jsonl", 1), tmp_path)
    (plan.folder / RUN_FILE).write_text('{"format": ')
    with pytest.raises(InputError, match=r"run.json: is damaged"):
        plan_resume(plan.folder)


def test_the_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 2)
    plan = solved(task, tmp_path)
    other = plan_run(spec(task, seeds=[1]), tmp_path)
    plan.folder.rename(other.folder)
    with pytest.raises(InputError, match="holds a run with another spec; name another results folder with --out"):
        run(other)


def test_a_record_of_another_problem_is_refused(tmp_path: Path) -> None:
    task = write_task(tmp_path / "sums.jsonl", 4)
    plan, other = solved(task, tmp_path), solved(task, tmp_path, limit=2)
    (other.folder / RECORDS).write_bytes((plan.folder / RECORDS).read_bytes())
    with pytest.raises(InputError, match=r"holds problem sums/p[13] with seed 0, which is no part of this run"):
        run(other)
    with pytest.raises(InputError, match="holds more records than the run has problems"):
        summarize(other.folder)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    plan = plan_run(spec(write_task(tmp_path / "sums.jsonl", 2)), tmp_path)
    plan.folder.mkdir(parents=True)
    (plan.folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds files but no run.json"):
        run(plan)


def test_an_engine_that_does_not_open_leaves_no_folder(tmp_path: Path) -> None:
    source = tmp_path / "engine.py"
    source.write_text("def candidates(): ...\n")
    plan = plan_run(spec(write_task(tmp_path / "sums.jsonl", 2), policy=str(source)), tmp_path / "out")
    with pytest.raises(InputError, match=r"engine.py: has no function score"):
        run(plan)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("text", "message"), [("1 +", "does not load: SyntaxError"), ("import nothing_at_all", "does")]
)
def test_a_scripted_engine_that_does_not_load_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    source = tmp_path / "engine.py"
    source.write_text(text)
    plan = plan_run(spec(write_task(tmp_path / "sums.jsonl", 2), policy=str(source)), tmp_path / "out")
    with pytest.raises(InputError, match=f"engine.py: {message}"):
        run(plan)


@pytest.mark.parametrize("flag", ["--policy", "--ppm"])
def test_a_model_that_is_not_there_is_named(tmp_path: Path, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    task = write_task(tmp_path / "sums.jsonl", 2)
    assert rstar("run", *flags(task, tmp_path), flag, tmp_path / "nowhere") == 2
    assert f"{flag} {tmp_path / 'nowhere'}: does not exist" in capsys.readouterr().err


def test_a_name_that_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("resume", "report"):
        assert rstar(command, "nothing", "--out", tmp_path) == 2
        assert "error: nothing: is no run; give a folder with a run.json" in capsys.readouterr().err


def test_the_searchs_settings_are_the_specs(tmp_path: Path) -> None:
    made = spec(write_task(tmp_path / "sums.jsonl", 1), preset="", method="sample", budgets=[3])
    assert made.config == SearchConfig(budget=3)
