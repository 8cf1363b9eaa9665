"""Models whose cost a benchmark of an engine can choose, written as folders that any engine loads.

`deepened`  the package's policy under more layers that pass everything through. It writes what the policy writes, and a
            token costs what it costs in a model of so many layers. With the small model alone, programs, search and
            scheduler take as much of the machine as the engine does; with any model that vLLM is used for they do not.
`narrow`    a deep model of 32 channels with random weights. What a step of it takes hardly depends on the number of
            sequences in it, as on a GPU that is not full, where a step reads all weights for one sequence as for many.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "generation_config.json")
NARROW = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 1, "num_key_value_heads": 1}
"""One head of the package's 32 channels."""


def deepened(policy: Path, out: Path, layers: int) -> Path:
    """`policy` with `layers` in all; those above its own add nothing to what passes through them."""
    config = AutoConfig.from_pretrained(policy)
    own, config.num_hidden_layers = config.num_hidden_layers, layers
    model = AutoModelForCausalLM.from_pretrained(policy, config=config, dtype=torch.float32)
    for layer in model.model.layers[own:]:
        torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
        torch.nn.init.zeros_(layer.mlp.down_proj.weight)
    return _written(model, policy, out)


def narrow(policy: Path, out: Path, layers: int) -> Path:
    """A random model of `layers` thin layers, with the vocabulary of `policy`."""
    config = AutoConfig.from_pretrained(policy)
    for name, value in (NARROW | {"num_hidden_layers": layers}).items():
        setattr(config, name, value)
    torch.manual_seed(0)
    return _written(AutoModelForCausalLM.from_config(config), policy, out)


def _written(model: torch.nn.Module, policy: Path, out: Path) -> Path:
    model.save_pretrained(out)  # type: ignore[operator]
    for name in TOKENIZER_FILES:
        shutil.copy(policy / name, out / name)
    return out
