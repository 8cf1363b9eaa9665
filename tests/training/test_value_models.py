"""PQM and ORM: their rows, their losses, their training."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rstar.prompts import prompt_text
from rstar.synthesis.rollout_tree import tree_of_rollouts
from rstar.synthesis.rollouts import Rollout
from rstar.training.checkpoints import save, value_model_of
from rstar.training.examples import SftRow
from rstar.training.ppm import METRICS, train_ppm, train_values, value_loss
from rstar.training.scale import Scale
from rstar.training.settings import PpmSettings, overridden
from rstar.training.values import Objective, ValueRow, make_values, read_values, tree_values, value_rows, write_values
from tasks.types import InputError

SETTINGS = PpmSettings(batch=2, epochs=4, learning_rate=5e-3, threads=1, bf16=False, save_every=0)
STEPS = ("<code>\n# a\nx = 1\n<end_of_step>", "\nprint(x)\n<end_of_code>\n<output>1<end_of_output>")
OTHER = "\nprint(x + 1)\n<end_of_code>\n<output>2<end_of_output>"
ROLLOUTS = [
    Rollout("procedural-train/x", "q 1 2", (*STEPS, "\n<answer>\\boxed{1}<end_of_answer>"), "1", True, 3),
    Rollout("procedural-train/x", "q 1 2", (STEPS[0], OTHER, "\n<answer>\\boxed{2}<end_of_answer>"), "2", False, 1),
    Rollout("procedural-train/x", "q 1 2", (STEPS[0], "\nprint(y)\n<end_of_code>"), None, False, 1),
]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_a_pqm_learns_the_q_of_every_node() -> None:
    rows = value_rows(ROLLOUTS, "pqm")
    assert [(row.depth, round(row.value, 3)) for row in rows] == [
        (1, 0.2),
        (2, 1.0),
        (3, 1.0),
        (2, -1.0),
        (3, -1.0),
        (2, -1.0),
    ]
    assert rows[0].solution == STEPS[0]


def test_an_orm_learns_the_labels_of_answers_alone() -> None:
    assert [(row.depth, row.value) for row in value_rows(ROLLOUTS, "outcome")] == [(3, 1.0), (3, -1.0)]


@pytest.mark.parametrize("objective", ["pqm", "outcome"])
def test_rows_of_a_tree_are_those_of_its_rollouts(objective: Objective) -> None:
    rows = tree_values(tree_of_rollouts(ROLLOUTS), objective)
    assert {(row.solution, round(row.value, 6)) for row in rows} == {
        (row.solution, round(row.value, 6)) for row in value_rows(ROLLOUTS, objective)
    }


def test_the_losses_are_those_of_their_formulas() -> None:
    scores = torch.tensor([2.0, -1.0])
    pqm = (math.tanh(1.0) - 0.5) ** 2 / 2 + (math.tanh(-0.5) + 1.0) ** 2 / 2
    assert value_loss(scores, torch.tensor([0.5, -1.0]), "pqm").item() == pytest.approx(pqm)
    entropy = (math.log(1 + math.exp(-2.0)) + math.log(1 + math.exp(-1.0))) / 2
    assert value_loss(scores, torch.tensor([1.0, 0.0]), "outcome").item() == pytest.approx(entropy)


def rows_of(rows: list[SftRow]) -> list[ValueRow]:
    return [
        value
        for row in rows
        for value in (
            ValueRow(row.id, row.question, row.solution, 1.0, 3),
            ValueRow(row.id, row.question, row.solution.replace("<answer>The", "<answer>Never the"), -1.0, 3),
        )
    ]


@pytest.mark.parametrize("objective", ["pqm", "outcome"])
def test_training_tells_right_from_wrong(
    objective: Objective, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[SftRow], tmp_path: Path
) -> None:
    save(model, tokenizer, tmp_path / "policy")
    scorer, values = value_model_of(tmp_path / "policy", 0), rows_of(rows[:8])
    report = train_values(scorer, tokenizer, values, overridden(SETTINGS, {"epochs": 20}), tmp_path / "out", objective)
    assert (report.num_problems, report.num_pairs, report.num_dropped) == (8, 16, 0)
    scores = []
    for row in values:
        ids = tokenizer.encode(prompt_text(row.question, "rstar-sft") + row.solution, add_special_tokens=False)
        scores.append(float(scorer(torch.tensor([ids])).logits))
    assert sum(right > wrong for right, wrong in zip(scores[::2], scores[1::2], strict=True)) >= 7


def test_rows_longer_than_the_limit_are_dropped_and_counted(
    tokenizer: PreTrainedTokenizerBase, rows: list[SftRow]
) -> None:
    values = rows_of(rows[:4])
    lengths = sorted(
        len(tokenizer.encode(prompt_text(row.question, "rstar-sft") + row.solution, add_special_tokens=False))
        for row in values
    )
    _, counts = make_values(values, tokenizer, lengths[0], "pqm")
    assert counts[:2] == (
        sum(length <= lengths[0] for length in lengths),
        sum(length > lengths[0] for length in lengths),
    )


def test_rows_come_back_from_their_file(rows: list[SftRow], tmp_path: Path) -> None:
    values = rows_of(rows[:3])
    assert write_values(tmp_path / "v.jsonl", values) == 6
    assert list(read_values(tmp_path / "v.jsonl")) == values


@pytest.mark.parametrize("value", ["2", "null", "true", '"x"'])
def test_a_value_out_of_range_is_one_clear_line(value: str, rows: list[SftRow], tmp_path: Path) -> None:
    write_values(tmp_path / "v.jsonl", rows_of(rows[:1]))
    text = (tmp_path / "v.jsonl").read_text(encoding="utf-8").replace('"value": -1.0', f'"value": {value}')
    (tmp_path / "v.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="'value' is no number from -1 to 1"):
        list(read_values(tmp_path / "v.jsonl"))


def test_passes_add_up_to_the_batch(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[SftRow], tmp_path: Path
) -> None:
    save(model, tokenizer, tmp_path / "policy")
    models = []
    for name, scale in (("whole", Scale()), ("passes", Scale(micro_batch=1, gradient_checkpointing=True))):
        models.append(value_model_of(tmp_path / "policy", 0))
        train_values(models[-1], tokenizer, rows_of(rows[:4]), SETTINGS, tmp_path / name, "outcome", scale=scale)
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_adapters_train_and_are_merged_into_an_ordinary_model(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[SftRow], tmp_path: Path
) -> None:
    save(model, tokenizer, tmp_path / "policy")
    scorer = value_model_of(tmp_path / "policy", 0)
    before = {name: value.clone() for name, value in scorer.named_parameters()}
    train_values(scorer, tokenizer, rows_of(rows[:4]), SETTINGS, tmp_path / "out", "outcome", scale=Scale(lora_rank=2))
    after = dict(scorer.named_parameters())
    assert after.keys() == before.keys()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert "score.weight" in changed
    assert any("q_proj" in name for name in changed)
    assert not any("embed_tokens" in name or "norm" in name for name in changed)


def test_held_out_pairs_are_measured_during_the_training(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: list[SftRow],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import json

    from rstar.synthesis.pairs import Pair

    monkeypatch.setattr("rstar.training.ppm.WATCH_EVERY", 2)
    save(model, tokenizer, tmp_path / "policy")
    pairs = [
        Pair(row.id, row.question, row.solution, row.solution.replace("<answer>The", "<answer>Not"), 1.0, 3, "final")
        for row in rows[:4]
    ]
    scorer = value_model_of(tmp_path / "policy", 0)
    report = train_ppm(scorer, tokenizer, pairs, SETTINGS, tmp_path / "out", held_out=pairs)
    looks = [json.loads(line) for line in (tmp_path / "out" / METRICS).read_text(encoding="utf-8").splitlines()]
    assert [look["step"] for look in looks] == [2, 4, 6, 8]
    assert looks[-1]["pair_accuracy"] == report.pair_accuracy == 1.0
    assert 0 <= report.calibration_error < 0.5


def test_a_loss_that_is_not_finite_stops_the_training_and_keeps_the_checkpoint(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: list[SftRow],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from rstar.training import ppm

    save(model, tokenizer, tmp_path / "policy")
    loss, calls = ppm.value_loss, list[int]()

    def breaks(*arguments: object) -> torch.Tensor:
        calls.append(1)
        return loss(*arguments) * (math.nan if len(calls) > 2 else 1.0)  # type: ignore[arg-type]

    monkeypatch.setattr(ppm, "value_loss", breaks)
    settings = overridden(SETTINGS, {"save_every": 1})
    scorer = value_model_of(tmp_path / "policy", 0)
    with pytest.raises(InputError, match=r"not finite at step 3 of 8; the last good checkpoint is kept in .*-2; lower"):
        train_values(scorer, tokenizer, rows_of(rows[:4]), settings, tmp_path / "out", "pqm")
    assert (tmp_path / "out" / "training" / "checkpoint-2").is_dir()
