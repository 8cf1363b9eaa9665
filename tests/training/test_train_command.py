"""`rstar train sft` and `rstar train ppm` from the command line's side."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)
from typer.testing import CliRunner

from harness.cli_train import app
from harness.training_request import begin, request
from rstar.prompts import MARKERS
from rstar.synthesis.pairs import Pair
from rstar.training.checkpoints import save
from rstar.training.data import write_rows
from rstar.training.examples import SftRow
from rstar.training.markers import add_markers
from rstar.training.settings import SFT_PRESETS
from rstar.training.values import ValueRow, write_values
from tasks.types import InputError

QUICK = ("--set", "threads=1", "--set", "bf16=false", "--set", "save_every=0", "--json")


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


def test_markers_that_the_base_model_lacks_are_added_with_a_note(
    model: PreTrainedModel, rows: list[SftRow], tmp_path: Path
) -> None:
    bare = bare_tokenizer()
    model.resize_token_embeddings(len(bare))
    save(model, bare, tmp_path / "base")
    write_rows(tmp_path / "sft.jsonl", iter(rows[:2]))
    call("sft", "--data", tmp_path / "sft.jsonl", "--out", tmp_path / "a", "--model", tmp_path / "base", *QUICK)
    trained = AutoTokenizer.from_pretrained(tmp_path / "a")
    assert [len(trained.encode(marker, add_special_tokens=False)) for marker in MARKERS] == [1] * len(MARKERS)
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "a").config.vocab_size == len(trained)


def test_rows_of_embeddings_to_spare_are_used_before_the_table_grows(model: PreTrainedModel) -> None:
    bare = bare_tokenizer()
    model.resize_token_embeddings(len(bare) + 100)
    assert add_markers(model, bare) == list(MARKERS)
    assert add_markers(model, bare) == []
    assert model.get_input_embeddings().weight.shape[0] == len(bare) - len(MARKERS) + 100


def bare_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes and an end of text, as a base model has them; no marker."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {piece: index for index, piece in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")


def test_an_unfinished_training_of_something_else_is_not_gone_on_with(
    policy: Path, rows: list[SftRow], tmp_path: Path
) -> None:
    write_rows(tmp_path / "sft.jsonl", iter(rows[:2]))
    asked = request(SFT_PRESETS, "tiny", [], None, None, None, None)
    begin(tmp_path / "a", asked, [tmp_path / "sft.jsonl"], policy)
    begin(tmp_path / "a", asked, [tmp_path / "sft.jsonl"], policy)
    for changed, words in (
        (asked.with_settings({"learning_rate": 0.5}), r"other learning_rate \(0.001, now 0.5\); use the same"),
        (asked, "other data; use the same"),
    ):
        data = tmp_path / "sft.jsonl"
        if changed is asked:
            write_rows(data, iter(rows[:3]))
        with pytest.raises(InputError, match=words):
            begin(tmp_path / "a", changed, [data], policy)


@pytest.mark.parametrize(("kind", "flags"), [("pqm", ("--loss", "pqm")), ("outcome", ("--objective", "outcome"))])
def test_the_other_value_models_train_on_labelled_rows(
    policy: Path, rows: list[SftRow], tmp_path: Path, kind: str, flags: tuple[str, str]
) -> None:
    values = [ValueRow(row.id, row.question, row.solution, 1.0, 3) for row in rows[:4]]
    write_values(tmp_path / "values.jsonl", values)
    call("ppm", "--data", tmp_path / "values.jsonl", "--out", tmp_path / kind, "--model", policy, *flags, *QUICK)
    record = json.loads((tmp_path / kind / "training.json").read_text(encoding="utf-8"))
    assert record["report"]["num_pairs"] == 4
    assert not (tmp_path / kind / "training").exists()


def test_two_ways_to_train_a_value_model_at_once_are_refused(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give one"):
        call("ppm", "--data", "x", "--out", tmp_path, "--model", policy, "--loss", "pqm", "--objective", "outcome")


def test_flags_change_how_a_preset_is_carried_out() -> None:
    asked = request(SFT_PRESETS, "paper-7b", ["epochs=1.5"], 8, None, False, 2)
    assert (asked.settings.epochs, asked.scale.lora_rank, asked.scale.micro_batch) == (1.5, 8, 2)
    assert (asked.scale.fsdp, asked.scale.gradient_checkpointing) == (False, False)
    with pytest.raises(InputError, match="--lora and --fsdp"):
        request(SFT_PRESETS, "paper-7b", [], 8, True, None, None)
    with pytest.raises(InputError, match="change micro_batch"):
        request(SFT_PRESETS, "paper-7b", [], None, None, None, 3)
