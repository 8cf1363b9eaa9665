"""A synthesis: guided by labels that no search can read, resumed to the same bytes, refused where it does not fit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from adding import contents, guides, opened, spec, synthesized, write_pool
from reachable import reachable

from rstar.search.mcts import mcts
from rstar.search.presets import METHODS, Method
from rstar.synthesis.coverage import without_noise
from rstar.synthesis.extract import extract
from rstar.synthesis.folder import MANIFEST, read_manifest
from rstar.synthesis.pairs import PAIR_PRESETS
from rstar.synthesis.run import synthesize
from rstar.synthesis.settings import synthesis_spec
from rstar.synthesis.shards import read_shards, shards_in
from rstar.types import Trajectory
from tasks.types import InputError

HERE = Path(__file__).parent


class Spy:
    """A reward that notes what a search asks of it."""

    def __init__(self, reward: Any, asked: set[str]) -> None:
        self._reward, self._asked = reward, asked

    def __getattr__(self, name: str) -> Any:
        self._asked.add(name)
        return getattr(self._reward, name)


def test_a_search_is_given_nothing_that_leads_to_the_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = f"secret-{os.getpid()}"
    path = write_pool(tmp_path / "pool.jsonl", 3)
    path.write_text(path.read_text().replace('"answer": "', f'"answer": "{secret}'))
    asked: set[str] = set()
    leaks: list[Any] = []

    async def watched(
        problem: Any, policy: Any, reward: Any, interpreter: Any, config: Any, seed: int, **rest: Any
    ) -> Any:
        given = (problem, policy, interpreter, config, seed)
        result = await mcts(problem, policy, Spy(reward, asked), interpreter, config, seed, **rest)  # type: ignore[arg-type]
        leaks.extend(each for each in reachable(*given, result) if isinstance(each, str) and secret in each)
        return result

    monkeypatch.setitem(METHODS, "mcts", Method(watched, METHODS["mcts"].config))
    synthesized(path, tmp_path / "out", concurrency=1)
    assert asked == {"score"}
    assert leaks == []
    assert any(
        secret in row.reference for row in read_shards(shards_in(tmp_path / "out"))
    )  # the walk had a secret to find


def test_terminal_guided_search_never_asks_for_the_value_of_an_open_step(tmp_path: Path) -> None:
    synthesized(write_pool(tmp_path / "pool.jsonl", 2), tmp_path / "out")
    for row in read_shards(shards_in(tmp_path / "out")):
        assert {value for value, end in zip(row.nodes.value, row.nodes.ending, strict=True) if end == "open"} == {0.0}


def test_ppm_augmented_search_starts_q_at_the_ppm_and_ends_at_the_label(tmp_path: Path) -> None:
    given = guides(has_ppm=True)
    assert given.ppm is not None
    synthesized(write_pool(tmp_path / "pool.jsonl", 2), tmp_path / "out", has_ppm=True)
    judged = [(row, node) for row in read_shards(shards_in(tmp_path / "out")) for node in range(len(row.nodes)) if node]
    opens = [(row, node) for row, node in judged if row.nodes.ending[node] == "open" and row.nodes.parent[node] >= 0]
    assert len({row.nodes.value[node] for row, node in opens}) > 10
    unvisited = [(row, node) for row, node in opens if row.nodes.visits[node] == 1]
    assert all(row.nodes.q[node] == row.nodes.value[node] for row, node in unvisited)
    assert {row.nodes.value[node] for row, node in judged if row.nodes.ending[node] == "answered"} == {1.0, -1.0}


def test_a_problem_that_stays_unsolved_gets_more_rollouts_with_new_seeds(tmp_path: Path) -> None:
    synthesized(write_pool(tmp_path / "pool.jsonl", 4, hopeless=2), tmp_path / "out", extra=(3, 5))
    rows = list(read_shards(shards_in(tmp_path / "out")))
    assert [[each.budget for each in row.passes] for row in rows] == [[6, 3, 5]] * 2 + [[6]] * 2
    assert [row.num_rollouts for row in rows] == [14, 14, 6, 6]
    assert len({each.seed for each in rows[0].passes}) == 3
    assert [row.difficulty for row in rows][:2] == ["hard", "hard"]


def test_synthetic_problems_with_a_doubtful_label_are_left_out_of_extraction(tmp_path: Path) -> None:
    path = write_pool(tmp_path / "pool.jsonl", 4, hopeless=2, synthetic=True)
    synthesized(path, tmp_path / "out")
    shards = shards_in(tmp_path / "out")
    rates = [row.num_right / row.num_rollouts for row in read_shards(shards)]
    report = extract(shards, sft=tmp_path / "s", pairs=None, settings=PAIR_PRESETS["paper"])
    assert report.dropped["noisy"] == sum(rate < 0.5 for rate in rates) >= 2
    kept = extract(shards, sft=tmp_path / "s", pairs=None, settings=PAIR_PRESETS["paper"], keep_noisy=True)
    assert kept.num_problems == 4
    assert without_noise.__doc__


def test_the_number_of_problems_at_a_time_changes_no_byte(tmp_path: Path) -> None:
    path = write_pool(tmp_path / "pool.jsonl", 10)
    for concurrency in (1, 7):
        synthesized(path, tmp_path / str(concurrency), concurrency=concurrency)
    assert contents(tmp_path / "1") == contents(tmp_path / "7")


class Stop(Exception):
    """Ends a synthesis in the middle."""


def test_a_synthesis_that_stopped_anywhere_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    path = write_pool(tmp_path / "pool.jsonl", 9)
    synthesized(path, tmp_path / "whole")
    pool, facts = opened(path)
    given = guides()
    for after in (0, 25, 90):
        left = after

        class Failing:
            async def propose(self, prefix: Trajectory, n: int, seed: int, temperature: float = 1.0) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Stop
                return await given.policy.propose(prefix, n, seed, temperature)

        with pytest.raises(Stop):
            synthesize(pool, facts, replace(given, policy=Failing()), spec(), tmp_path / "out", concurrency=3)
    assert read_manifest(tmp_path / "out")["status"] == "unfinished"
    watched = synthesize(pool, facts, given, spec(), tmp_path / "out", concurrency=3)
    assert 0 < watched.num_new < 9
    assert watched.coverage.num_problems == 9
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert list((tmp_path / "out/journals").iterdir()) == []


KILLED = """
import sys; from pathlib import Path
from adding import synthesized
synthesized(Path(sys.argv[1]), Path(sys.argv[2]), concurrency=2)
"""


def test_a_synthesis_that_is_killed_again_and_again_ends_with_the_same_bytes(tmp_path: Path) -> None:
    path = write_pool(tmp_path / "pool.jsonl", 9)
    synthesized(path, tmp_path / "whole")
    rng, kills = random.Random(0), 0
    command = [sys.executable, "-c", KILLED, str(path), str(tmp_path / "out")]
    environment = {"PYTHONPATH": f"{HERE}:{HERE.parents[1]}", "RSTAR_TEST_PAUSE": "0.002"}
    for _ in range(5):
        process = subprocess.Popen(command, env=environment)
        while not (tmp_path / "out" / MANIFEST).exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.5))
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert kills >= 2
    synthesized(path, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_an_engine_that_fails_costs_one_problem_which_the_next_call_does(tmp_path: Path) -> None:
    path = write_pool(tmp_path / "pool.jsonl", 5)
    synthesized(path, tmp_path / "whole")
    pool, facts = opened(path)
    given = guides()

    class Failing:
        async def propose(self, prefix: Trajectory, n: int, seed: int, temperature: float = 1.0) -> Any:
            if prefix.problem.id == "pool/p3":
                raise Stop("the server is gone")
            return await given.policy.propose(prefix, n, seed, temperature)

    broken = replace(given, policy=Failing())
    watched = synthesize(pool, facts, broken, spec(), tmp_path / "out", engine_errors=(Stop,))
    assert watched.failures == {"pool/p3": "the server is gone"}
    assert read_manifest(tmp_path / "out")["status"] == "partial"
    assert synthesize(pool, facts, given, spec(), tmp_path / "out").num_new == 1
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_an_engine_that_always_fails_stops_the_synthesis(tmp_path: Path) -> None:
    pool, facts = opened(write_pool(tmp_path / "pool.jsonl", 40))

    class Failing:
        async def propose(self, *_: object) -> Any:
            raise Stop("the server is gone")

    broken = replace(guides(), policy=Failing())
    watched = synthesize(pool, facts, broken, spec(), tmp_path / "out", engine_errors=(Stop,), concurrency=2)
    assert watched.stopped == "an engine failed on 10 problems in a row, lastly with: the server is gone"
    assert 10 <= len(watched.failures) < 40
    assert synthesize(pool, facts, guides(), spec(), tmp_path / "out").coverage.num_problems == 40


def test_a_folder_of_another_synthesis_is_refused(tmp_path: Path) -> None:
    path = write_pool(tmp_path / "pool.jsonl", 2)
    synthesized(path, tmp_path / "out")
    with pytest.raises(InputError, match=r"holds a synthesis with another seed; name another folder"):
        synthesized(path, tmp_path / "out", seed=1)
    with pytest.raises(InputError, match=r"another config\.budget"):
        synthesized(path, tmp_path / "out", overrides={"budget": 3, "num_candidates": 4})


def test_a_torn_shard_stops_the_synthesis_and_is_made_again_once_deleted(tmp_path: Path) -> None:
    path = write_pool(tmp_path / "pool.jsonl", 6)
    synthesized(path, tmp_path / "out")
    shard = shards_in(tmp_path / "out")[0]
    whole = contents(tmp_path / "out")
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(InputError, match="is torn"):
        synthesized(path, tmp_path / "out")
    shard.unlink()
    assert synthesized(path, tmp_path / "out").num_new == 4
    assert contents(tmp_path / "out") == whole


def test_a_ppm_and_a_preset_must_go_together() -> None:
    with pytest.raises(InputError, match="--preset round3 is PPM-augmented"):
        synthesis_spec("round3", has_ppm=False)
    with pytest.raises(InputError, match="--preset round2 is guided by labels alone"):
        synthesis_spec("round2", has_ppm=True)
    with pytest.raises(InputError, match="is a beam search"):
        synthesis_spec("official-beam", has_ppm=True)


def test_the_rounds_are_those_of_the_paper() -> None:
    rounds = {
        name: synthesis_spec(name, has_ppm=name in ("round3", "round4"))
        for name in ("bootstrap", "round2", "round3", "round4")
    }
    found = {name: (how.config.budget, how.config.num_candidates, how.extra) for name, how in rounds.items()}  # type: ignore[attr-defined]
    assert found == {
        "bootstrap": (8, 5, ()), "round2": (16, 8, (16,)), "round3": (16, 8, (16,)), "round4": (16, 16, (64, 48)),
    }  # fmt: skip
    assert sum((16, *rounds["round4"].extra)) == 128


def test_extraction_names_the_nodes_that_a_row_came_from(tmp_path: Path) -> None:
    import json

    synthesized(write_pool(tmp_path / "pool.jsonl", 6), tmp_path / "out")
    shards = shards_in(tmp_path / "out")
    extract(shards, sft=tmp_path / "sft.jsonl", pairs=tmp_path / "pairs.jsonl", settings=PAIR_PRESETS["paper"])
    by_source = {row.source: row for row in read_shards(shards)}
    for name, fields in (("sft", ("solution",)), ("pairs", ("chosen", "rejected"))):
        lines = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        assert lines
        for line in lines:
            for field in fields:
                address = line["nodes"] if name == "sft" else line["nodes"][field]
                nodes = by_source[address["row"]].nodes
                assert "".join(nodes.text[each] for each in address["path"]) == line[field]
                assert {nodes.tree[each] for each in address["path"]} == {address["tree"]}
