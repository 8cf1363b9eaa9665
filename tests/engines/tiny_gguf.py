"""Write the package's own policy as a GGUF file, for a real llama.cpp server. Runs where `gguf` and numpy are."""

from __future__ import annotations

import argparse
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

POLICY = Path(__file__).parents[2] / "rstar" / "models" / "tiny" / "policy"
NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "embed_tokens": "token_embd",
    "norm": "output_norm",
}
TYPES = {"F32": np.float32, "F16": np.float16}


def tensors(path: Path) -> dict[str, Any]:
    """The arrays of a safetensors file, in float32."""
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    found = {}
    for name, each in header.items():
        if name == "__metadata__":
            continue
        start, end = each["data_offsets"]
        part = content[8 + size + start : 8 + size + end]
        if each["dtype"] == "BF16":
            wide = np.frombuffer(part, np.uint16).astype(np.uint32) << 16
            found[name] = wide.view(np.float32).reshape(each["shape"])
        else:
            found[name] = np.frombuffer(part, TYPES[each["dtype"]]).astype(np.float32).reshape(each["shape"])
    return found


def interleaved(weights: Any, heads: int) -> Any:
    """Rows of a query or key projection in llama.cpp's order: pairs side by side, where transformers has halves."""
    rows, columns = weights.shape
    return weights.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write(out: Path, folder: Path = POLICY) -> None:
    """The model in `folder` as one file."""
    import gguf

    config = json.loads((folder / "config.json").read_text())
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_name("rstar-tiny")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_vocab_size(config["vocab_size"])
    add_tokenizer(writer, tokenizer, config, gguf)
    heads = {"self_attn.q_proj": config["num_attention_heads"], "self_attn.k_proj": config["num_key_value_heads"]}
    for name, weights in tensors(folder / "model.safetensors").items():
        parts = name.removeprefix("model.").removesuffix(".weight").split(".")
        layer, rest = (f"blk.{parts[1]}.", ".".join(parts[2:])) if parts[0] == "layers" else ("", ".".join(parts))
        array = interleaved(weights, heads[rest]) if rest in heads else weights
        writer.add_tensor(f"{layer}{NAMES[rest]}.weight", np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_tokenizer(writer: Any, tokenizer: dict[str, Any], config: dict[str, Any], gguf: Any) -> None:
    """Vocabulary and merges. Markers are written as ordinary added tokens: llama.cpp never shows a control token."""
    added = {each["id"]: each["content"] for each in tokenizer["added_tokens"]}
    tokens = {number: token for token, number in tokenizer["model"]["vocab"].items()} | added
    kinds = gguf.TokenType
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([tokens.get(number, f"<unused{number}>") for number in range(config["vocab_size"])])
    writer.add_token_types(
        [
            kinds.UNUSED
            if number not in tokens
            else kinds.NORMAL
            if number not in added
            else kinds.CONTROL
            if number < 2
            else kinds.USER_DEFINED
            for number in range(config["vocab_size"])
        ]
    )
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([each if isinstance(each, str) else " ".join(each) for each in merges])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["pad_token_id"])
    writer.add_add_bos_token(False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    write(parser.parse_args().out)
