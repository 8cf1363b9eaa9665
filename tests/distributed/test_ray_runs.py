"""Runs and syntheses on Ray workers give what one process gives, whoever dies in between (`make test-ray`)."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "harness"), str(HERE.parent / "synthesis")]

from adding import SOURCE, contents, write_pool  # noqa: E402
from ray_nodes import Killer, ray_nodes, worker_pids  # noqa: E402
from sum_runs import flags, records, rstar, solved, spec, trees, write_task  # noqa: E402

from harness.record_file import read_records  # noqa: E402
from harness.remote import Fleet  # noqa: E402
from harness.run import Options, plan_resume, plan_run, run  # noqa: E402
from harness.run_folder import JOURNALS, RECORDS  # noqa: E402
from harness.run_progress import Silent  # noqa: E402
from rstar.journal import read_entries  # noqa: E402

# Ray leaves sockets and files to the end of the process.
pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A head and two nodes of two workers each; engines on them pause a little and note their requests."""
    log = tmp_path_factory.mktemp("log") / "requests"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RSTAR_TEST_PAUSE", "0.002")
        patch.setenv("RSTAR_TEST_LOG", str(log))
        with ray_nodes(2, 2) as nodes:
            patch.setenv("RSTAR_TEST_PAUSE", "0")
            yield nodes


def fleet(cluster: Any, num_workers: int = 2, **more: Any) -> Fleet:
    return Fleet(num_workers=num_workers, address=cluster.address, **more)


def test_the_records_and_journals_are_those_of_a_single_process(tmp_path: Path, cluster: Any) -> None:
    task = write_task(tmp_path / "sums.jsonl", 24)
    alone = solved(task, tmp_path / "alone", trees="full", seeds=[0, 1])
    plan = plan_run(spec(task, trees="full", seeds=[0, 1]), tmp_path / "workers")
    record = run(plan, Options(4, fleet=fleet(cluster, 3)))
    assert record.status == "complete"
    assert record.sessions[-1]["how"]["workers"] == 3
    assert records(plan.folder) == records(alone.folder)
    assert trees(plan.folder) == trees(alone.folder)


class Noting(Silent):
    """Progress that tells a killer of every record."""

    def __init__(self, killer: Killer) -> None:
        self.killer = killer

    def add(self, *_: object, **__: object) -> None:
        self.killer.note_record()


def killed_run(tmp_path: Path, cluster: Any, num_problems: int, num_kills: int) -> None:
    """A run whose workers are killed at random; its records are all there, once, and those of a quiet run."""
    task = write_task(tmp_path / "sums.jsonl", num_problems)
    policy = str(HERE / "logged_source.py")
    alone = solved(task, tmp_path / "alone", trees="full", policy=policy)
    log = Path(os.environ["RSTAR_TEST_LOG"])
    log.unlink()
    plan = plan_run(spec(task, trees="full", policy=policy), tmp_path / "killed")
    killer = Killer(num_kills, num_problems, seed=num_problems)
    killer.start()
    begun = time.monotonic()
    record = run(plan, Options(8, fleet=fleet(cluster, 4)), Noting(killer))
    assert record.status == "complete"
    seconds = time.monotonic() - begun
    killer.join(timeout=60)
    assert len(killer.killed) == num_kills
    found = Counter(record.key for record in read_records(plan.folder / RECORDS))
    assert len(found) == num_problems
    assert set(found.values()) == {1}
    assert records(plan.folder) == records(alone.folder)
    assert trees(plan.folder) == trees(alone.folder)
    asked = Counter(log.read_text().split())
    again = sum(asked.values()) - len(asked)
    print(f"{num_kills} kills, {num_problems} records, {len(asked)} requests, {again} again, {seconds:.0f} s")
    # What a dead worker had not shipped yet: 0.1 s of one request at a time, with room for a busy machine.
    assert again <= 150 * num_kills


def test_killed_workers_lose_no_record_and_repeat_none(tmp_path: Path, cluster: Any) -> None:
    killed_run(tmp_path, cluster, num_problems=100, num_kills=3)


@pytest.mark.slow
def test_twenty_kills_in_a_run_of_500_problems_leave_500_records(tmp_path: Path, cluster: Any) -> None:
    killed_run(tmp_path, cluster, num_problems=500, num_kills=20)


class Removing(Silent):
    """Progress that takes a node away at the fifth record, from a thread."""

    def __init__(self, remove: Callable[[], None]) -> None:
        self.remove, self.count = remove, 0

    def add(self, *_: object, **__: object) -> None:
        self.count += 1
        if self.count == 5:
            threading.Thread(target=self.remove, daemon=True).start()


def test_a_node_that_is_lost_takes_nothing_with_it(tmp_path: Path, cluster: Any) -> None:
    task = write_task(tmp_path / "sums.jsonl", 60)
    alone = solved(task, tmp_path / "alone")
    plan = plan_run(spec(task), tmp_path / "lost")
    extra = cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
    removing = Removing(lambda: cluster.remove_node(extra, allow_graceful=False))
    assert run(plan, Options(4, fleet=fleet(cluster, 5)), removing).status == "complete"
    assert records(plan.folder) == records(alone.folder)


def test_a_run_goes_from_workers_to_one_process_and_back(tmp_path: Path, cluster: Any) -> None:
    task = write_task(tmp_path / "sums.jsonl", 60)
    alone = solved(task, tmp_path / "alone", trees="full")
    plan = plan_run(spec(task, trees="full"), tmp_path / "both")
    for number in range(3):
        how = Options(4, fleet=fleet(cluster) if number % 2 == 0 else None)
        records_file = plan.folder / RECORDS

        def interrupt(path: Path = records_file, enough: int = 15 * (number + 1)) -> None:
            while not path.exists() or path.read_bytes().count(b"\n") < enough:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            run(plan, how)
    begun = {path.name: len(list(read_entries(path))) for path in (plan.folder / JOURNALS).glob("*.journal")}
    assert begun, "nothing was in flight when the run was interrupted"
    assert run(plan_resume(plan.folder), Options(4, fleet=fleet(cluster))).status == "complete"
    assert records(plan.folder) == records(alone.folder)
    assert trees(plan.folder) == trees(alone.folder)
    assert not worker_pids()


def test_a_synthesis_on_workers_writes_the_bytes_of_a_single_process(tmp_path: Path, cluster: Any) -> None:
    pool = write_pool(tmp_path / "pool.jsonl", 10, hopeless=2)
    arguments = [
        *("synthesize", "--pool", pool, "--engine", "scripted", "--policy", SOURCE, "--interpreter", "arithmetic"),
        *("--rollouts", 6, "--candidates", 4, "--extra", "3", "--against", "procedural", "--concurrency", 2),
    ]
    assert rstar(*arguments, "--out", tmp_path / "alone") == 0
    assert rstar(*arguments, "--out", tmp_path / "both", "--workers", 2, "--ray-address", cluster.address) == 0
    assert contents(tmp_path / "both") == contents(tmp_path / "alone")


def refused(capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line on stderr of a command that ends with code 2."""
    assert rstar("run", *arguments) == 2
    [line] = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


def test_more_workers_than_there_is_room_for_are_one_line(
    tmp_path: Path, cluster: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    small = flags(write_task(tmp_path / "sums.jsonl", 2), tmp_path / "out")
    line = refused(capfd, *small, "--workers", 9, "--ray-address", cluster.address)
    # A node that another test has killed may still be on Ray's list.
    room = r"--workers 9: the cluster has room for (\d) \(\1 CPUs, 0 GPUs on \d nodes, .*use --workers \1, add nodes"
    assert re.search(room, line)
    line = refused(capfd, *small, "--workers", 2, "--gpus-per-worker", 1, "--ray-address", cluster.address)
    assert "the cluster has room for 0" in line
    assert not list((tmp_path / "out").rglob("run.json")), "a run was begun"


@pytest.mark.parametrize(
    ("address", "text"),
    [("127.0.0.1:1", "no Ray cluster answers there"), ("nonsense", "is no address; write auto or HOST:6379")],
)
def test_an_address_without_a_cluster_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], address: str, text: str
) -> None:
    small = flags(write_task(tmp_path / "sums.jsonl", 2), tmp_path / "out")
    assert text in refused(capfd, *small, "--workers", 1, "--ray-address", address)


def test_a_model_that_a_worker_cannot_open_is_one_line(
    tmp_path: Path, cluster: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source.py"
    source.write_text((HERE / "one_process_source.py").read_text())
    small = flags(write_task(tmp_path / "sums.jsonl", 2), tmp_path / "out")
    line = refused(capfd, *small, "--policy", source, "--workers", 1, "--ray-address", cluster.address)
    assert "source.py: does not load: ValueError: not in a worker" in line


def test_a_problem_that_kills_its_workers_is_recorded_and_the_others_are_solved(tmp_path: Path, cluster: Any) -> None:
    task = write_task(tmp_path / "sums.jsonl", 12)
    plan = plan_run(spec(task, policy=str(HERE / "deadly_source.py")), tmp_path / "deadly")
    assert run(plan, Options(2, fleet=fleet(cluster, 2))).status == "partial"
    [failed] = [each for each in read_records(plan.folder / RECORDS) if each.error]
    assert failed.error == "3 workers died over it, lastly with: its worker process has died"
    alone = solved(task, tmp_path / "alone")
    rest = {key: value for key, value in records(alone.folder).items() if key != failed.key}
    found = {key: value for key, value in records(plan.folder).items() if key != failed.key}
    assert found == rest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_says_how_to_go_on_and_leaves_no_worker(
    tmp_path: Path, cluster: Any, number: signal.Signals
) -> None:
    small = flags(write_task(tmp_path / "sums.jsonl", 200), tmp_path / "out")
    command = [sys.executable, "-m", "harness.cli", "run", *map(str, small)]
    command += ["--workers", "2", "--ray-address", cluster.address]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while not any(path.stat().st_size for path in (tmp_path / "out").rglob(RECORDS)):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "nothing is lost. Go on with: rstar resume" in said
    assert not worker_pids()
