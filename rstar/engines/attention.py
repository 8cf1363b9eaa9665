"""Attention for one new token per sequence that reads each key once, however many query heads share it.

The attention functions of transformers copy keys and values once per query head when there is a mask; with one query
per sequence that copy costs more than all else. Registered as an attention backend, so it serves every architecture
that takes backends, and its numbers are compared with the model's own when an engine starts.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

GROUPED = "rstar_grouped"
"""Name under which the backend is registered."""
MAX_SCORES = 1 << 26
"""Attention scores at once, 256 MiB in fp32; a larger prefill goes through the fused kernel. Chosen, not tuned."""
_UNKNOWN = ("softcap", "s_aux", "position_bias", "head_mask")
"""Arguments with which some architectures change the formula; one with a value is refused."""


def grouped_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """softmax(Q K^T scaling + mask) V, as [sequences, new tokens, heads, head size].

    `query` is [sequences, heads, new tokens, head size], `key` and `value` [sequences, key heads, length, head size],
    `attention_mask` additive, [sequences, 1, new tokens, length]. Query head h reads key head h // (heads / key heads).
    """
    if any(options.get(name) is not None for name in _UNKNOWN):
        raise NotImplementedError("attention with an argument that changes its formula")
    num_sequences, num_heads, num_new, head_size = query.shape
    num_key_heads, length = key.shape[1], key.shape[2]
    if attention_mask is None or num_sequences * num_heads * num_new * length > MAX_SCORES:
        output, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
        )
        return output, None
    scale = head_size**-0.5 if scaling is None else scaling
    share = num_heads // num_key_heads
    queries = query.reshape(num_sequences, num_key_heads, share * num_new, head_size) * scale
    scores = torch.matmul(queries, key.transpose(2, 3))
    scores.view(num_sequences, num_key_heads, share, num_new, length).add_(attention_mask[:, :, None])
    # In fp32 also where the model is not: sums of many small terms.
    output = torch.matmul(scores.softmax(-1, dtype=torch.float32).to(value.dtype), value)
    output = output.view(num_sequences, num_heads, num_new, value.shape[-1])
    return output.transpose(1, 2).contiguous(), None


AttentionInterface.register(GROUPED, grouped_attention)
