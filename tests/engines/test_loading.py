"""Model folders with something wrong: one line that says what, and what to do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import make_model, make_scorer, save
from transformers import PreTrainedTokenizerFast

from rstar.engines.loading import SMALL_PARAMETERS, choose_device, choose_dtype, use_threads
from rstar.engines.transformers import TransformersPolicy
from rstar.reward.ppm import TransformersPPM
from rstar.types import Trajectory
from tasks.types import InputError, Problem


@pytest.fixture
def policy_folder(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    return save(tmp_path / "policy", make_model("qwen2"), tokenizer)


@pytest.fixture
def ppm_folder(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    return save(tmp_path / "ppm", make_scorer("qwen2"), tokenizer)


def message(folder: Path, engine: type[TransformersPolicy | TransformersPPM] = TransformersPolicy) -> str:
    with pytest.raises(InputError) as caught:
        engine.load(folder, device="cpu")
    text = str(caught.value)
    assert "\n" not in text
    assert str(folder) in text
    return text


def test_a_saved_policy_loads_and_draws_what_it_drew_before(
    policy_folder: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    trajectory = Trajectory(Problem("toy/1", "What?"))
    texts = []
    for policy in (
        TransformersPolicy(make_model("qwen2"), tokenizer, max_new_tokens=8, kv_bytes=1 << 24),
        TransformersPolicy.load(policy_folder, device="cpu", max_new_tokens=8, kv_bytes=1 << 24),
    ):
        with policy:
            texts.append([each.text for each in asyncio.run(policy.propose(trajectory, 4, 0)).candidates])
    assert texts[0] == texts[1]


def test_a_saved_ppm_loads_and_says_what_it_said_before(ppm_folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    trajectory = Trajectory(Problem("toy/1", "What?"))
    values = []
    for ppm in (
        TransformersPPM(make_scorer("qwen2"), tokenizer, kv_bytes=1 << 24),
        TransformersPPM.load(ppm_folder, device="cpu", kv_bytes=1 << 24),
    ):
        with ppm:
            values.append(asyncio.run(ppm.score([trajectory])).values)
    assert values[0] == pytest.approx(values[1], abs=1e-6)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "does not exist" in message(tmp_path / "nothing")
    assert "does not exist" in message(tmp_path / "nothing", TransformersPPM)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    assert "no config.json" in message(tmp_path)


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    assert "has no tokenizer" in message(save(tmp_path / "policy", make_model("qwen2"), None))


def test_a_broken_tokenizer_is_named(policy_folder: Path) -> None:
    (policy_folder / "tokenizer.json").write_text("{")
    assert "the tokenizer does not load" in message(policy_folder)


def test_an_unknown_architecture_is_named(policy_folder: Path) -> None:
    config = json.loads((policy_folder / "config.json").read_text())
    (policy_folder / "config.json").write_text(json.dumps({**config, "model_type": "abacus"}))
    assert "the architecture 'abacus' is unknown" in message(policy_folder)


def test_a_config_that_is_not_json_is_named(policy_folder: Path) -> None:
    (policy_folder / "config.json").write_text("model = qwen2")
    assert "config.json is not a JSON object" in message(policy_folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(value: float, policy_folder: Path) -> None:
    weights = load_file(policy_folder / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][3, 4] = value
    save_file(weights, policy_folder / "model.safetensors", metadata={"format": "pt"})
    text = message(policy_folder)
    assert "'model.layers.1.mlp.up_proj.weight' has values that are not finite" in text


def test_missing_weights_are_named(policy_folder: Path) -> None:
    weights = load_file(policy_folder / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, policy_folder / "model.safetensors", metadata={"format": "pt"})
    assert "the weights lack 'model.norm.weight'" in message(policy_folder)


def test_a_truncated_weight_file_is_named(policy_folder: Path) -> None:
    file = policy_folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    assert "the weights do not load" in message(policy_folder)


def test_a_policy_is_not_taken_for_a_ppm_nor_the_reverse(policy_folder: Path, ppm_folder: Path) -> None:
    assert "holds no value head (Qwen2ForCausalLM)" in message(policy_folder, TransformersPPM)
    assert "holds a reward model (Qwen2ForSequenceClassification)" in message(ppm_folder)


def test_a_classifier_with_several_labels_is_not_taken_for_a_ppm(ppm_folder: Path) -> None:
    config = json.loads((ppm_folder / "config.json").read_text())
    labels = {"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 0, "b": 1}}
    (ppm_folder / "config.json").write_text(json.dumps({**config, **labels}))
    assert "has 2 labels; a reward model has one" in message(ppm_folder, TransformersPPM)


def test_unknown_devices_and_dtypes_are_refused() -> None:
    with pytest.raises(InputError, match="device 'abacus' is unknown"):
        choose_device("abacus")
    with pytest.raises(InputError, match="device 'meta' is not served; use auto, cpu or cuda"):
        choose_device("meta")
    with pytest.raises(InputError, match="device 'cuda:99' is not on this machine; use cpu"):
        choose_device("cuda:99")
    with pytest.raises(InputError, match="dtype 'int3' is unknown"):
        choose_dtype("int3", torch.device("cpu"))  # type: ignore[arg-type]
    assert choose_dtype("auto", torch.device("cpu")) == torch.float32


def test_small_models_get_one_thread_and_large_ones_what_torch_takes() -> None:
    small, large = make_model("llama"), torch.nn.Linear(SMALL_PARAMETERS, 1, bias=True, device="meta")
    before = torch.get_num_threads()
    for models, asked, expected in ([small], None, 1), ([small, large], None, 3), ([small], 2, 2):
        torch.set_num_threads(3)
        with use_threads(models, asked) as threads:  # type: ignore[arg-type]
            assert threads == torch.get_num_threads() == expected
        assert torch.get_num_threads() == 3
    torch.set_num_threads(before)
