"""SFT and PPM training on a model of a few thousand weights: they run, resume, save, and use the right loss."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from rstar.prompts import prompt_text
from rstar.synthesis.pairs import Pair
from rstar.training.checkpoints import new_policy, save, value_model_of
from rstar.training.examples import SftRow
from rstar.training.muon import optimizer_of
from rstar.training.ppm import PlaceScorer, pair_accuracy, preference_loss, train_ppm
from rstar.training.preferences import collate, make_preferences, outcomes_of, token_tree
from rstar.training.scale import Scale
from rstar.training.settings import PPM_PRESETS, SFT_PRESETS, PpmSettings, SftSettings, overridden
from rstar.training.sft import train_sft
from rstar.training.trainer import suit_attention
from tasks.types import InputError

SFT = SftSettings(batch=8, epochs=0.5, learning_rate=5e-3, threads=1, bf16=False, save_every=1)
MUON = overridden(SFT, {"muon": 1e-2})
PPM = PpmSettings(batch=2, epochs=4, learning_rate=5e-3, threads=1, bf16=False, save_every=0)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Warnings of the trainers' own code are not ours to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def pairs(rows: Sequence[SftRow]) -> list[Pair]:
    """Per problem its solution over the same with another number in the box, and its first step over another one."""
    made = []
    for row in rows:
        first = row.solution[: row.solution.index("<end_of_step>") + len("<end_of_step>")]
        ends = (row.solution, row.solution.replace("<answer>The", "<answer>Never the"))
        made += [
            Pair(row.id, row.question, *ends, 1.0, 3, "final"),
            Pair(row.id, row.question, first, first.replace(" = ", " = 7 - "), 0.5, 1, "siblings"),
        ]
    return made


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(AutoModelForCausalLM.from_pretrained(folder).named_parameters())


def test_two_steps_of_sft_run_and_what_they_save_loads_unchanged(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[SftRow], tmp_path: Path
) -> None:
    report = train_sft(model, tokenizer, rows, SFT, tmp_path)
    assert report.steps == 2
    assert math.isfinite(report.loss)
    loaded = weights(tmp_path)
    assert all(torch.equal(loaded[name], value) for name, value in model.named_parameters())
    assert AutoTokenizer.from_pretrained(tmp_path).encode("<code>") == tokenizer.encode("<code>")
    assert not (tmp_path / "training").exists()


@pytest.mark.parametrize("settings", [SFT, MUON], ids=["adamw", "muon"])
def test_an_interrupted_sft_ends_where_an_uninterrupted_one_does(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: list[SftRow],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: SftSettings,
) -> None:
    train_sft(model, tokenizer, rows, settings, tmp_path / "whole")

    from trl import SFTTrainer

    step = SFTTrainer.training_step

    def dies(self: SFTTrainer, *args: Any, **options: Any) -> Any:
        if self.state.global_step == 1:
            raise KeyboardInterrupt
        return step(self, *args, **options)

    from conftest import MICRO

    with monkeypatch.context() as patch:
        patch.setattr(SFTTrainer, "training_step", dies)
        with pytest.raises(KeyboardInterrupt):
            train_sft(new_policy(MICRO, tokenizer, 0), tokenizer, rows, settings, tmp_path / "cut")
    assert (tmp_path / "cut" / "training" / "checkpoint-1").is_dir()
    report = train_sft(new_policy(MICRO, tokenizer, 0), tokenizer, rows, settings, tmp_path / "cut")
    assert report.steps == 2
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    # Not to the last bit: on a busy machine torch may split a sum among its threads in another way.
    assert all(torch.allclose(one[name], other[name], rtol=0, atol=1e-6) for name in one)


def test_an_example_longer_than_the_limit_is_dropped_and_counted(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[SftRow], tmp_path: Path
) -> None:
    lengths = sorted(len(tokenizer.encode(prompt_text(row.question, "rstar-sft") + row.solution)) for row in rows)
    limit = lengths[len(lengths) // 2]
    report = train_sft(model, tokenizer, rows, overridden(SFT, {"max_tokens": limit}), tmp_path)
    assert report.num_dropped == sum(length + 1 > limit for length in lengths)
    with pytest.raises(InputError, match="max_tokens = 3"):
        train_sft(model, tokenizer, rows, overridden(SFT, {"max_tokens": 3}), tmp_path)


def test_weights_that_are_not_finite_are_not_saved(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    next(model.parameters()).data[0, 0] = math.nan
    with pytest.raises(InputError, match="nothing was saved"):
        save(model, tokenizer, tmp_path / "broken")
    assert not (tmp_path / "broken").exists()


def test_ppm_training_learns_its_pairs_and_saves_a_sequence_classifier(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[SftRow], tmp_path: Path
) -> None:
    save(model, tokenizer, tmp_path / "policy")
    scorer = value_model_of(tmp_path / "policy", 0)
    report = train_ppm(scorer, tokenizer, pairs(rows[:12]), PPM, tmp_path / "ppm", held_out=pairs(rows[:12]))
    assert (report.num_problems, report.num_pairs, report.num_dropped) == (12, 24, 0)
    assert report.num_tokens < report.num_pair_tokens
    assert report.pair_accuracy > 0.9
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "ppm")
    assert loaded.config.num_labels == 1
    assert loaded.config.value_scale == 2.0
    assert torch.equal(loaded.score.weight, scorer.score.weight)


def test_shared_sequences_give_the_loss_of_two_passes_per_pair(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[SftRow], tmp_path: Path
) -> None:
    save(model, tokenizer, tmp_path)
    scorer = value_model_of(tmp_path, 0).eval()
    torch.nn.init.normal_(scorer.score.weight)
    some = pairs(rows[:3])
    apart = [
        scorer(torch.tensor([tokenizer.encode(prompt_text(pair.question, "rstar-sft") + text)])).logits.squeeze()
        for pair in some
        for text in (pair.chosen, pair.rejected)
    ]
    plain = preference_loss(
        torch.stack(apart[::2]), torch.stack(apart[1::2]), torch.tensor([pair.weight for pair in some])
    )
    examples = [make_preferences(some[start : start + 2], tokenizer, 512) for start in (0, 2, 4)]
    batch = collate([each for each in examples if each], tokenizer.pad_token_id)
    inputs = {name: batch[name] for name in ("input_ids", "position_ids", "attention_mask")}
    scores = PlaceScorer(scorer)(torch.cat((batch["chosen"], batch["rejected"])), **inputs)
    shared = preference_loss(*scores.chunk(2), batch["weights"])
    assert shared.item() == pytest.approx(plain.item(), rel=1e-5)


def test_the_pairwise_loss_is_bradley_terrys_weighted_mean() -> None:
    chosen, rejected = torch.tensor([2.0, 0.0]), torch.tensor([1.0, 3.0])
    terms = [math.log(1 + math.exp(-1.0)), math.log(1 + math.exp(3.0))]
    loss = preference_loss(chosen, rejected, torch.tensor([0.25, 0.75]))
    assert loss.item() == pytest.approx(0.25 * terms[0] + 0.75 * terms[1])


def test_sequences_share_the_tokens_of_their_common_beginning() -> None:
    tree = token_tree([(5, 6, 7), (5, 6, 8), (5,), (9, 6)])
    assert tree.tokens == [5, 6, 7, 8, 9, 6]
    assert tree.parents == [-1, 0, 1, 1, -1, 4]
    assert tree.ends == [2, 3, 0, 5]


def test_pair_accuracy_of_no_pairs_is_not_a_number(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    assert math.isnan(pair_accuracy(model, [], tokenizer))


@pytest.mark.parametrize(
    ("field", "value"), [("learning_rate", 0), ("epochs", -1), ("warmup", 1), ("schedule", "steep"), ("short_first", 2)]
)
def test_a_setting_out_of_range_is_named(field: str, value: object) -> None:
    with pytest.raises(InputError, match=field):
        overridden(SFT_PRESETS["tiny"], {field: value})


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(InputError, match="'depth' is unknown"):
        overridden(PPM_PRESETS["tiny"], {"depth": 1})


def test_a_token_is_worth_the_share_of_right_ends_below_it() -> None:
    tree = token_tree([(9, 1, 2), (9, 1, 3), (9, 1, 3, 4), (9, 5)])
    labels = dict(zip((tree.ends[0], tree.ends[2], tree.ends[3]), (1.0, 0.0, 0.0), strict=True))
    assert outcomes_of(tree, labels, prompt=1) == [(1, 0.5), (2, 1.0), (3, 0.0), (4, 0.0), (5, 0.0)]


def test_plain_attention_gives_the_scores_of_the_fused_one(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[SftRow], tmp_path: Path
) -> None:
    save(model, tokenizer, tmp_path)
    scorer = value_model_of(tmp_path, 0).eval()
    torch.nn.init.normal_(scorer.score.weight)
    made = [make_preferences(pairs(rows[at : at + 1]), tokenizer, 512) for at in (0, 1)]
    batch = collate([each for each in made if each], tokenizer.pad_token_id)
    scores = []
    for attention in ("sdpa", "eager"):
        scorer.set_attn_implementation(attention)
        inputs = {name: batch[name] for name in ("input_ids", "position_ids", "attention_mask")}
        scores.append(PlaceScorer(scorer)(torch.cat((batch["chosen"], batch["rejected"])), **inputs))
    assert torch.allclose(*scores, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({"bf16": True}, "eager"), ({"bf16": False}, "sdpa"), ({"bf16": True, "max_tokens": 4096}, "sdpa")],
)
def test_only_short_bfloat16_trainings_on_a_cpu_have_plain_attention(
    model: PreTrainedModel, changes: dict[str, Any], expected: str
) -> None:
    suit_attention(model, overridden(SFT, changes))
    assert model.config._attn_implementation == expected


def test_muon_has_the_matrices_of_the_layers_and_adamw_the_rest(model: PreTrainedModel) -> None:
    made = optimizer_of(model, MUON, Scale())
    assert made is not None
    of_part = [{id(weight) for group in part.param_groups for weight in group["params"]} for part in made.parts]
    muon, adamw = ({name for name, weight in model.named_parameters() if id(weight) in part} for part in of_part)
    assert {name.split(".")[-2] for name in muon} == {
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    }
    assert muon | adamw == {name for name, _ in model.named_parameters()}
    assert not muon & adamw
    assert [group["lr"] for group in made.param_groups] == [MUON.muon, MUON.learning_rate]


def test_muon_with_fsdp_is_refused_by_name(model: PreTrainedModel) -> None:
    with pytest.raises(InputError, match="muon"):
        optimizer_of(model, MUON, Scale(fsdp=True))


def test_a_schedule_reaches_both_optimizers_after_a_checkpoint_was_loaded(model: PreTrainedModel) -> None:
    made = optimizer_of(model, MUON, Scale())
    assert made is not None
    made.load_state_dict(made.state_dict())
    for group in made.param_groups:
        group["lr"] = 0.125
    assert [group["lr"] for part in made.parts for group in part.param_groups] == [0.125, 0.125]


def test_sft_and_ppm_training_use_muon_where_they_are_told(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[SftRow], tmp_path: Path
) -> None:
    from conftest import MICRO

    save(model, tokenizer, tmp_path / "policy")
    ends: dict[str, list[torch.Tensor]] = {"sft": [], "ppm": []}
    for muon in (0.0, 1e-2):
        policy, scorer = new_policy(MICRO, tokenizer, 0), value_model_of(tmp_path / "policy", 0)
        train_sft(policy, tokenizer, rows, overridden(SFT, {"muon": muon}), tmp_path / f"sft-{muon}")
        train_ppm(scorer, tokenizer, pairs(rows[:4]), overridden(PPM, {"muon": muon}), tmp_path / f"ppm-{muon}")
        ends["sft"].append(policy.base_model.layers[0].mlp.up_proj.weight.detach())
        ends["ppm"].append(scorer.base_model.layers[0].mlp.up_proj.weight.detach())
    assert not torch.allclose(*ends["sft"], rtol=0, atol=1e-4)
    assert not torch.allclose(*ends["ppm"], rtol=0, atol=1e-4)
