"""One new token per row through a Llama-type model, straight from its weights.

With one token per row a step of a small model is mostly calls: transformers makes about 70 a layer through 15 module
objects. The same formulas take 20 here. Which models fit is decided by their parts, and `KVRows` compares the numbers
with the model's own when an engine starts; any other model takes its own forward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import Linear
from torch.nn.functional import linear, rms_norm, silu
from transformers import PreTrainedModel

FAMILIES = ("llama", "mistral", "qwen2")
"""Pre-norm blocks of rotary attention and a gated feed-forward layer; they differ in biases and windows."""
_PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj")
_FEED_FORWARD = ("gate_proj", "up_proj", "down_proj")
Write = Callable[[int, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""(layer, new keys, new values), each [rows, key heads, 1, size], to all of them, [rows, key heads, length, size]."""


def fits(model: PreTrainedModel) -> bool:
    """Whether `LlamaStep` may be tried: a family that it knows, made of plain linear layers, without a window."""
    config = model.config.get_text_config()
    if config.model_type not in FAMILIES or config.hidden_act != "silu":
        return False
    layers: Any = getattr(model.base_model, "layers", ())
    parts = [getattr(layer.self_attn, name, None) for layer in layers for name in _PROJECTIONS]
    parts += [getattr(layer.mlp, name, None) for layer in layers for name in _FEED_FORWARD]
    return bool(parts) and all(type(part) is Linear for part in parts)


class LlamaStep:
    """The body of a model, its head left out, for one token per row."""

    def __init__(self, model: PreTrainedModel) -> None:
        """`model` is one that `fits`."""
        body: Any = model.base_model
        self.body, self.layers = body, list(body.layers)
        attention = self.layers[0].self_attn
        self.head_size, self.scaling = attention.head_dim, attention.scaling

    def __call__(self, tokens: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, write: Write) -> torch.Tensor:
        """Last hidden states, [rows, hidden size]; `tokens` and `positions` are [rows, 1].

        `mask` is additive, [rows, 1, 1, length].
        """
        hidden = self.body.embed_tokens(tokens[:, 0])
        cos, sin = self.body.rotary_emb(hidden, position_ids=positions)
        # Rotating by half a head swaps its halves; the sign of the first goes into the sine.
        half = self.head_size // 2
        sin = torch.cat((-sin[..., :half], sin[..., half:]), dim=-1)
        for index, layer in enumerate(self.layers):
            normed = _normed(hidden, layer.input_layernorm)
            attended = self._attended(normed, layer.self_attn, cos, sin, mask, index, write)
            hidden = _added(hidden, attended, layer.self_attn.o_proj)
            normed = _normed(hidden, layer.post_attention_layernorm)
            gate, up = _linear(normed, layer.mlp.gate_proj), _linear(normed, layer.mlp.up_proj)
            hidden = _added(hidden, silu(gate, inplace=True).mul_(up), layer.mlp.down_proj)
        return _normed(hidden, self.body.norm)

    def _attended(
        self,
        normed: torch.Tensor,
        attention: Any,
        cos: torch.Tensor,
        sin: torch.Tensor,
        mask: torch.Tensor,
        index: int,
        write: Write,
    ) -> torch.Tensor:
        """What the heads have gathered, [rows, heads x size]."""
        rows, size = len(normed), self.head_size
        queries, keys = _linear(normed, attention.q_proj), _linear(normed, attention.k_proj)
        num_heads = queries.shape[1] // size
        both = torch.cat((queries, keys), dim=1).view(rows, -1, size)
        both = torch.addcmul(both * cos, both.roll(size // 2, -1), sin)
        values = _linear(normed, attention.v_proj).view(rows, -1, 1, size)
        all_keys, all_values = write(index, both[:, num_heads:, None], values)
        shared = both[:, :num_heads].reshape(rows, values.shape[1], -1, size)
        scores = torch.matmul(shared * self.scaling, all_keys.transpose(2, 3)).add_(mask)
        weights = scores.softmax(-1, dtype=torch.float32).to(all_values.dtype)
        return torch.matmul(weights, all_values).view(rows, -1)


def _normed(hidden: torch.Tensor, norm: Any) -> torch.Tensor:
    return rms_norm(hidden, hidden.shape[-1:], norm.weight, norm.variance_epsilon)


def _linear(hidden: torch.Tensor, layer: Linear) -> torch.Tensor:
    return linear(hidden, layer.weight, layer.bias)


def _added(hidden: torch.Tensor, update: torch.Tensor, layer: Any) -> torch.Tensor:
    """`hidden` plus `layer` of `update`."""
    if layer.bias is None:
        return torch.addmm(hidden, update, layer.weight.t())
    return hidden + _linear(update, layer)
