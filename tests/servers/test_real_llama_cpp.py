"""A policy on a real llama.cpp server: it drops stop strings, ignores `n`, and streams."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_servers import LLAMA, ROOT, RealServer, started_llama
from test_server_policy import asked, texts

from harness.record_file import read_records
from harness.records import ProblemRecord
from harness.run import EngineDown, Options, plan_resume, plan_run, run
from harness.run_folder import RECORDS
from harness.run_progress import Silent
from harness.spec_fields import make_spec
from rstar.engines.openai_server import Sampling, ServerPolicy
from rstar.prompts import STEP_STOPS
from tasks.types import InputError

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(not LLAMA.exists(), reason=f"{LLAMA} is missing; run these with 'make test-servers'"),
]


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    subprocess.run([str(LLAMA), str(ROOT / "tests" / "engines" / "tiny_gguf.py"), str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def server(gguf: Path) -> Iterator[RealServer]:
    with started_llama(gguf, "--interrupt_requests", "false") as server:
        yield server


def test_steps_are_streamed_and_end_with_their_stop_string(server: RealServer) -> None:
    with ServerPolicy.open(server.url, sampling=Sampling(max_new_tokens=200)) as policy:
        assert (policy.can.stops, policy.can.gives_many, policy.can.seeds) == ("dropped", False, "honoured")
        assert "llama.cpp" in policy.can.facts["server"]
        found = asked(policy, count=6)
        assert all(each.stop in STEP_STOPS and each.text.endswith(each.stop) for each in found.candidates)
        assert all(each.num_tokens > 0 for each in found.candidates)
        assert texts(asked(policy, count=6).candidates) == texts(found.candidates)
        assert texts(asked(policy, count=6, seed=6).candidates) != texts(found.candidates)


def test_a_server_that_hangs_up_on_streams_is_asked_one_at_a_time(gguf: Path) -> None:
    with started_llama(gguf) as server, ServerPolicy.open(server.url, sampling=Sampling(max_new_tokens=99)) as policy:
        assert not policy.can.streams_many
        assert any("one at a time" in line for line in policy.can.lines("rstar-sft"))
        assert len(asked(policy, count=4).candidates) == 4


def test_whole_replies_in_words_need_no_stream(server: RealServer) -> None:
    with ServerPolicy.open(server.url, layout="cot", sampling=Sampling(max_new_tokens=99)) as policy:
        found = asked(policy, count=2)
        assert {each.stop for each in found.candidates} <= {"eos", None}
        assert found.prompt_tokens > 0


def test_a_chat_that_cannot_be_continued_is_refused_in_words(server: RealServer) -> None:
    with pytest.raises(InputError, match="does not go on from the beginning of a reply, which layout chat needs"):
        ServerPolicy.open(server.url, layout="chat")


def test_a_model_that_is_not_there_is_refused_with_the_one_that_is(server: RealServer) -> None:
    with pytest.raises(InputError, match="does not serve model 'other'; it serves tiny"):
        ServerPolicy.open(f"{server.url}#other")


def test_a_run_goes_on_after_the_server_was_killed(gguf: Path, tmp_path: Path) -> None:
    flag = ("--interrupt_requests", "false")
    with started_llama(gguf, *flag) as server:
        port = int(server.url.rpartition(":")[2].removesuffix("/v1"))
        given = {
            "task": "procedural",
            "limit": 6,
            "policy": f"{server.url}#tiny",
            "preset": "self-consistency",
            "budgets": [2],
            "max_new_tokens": 64,
            "max_context_tokens": 1024,
        }
        whole = plan_run(make_spec(given), tmp_path / "whole")
        assert run(whole, Options(3)).status == "complete"
        plan = plan_run(make_spec(given), tmp_path / "here")
        killer = _KillAfter(server, 2)
        with pytest.raises(EngineDown, match=r"cannot be reached|the connection broke"):
            run(plan, Options(1, max_failures=1), killer)
    done = [record.problem_id for record in read_records(plan.folder / RECORDS) if not record.error]
    assert len(done) == 2
    with started_llama(gguf, *flag, port=port):
        assert run(plan_resume(plan.folder), Options(3)).status == "complete"
    first, second = (
        {record.problem_id: record.answers for record in read_records(each.folder / RECORDS)} for each in (whole, plan)
    )
    assert first.keys() == second.keys()
    assert [first[each] for each in done] == [second[each] for each in done]


class _KillAfter(Silent):
    """A progress that kills the server once so many problems are done."""

    def __init__(self, server: RealServer, count: int) -> None:
        self.server, self.count = server, count

    def add(self, _record: ProblemRecord, *, is_new: bool = True) -> None:  # noqa: ARG002
        self.count -= 1
        if self.count == 0:
            self.server.kill()
