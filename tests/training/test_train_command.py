"""`rstar train sft` and `rstar train ppm` from the command line's side."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from typer.testing import CliRunner

from harness.cli_train import app
from rstar.synthesis.pairs import Pair
from rstar.training.checkpoints import save
from rstar.training.data import write_rows
from rstar.training.examples import SftRow
from tasks.types import InputError


def call(*arguments: str | Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the trainers' own
        result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def policy(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> Path:
    save(model, tokenizer, tmp_path / "policy")
    return tmp_path / "policy"


def test_sft_and_ppm_leave_a_model_with_its_settings_and_hashes(
    policy: Path, rows: list[SftRow], tmp_path: Path
) -> None:
    write_rows(tmp_path / "sft.jsonl", iter(rows[:8]))
    pairs = [Pair(row.id, row.question, row.solution, row.solution + "!", 1.0, 2, "final") for row in rows[:8]]
    write_rows(tmp_path / "pairs.jsonl", iter(pairs))
    quick = ("--model", policy, "--set", "threads=1", "--set", "bf16=false", "--set", "save_every=0", "--json")
    call("sft", "--data", tmp_path / "sft.jsonl", "--out", tmp_path / "a", "--train-output", *quick)
    call("ppm", "--data", tmp_path / "pairs.jsonl", "--out", tmp_path / "b", *quick)
    first, second = (json.loads((tmp_path / name / "training.json").read_text(encoding="utf-8")) for name in "ab")
    assert first["settings"]["mask_output"] is False
    assert first["report"]["num_examples"] == second["report"]["num_problems"] == 8
    assert len(first["weights_sha256"]) == 64
    assert list(second["data"]) == [str(tmp_path / "pairs.jsonl")]


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("speed=3", "write NAME=VALUE with one of"),
        ("epochs", "write NAME=VALUE"),
        ("batch=many", "batch takes a whole number"),
        ("bf16=maybe", "bf16 is true or false"),
        ("batch=0", "batch = 0 is out of range"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(tmp_path: Path, assignment: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        call("sft", "--data", tmp_path / "x", "--out", tmp_path, "--model", tmp_path, "--set", assignment)


def test_a_missing_model_folder_is_one_clear_line(rows: list[SftRow], tmp_path: Path) -> None:
    write_rows(tmp_path / "sft.jsonl", iter(rows[:2]))
    with pytest.raises(InputError, match="does not exist"):
        call("sft", "--data", tmp_path / "sft.jsonl", "--out", tmp_path / "a", "--model", tmp_path / "none")


def test_a_tokenizer_without_the_markers_is_refused(
    policy: Path, rows: list[SftRow], tmp_path: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE())).save_pretrained(policy)
    write_rows(tmp_path / "sft.jsonl", iter(rows[:2]))
    with pytest.raises(InputError, match="lacks the marker <code>"):
        call("sft", "--data", tmp_path / "sft.jsonl", "--out", tmp_path / "a", "--model", policy)
