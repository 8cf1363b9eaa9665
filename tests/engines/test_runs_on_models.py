"""Whole runs with model folders: what was asked for reaches the engine, and the record says what it ran with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import make_model, make_scorer, save
from transformers import PreTrainedTokenizerFast

from harness.engines import Resources, open_engines
from harness.record_file import read_records
from harness.run import Options, plan_run, run
from harness.run_folder import RECORDS, RunRecord
from harness.spec import RunSpec
from harness.spec_fields import make_spec
from rstar.engines.transformers import TransformersPolicy
from rstar.reward.outcome import StepsAndEnds
from rstar.reward.ppm import TransformersPPM
from tasks.types import InputError


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    folder = tmp_path_factory.mktemp("models")
    save(folder / "policy", make_model("llama"), tokenizer)
    save(folder / "ppm", make_scorer("llama"), tokenizer)
    save(folder / "orm", make_scorer("llama", seed=1), tokenizer)
    rows = [{"id": f"p{number}", "question": f"What is {number} + 1?", "answer": "1"} for number in range(3)]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def spec(models: Path, **changes: Any) -> RunSpec:
    given = {"task": f"user:{models / 'sums.jsonl'}", "policy": str(models / "policy"), "preset": "tiny"}
    judge = {} if "orm" in changes else {"ppm": str(models / "ppm")}
    short = {"budgets": [1, 2], "max_new_tokens": 8, "interpreter": "arithmetic", "device": "cpu"}
    return make_spec({**given, **judge, **short, **changes})


SMALL = Resources(kv_memory_mb=16, max_samples=7)


def test_a_run_says_with_what_it_was_done(models: Path, tmp_path: Path) -> None:
    plan = plan_run(spec(models), tmp_path)
    assert run(plan, Options(2, SMALL)).status == "complete"
    [session] = RunRecord.read(plan.folder).sessions
    assert session["how"] == {
        "concurrency": 2,
        "max_failures": 10,
        "kv_memory_mb": 16,
        "max_samples": 7,
        "threads": 1,
        "dtype": "float32",
        "max_context_tokens": 256,
    }
    assert {record.error for record in read_records(plan.folder / RECORDS)} == {""}


def test_sampling_is_cut_as_the_spec_says(models: Path) -> None:
    with open_engines(spec(models, top_p=0.5, sampling_top_k=3), SMALL) as engines:
        policy = engines.policy
        assert isinstance(policy, TransformersPolicy)
        truncation = policy._batcher.truncation
        assert (truncation.top_p, truncation.top_k) == (0.5, 3)


def test_an_orm_alone_judges_by_the_ppms_convention(models: Path) -> None:
    with open_engines(spec(models, preset="best-of-n", orm=str(models / "orm")), SMALL) as engines:
        assert isinstance(engines.reward, TransformersPPM)
        assert engines.reward.scale == 5


def test_an_orm_beside_a_ppm_judges_the_ends(models: Path) -> None:
    both = spec(models, orm=str(models / "orm"), ppm=str(models / "ppm"))
    with open_engines(both, SMALL) as engines:
        reward = engines.reward
        assert isinstance(reward, StepsAndEnds)
        assert isinstance(reward.steps, TransformersPPM)
        assert isinstance(reward.ends, TransformersPPM)
        weights = [
            torch.cat([each.flatten() for each in one.model.parameters()]) for one in (reward.steps, reward.ends)
        ]
        assert not torch.equal(*weights)


def test_too_little_memory_is_one_line_and_leaves_nothing(models: Path, tmp_path: Path) -> None:
    plan = plan_run(spec(models, max_context_tokens=256), tmp_path / "out")
    tight = Resources(kv_memory_mb=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("rstar.engines.kv_rows.LENGTH_STEP", 1 << 14)
        with pytest.raises(
            InputError, match=r"kv_memory_mb = 1. does not hold one sequence of 256 tokens; give at least"
        ):
            run(plan, Options(1, tight))
    assert not list((tmp_path / "out").iterdir())
