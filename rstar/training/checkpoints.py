"""Models on disk: made from a shape, turned from a policy into a PPM, saved as transformers loads them."""

from __future__ import annotations

from hashlib import sha256
from logging import ERROR
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rstar.training.settings import Shape
from tasks.types import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def new_policy(shape: Shape, tokenizer: PreTrainedTokenizerBase, seed: int) -> PreTrainedModel:
    """A Llama-type model with random weights, the same for the same seed."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.hidden // shape.heads,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=shape.positions,
        initializer_range=shape.initializer_range,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model: PreTrainedModel = LlamaForCausalLM(config)  # type: ignore[no-untyped-call]
    return model


def load_policy(folder: Path) -> PreTrainedModel:
    """The causal model in `folder`, in float32, for training. Raises InputError where there is none."""
    import torch

    from rstar.engines.loading import load_model

    model = load_model(folder, "policy", torch.device("cpu"), torch.float32)
    model.train()
    return model


def load_value_model(folder: Path) -> PreTrainedModel:
    """The model with a scalar head in `folder`, in float32, to train on. Raises InputError where there is none."""
    import torch

    from rstar.engines.loading import load_model

    model = load_model(folder, "reward model", torch.device("cpu"), torch.float32)
    model.train()
    return model


def load_trained_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in `folder`. Raises InputError where there is none."""
    from rstar.engines.loading import load_tokenizer

    return load_tokenizer(folder, "policy")


def value_model_of(folder: Path, seed: int, extra_layers: int = 0) -> PreTrainedModel:
    """The policy in `folder` with a scalar head in place of its own, all weights trainable, in float32.

    `extra_layers` new layers stand on top; they start as the identity. The policy's own layers end in a prediction of
    the next token, and a small one has no depth left to compare that with the token that came. The head starts near
    zero, so that at first no step is preferred. Raises InputError where there is no policy.
    """
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification
    from transformers.utils import logging

    load_policy(folder)  # says what is wrong with the folder in one line
    torch.manual_seed(seed)
    config = AutoConfig.from_pretrained(folder, num_labels=1)
    first_new = config.num_hidden_layers
    config.num_hidden_layers += extra_layers
    before = logging.get_verbosity()
    logging.set_verbosity(ERROR)  # the report that the head is new, which is the point
    try:
        model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
            folder, config=config, dtype=torch.float32
        )
    finally:
        logging.set_verbosity(before)
    head = getattr(model, "score", None)
    if not isinstance(head, torch.nn.Linear):
        raise InputError(f"policy folder {folder}: {type(model).__name__} has no linear head `score` to train as a PPM")
    torch.nn.init.normal_(head.weight, std=1e-3)
    layers: Any = cast("Any", model.base_model).layers
    for layer in layers[first_new:]:
        torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
        torch.nn.init.zeros_(layer.mlp.down_proj.weight)
    return model


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path, *, bf16: bool = False) -> None:
    """Write weights (safetensors), configuration and tokenizer; `bf16` halves the size and rounds to 8 bits.

    Raises InputError for weights that are not finite: such a model is not worth keeping.
    """
    import torch

    for name, weights in model.named_parameters():
        if not torch.isfinite(weights).all():
            raise InputError(f"{folder}: weight {name!r} is not finite, nothing was saved; lower the learning rate")
    folder.mkdir(parents=True, exist_ok=True)
    if bf16:
        model.bfloat16()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def weights_hash(folder: Path) -> str:
    """SHA-256 of the weights of a saved model, 64 hex digits; of its files one after the other where it has several.

    Raises InputError where there are none.
    """
    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        raise InputError(f"{folder}: has no model.safetensors; give the folder of a model that transformers has saved")
    digest = sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
