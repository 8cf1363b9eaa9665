"""The released PPM layout: written and read back, the values the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from rstar.training.checkpoints import save, value_model_of
from rstar.training.value_head import VALUE_HEAD, export_value_head, import_value_head
from tasks.types import InputError


@pytest.fixture
def ppm(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> Path:
    save(model, tokenizer, tmp_path / "policy")
    scorer = value_model_of(tmp_path / "policy", 0)
    torch.nn.init.normal_(scorer.score.weight, std=0.3)
    scorer.config.value_scale = 2.0
    save(scorer, tokenizer, tmp_path / "ppm")
    return tmp_path / "ppm"


def values(folder: Path, ids: torch.Tensor) -> torch.Tensor:
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        return torch.tanh(model(ids).logits / model.config.value_scale)


def test_export_keeps_the_values_of_the_released_server(ppm: Path, tmp_path: Path) -> None:
    export_value_head(ppm, tmp_path / "released")
    ids = torch.tensor([[20, 30, 40, 50]])
    backbone = AutoModelForCausalLM.from_pretrained(tmp_path / "released").eval()
    head = torch.load(tmp_path / "released" / VALUE_HEAD, weights_only=True)
    assert set(head) == {"v_head.summary.weight", "v_head.summary.bias"}
    with torch.inference_mode():
        hidden = backbone.base_model(ids).last_hidden_state[:, -1]
    released = torch.tanh((hidden @ head["v_head.summary.weight"].T + head["v_head.summary.bias"]) / 5)
    assert torch.allclose(released, values(ppm, ids), atol=1e-6)


def test_import_of_an_export_gives_the_same_values(ppm: Path, tmp_path: Path) -> None:
    export_value_head(ppm, tmp_path / "released")
    import_value_head(tmp_path / "released", tmp_path / "back")
    ids = torch.tensor([[20, 30, 40, 50], [60, 20, 31, 12]])
    assert torch.allclose(values(tmp_path / "back", ids), values(ppm, ids), atol=1e-6)


def test_export_of_an_import_gives_the_same_head(ppm: Path, tmp_path: Path) -> None:
    export_value_head(ppm, tmp_path / "released")
    head = torch.load(tmp_path / "released" / VALUE_HEAD, weights_only=True)
    head["v_head.summary.bias"] = torch.tensor([1e-6])
    torch.save(head, tmp_path / "released" / VALUE_HEAD)
    import_value_head(tmp_path / "released", tmp_path / "back")
    export_value_head(tmp_path / "back", tmp_path / "again")
    again = torch.load(tmp_path / "again" / VALUE_HEAD, weights_only=True)
    assert all(torch.equal(again[name], head[name]) for name in head)


def test_a_head_that_does_not_fit_is_one_clear_line(ppm: Path, tmp_path: Path) -> None:
    export_value_head(ppm, tmp_path / "released")
    path = tmp_path / "released" / VALUE_HEAD
    torch.save({"v_head.summary.weight": torch.zeros(1, 3), "v_head.summary.bias": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="shape"):
        import_value_head(tmp_path / "released", tmp_path / "back")
    torch.save({"v_head.summary.weight": torch.zeros(1, 16), "v_head.summary.bias": torch.ones(1)}, path)
    with pytest.raises(InputError, match="bias of 1"):
        import_value_head(tmp_path / "released", tmp_path / "back")
    torch.save({"other": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="is it a value head"):
        import_value_head(tmp_path / "released", tmp_path / "back")
    path.write_bytes(b"torn")
    with pytest.raises(InputError, match="does not load"):
        import_value_head(tmp_path / "released", tmp_path / "back")
    path.unlink()
    with pytest.raises(InputError, match="does not exist"):
        import_value_head(tmp_path / "released", tmp_path / "back")
