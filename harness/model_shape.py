"""The numbers of a model that its memory and its speed in search depend on: of the paper's models, or of a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.model_size import num_parameters
from tasks.types import InputError

WEIGHT_BYTES = 2
"""A parameter in bfloat16, and a number in the cache of keys and values."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A decoder that is served in bfloat16."""

    title: str
    parameters: int
    """All of them: what lies in memory."""
    layers: int
    hidden: int
    feed_forward: int
    kv_width: int
    """Numbers per token and layer that the cache keeps: keys and values, 2 x heads x width of one."""
    vocabulary: int
    active: int = 0
    """Parameters that a token is multiplied with; 0: all. Fewer in a mixture of experts."""
    source: str = ""

    @property
    def weight_bytes(self) -> int:
        """In memory."""
        return WEIGHT_BYTES * self.parameters

    @property
    def kv_bytes(self) -> int:
        """Of one token in the cache."""
        return WEIGHT_BYTES * self.layers * self.kv_width

    @property
    def flops_per_token(self) -> float:
        """Forward pass, 2 a parameter (Kaplan et al. 2020, arXiv 2001.08361, section 2.1)."""
        return 2.0 * (self.active or self.parameters)


_QWEN_7B = ModelShape(
    "Qwen2.5-Math-7B", 7_615_616_512, 28, 3584, 18944, 2 * 4 * 128, 152064, source="config.json of Qwen/Qwen2.5-Math-7B"
)
SHAPES: Mapping[str, ModelShape] = {
    "paper-7b": _QWEN_7B,
    "paper-1.5b": ModelShape(
        "Qwen2.5-Math-1.5B", 1_543_714_304, 28, 1536, 8960, 2 * 2 * 128, 151936,
        source="config.json of Qwen/Qwen2.5-Math-1.5B",
    ),
    "paper-phi3": ModelShape(
        "Phi-3-mini-4k", 3_821_079_552, 32, 3072, 8192, 2 * 32 * 96, 32064,
        source="config.json of microsoft/Phi-3-mini-4k-instruct",
    ),
}  # fmt: skip
"""Policies of the paper (section 4.1)."""
PPM = _QWEN_7B
"""All policies are paired with the 7B PPM (paper, Table 5); its head of 3,585 numbers is left out."""
BOOTSTRAP = ModelShape(
    "DeepSeek-Coder-V2-Instruct", 236_000_000_000, 60, 5120, 12288, 512 + 64, 102400, active=21_000_000_000,
    source="arXiv 2406.11931, section 3; multi-head latent attention keeps 512 + 64 numbers a token and layer",
)  # fmt: skip
"""The policy of round 1."""


def shape_of(name: str, flag: str) -> ModelShape:
    """The shape of the model in the folder `name`. Raises InputError, naming `flag`, where it cannot be read."""
    folder = Path(name).expanduser()
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config = config.get("text_config") or config
        layers, hidden = int(config["num_hidden_layers"]), int(config["hidden_size"])
        heads = int(config["num_attention_heads"])
        width = int(config.get("head_dim") or hidden // heads)
        kv_heads = int(config.get("num_key_value_heads") or heads)
        multiplied = num_parameters(folder)
        size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
        if multiplied is None:
            raise InputError(f"{flag} {name}: holds no safetensors weights; name the folder of a saved model")
        vocabulary = int(config["vocab_size"])
        feed_forward = int(config.get("intermediate_size") or 4 * hidden)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{flag} {name}: its config.json does not say its shape ({error}); name a model's folder"
        ) from None
    tied = bool(config.get("tie_word_embeddings", False))
    parameters = multiplied + (0 if tied else vocabulary * hidden)
    source = f"{folder}, {size / 1e9:.2f} GB of weights"
    return ModelShape(
        folder.name, parameters, layers, hidden, feed_forward, 2 * kv_heads * width, vocabulary, multiplied, source
    )
