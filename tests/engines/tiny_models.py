"""What the tests of the engines run on: models with random weights and a small tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from rstar.prompts import MARKERS

VOCABULARY = 320
_GROUPED: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}
_GPT2 = {
    "vocab_size": VOCABULARY,
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": 256,
    "initializer_range": 0.3,
    "bos_token_id": None,
    "eos_token_id": None,
}
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {**_GROUPED, "tie_word_embeddings": True}),
    "qwen2": ("qwen2", _GROUPED),
    "gpt2": ("gpt2", _GPT2),
    "mistral, window of 5": ("mistral", {**_GROUPED, "sliding_window": 5}),
    "gemma2, every other layer with a window of 5": ("gemma2", {**_GROUPED, "sliding_window": 5}),
    "bloom": ("bloom", {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 2, "n_head": 4}),
    "mamba": ("mamba", {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2}),
}


def make_config(name: str) -> PreTrainedConfig:
    kind, settings = CONFIGS[name]
    return AutoConfig.for_model(kind, **settings)


def make_model(name: str, seed: int = 0) -> PreTrainedModel:
    """Random weights, large enough for the distributions to have peaks."""
    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(make_config(name)).eval()


def make_scorer(name: str, seed: int = 0) -> PreTrainedModel:
    """The same with a head for one number."""
    config = make_config(name)
    config.num_labels = 1
    torch.manual_seed(seed)
    return AutoModelForSequenceClassification.from_config(config).eval()


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE with the markers as tokens of their own."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>", *MARKERS],
        show_progress=False,
    )
    tokenizer.train_from_iterator(["What is the sum of the numbers? print(total) # Step"] * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>")


def save(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast | None) -> Path:
    model.save_pretrained(folder)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    return folder
