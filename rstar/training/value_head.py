"""The released PPM layout: a causal language model and, in a file of its own, the head for the value.

    config.json, model.safetensors, tokenizer   the backbone, as transformers saves a causal model
    value_head.bin                               `v_head.summary.weight` [1, hidden], `v_head.summary.bias` [1]

as `rm_engine` of the released code reads it (rStar issue 19); it serves tanh((w h + b) / 5). Ours is a sequence
classification model with a head `score` without a bias, served as tanh(w h / value_scale). The bias cannot be trained
by pairs, in whose differences it cancels: it stays at its first value, 1e-6 (released `train/rm.py`). It is kept in
`config.json` as `value_bias`, for export, and a larger one is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rstar.training.checkpoints import save
from tasks.types import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VALUE_HEAD = "value_head.bin"
RELEASED_SCALE = 5.0
"""Released serving code: tanh(logit / 5)."""
MAX_BIAS = 1e-3
"""A bias that changes no value by more than 2e-4, and may be left out in serving. Chosen, not tuned."""


def import_value_head(folder: Path, out: Path) -> None:
    """Turn a PPM in the released layout into one of ours, in `out`; its values are the same.

    Raises InputError where the folder is no such PPM.
    """
    import torch

    from rstar.engines.loading import load_model, load_tokenizer

    weight, bias = _read_head(folder / VALUE_HEAD)
    backbone = load_model(folder, "policy", torch.device("cpu"), torch.float32)
    if weight.shape != (1, backbone.config.hidden_size):
        raise InputError(
            f"{folder / VALUE_HEAD}: has a head of shape {tuple(weight.shape)} where the model's width is "
            f"{backbone.config.hidden_size}; take both files from one training"
        )
    model = _classifier(backbone)
    with torch.no_grad():
        cast("Any", model).score.weight.copy_(weight)
    model.config.value_scale, model.config.value_bias = RELEASED_SCALE, bias
    save(model, load_tokenizer(folder, "policy"), out)


def export_value_head(folder: Path, out: Path) -> None:
    """Write the PPM in `folder` in the released layout; its values there are the same.

    The backbone gets no output layer of its own (the released server reads none): its config ties it to the embeddings.
    Raises InputError where the folder holds no reward model.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from rstar.engines.loading import load_model, load_tokenizer

    model = load_model(folder, "reward model", torch.device("cpu"), torch.float32)
    config = AutoConfig.from_pretrained(folder)
    scale, bias = float(getattr(config, "value_scale", RELEASED_SCALE)), float(getattr(config, "value_bias", 0.0))
    for name in ("value_scale", "value_bias", "id2label", "label2id", "num_labels"):
        if name in config.__dict__:
            delattr(config, name)
    config.tie_word_embeddings = True
    auto: Any = AutoModelForCausalLM
    backbone = auto.from_config(config, dtype=torch.float32)
    backbone.base_model.load_state_dict(model.base_model.state_dict())
    backbone.tie_weights()
    save(backbone, load_tokenizer(folder, "reward model"), out)
    head = cast("Any", model).score.weight.detach() * (RELEASED_SCALE / scale)
    state = {"v_head.summary.weight": head.contiguous(), "v_head.summary.bias": torch.tensor([bias])}
    torch.save(state, out / VALUE_HEAD)


def _classifier(backbone: PreTrainedModel) -> PreTrainedModel:
    """A sequence classification model of one label with the layers of `backbone`."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.for_model(**backbone.config.to_dict())
    config.num_labels = 1
    auto: Any = AutoModelForSequenceClassification
    model: PreTrainedModel = auto.from_config(config, dtype=torch.float32)
    cast("Any", model.base_model).load_state_dict(cast("Any", backbone.base_model).state_dict())
    if not isinstance(getattr(model, "score", None), torch.nn.Linear):
        raise InputError(f"{type(model).__name__} has no linear head `score`; this architecture cannot be imported")
    return model


def _read_head(path: Path) -> tuple[Any, float]:
    """Weight [1, hidden] and bias of a released head."""
    import pickle

    import torch

    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        raise InputError(f"{path}: does not exist; the released layout keeps the PPM's head there") from None
    except (pickle.UnpicklingError, OSError, RuntimeError, EOFError, LookupError, ValueError, TypeError) as error:
        # What torch's reader raises for a torn file depends on where it is torn.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: does not load ({reason}); copy the file again") from error
    named = {str(name).removeprefix("v_head."): value for name, value in dict(state).items()}
    if set(named) != {"summary.weight", "summary.bias"}:
        raise InputError(f"{path}: holds {sorted(named)}, not summary.weight and summary.bias; is it a value head?")
    bias = float(named["summary.bias"].float().reshape(()))
    if not abs(bias) <= MAX_BIAS:
        raise InputError(
            f"{path}: has a bias of {bias:g}, which serving would leave out; only up to {MAX_BIAS:g} is taken"
        )
    return named["summary.weight"].float(), bias
