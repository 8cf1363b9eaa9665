"""Tiny models of the public PRM families, with random weights and tokenizers made here: nothing comes from a hub."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from tiny_models import _GROUPED
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from rstar.reward.qwen_prm import Qwen2ForProcessRewardModel
from rstar.reward.skywork_prm import Qwen2ForPrmModel

TEXTS = ["Step 1: the sum of 2 and 3 is 5 ки", "print ( total ) + - + - ки ки", "Please reason step by step ."] * 9
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
)


def byte_tokenizer(special: Sequence[str], template: str | None, bos: str | None) -> PreTrainedTokenizerFast:
    """Byte-level BPE, as Qwen and Llama 3 have it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=alphabet, special_tokens=list(special), show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos, eos_token=special[-1])
    made.chat_template = template
    return made


def piece_tokenizer(texts: Sequence[str] = TEXTS) -> PreTrainedTokenizerFast:
    """BPE on pieces that carry the space before them, with a begin token set in front, as Mistral has it."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split("\n", "isolated"), pre_tokenizers.Metaspace(prepend_scheme="first")]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def config(kind: str, size: int) -> Any:
    return AutoConfig.for_model(kind, **{**_GROUPED, "vocab_size": size, "max_position_embeddings": 512})


def qwen() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    tokenizer = byte_tokenizer(["<|endoftext|>", "<extra_0>", "<|im_start|>", "<|im_end|>"], CHATML, None)
    torch.manual_seed(0)
    return Qwen2ForProcessRewardModel(config("qwen2", len(tokenizer))).eval(), tokenizer


def skywork() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    tokenizer = byte_tokenizer(["<|im_start|>", "<|im_end|>", "<|endoftext|>"], CHATML, "<|endoftext|>")
    torch.manual_seed(0)
    return Qwen2ForPrmModel(config("qwen2", len(tokenizer))).eval(), tokenizer


def shepherd() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    tokenizer = piece_tokenizer()
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config("mistral", len(tokenizer))).eval(), tokenizer


def rlhflow() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    special = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    tokenizer = byte_tokenizer(special, LLAMA, "<|begin_of_text|>")
    # As Llama's: encode() sets the begin token by itself.
    tokenizer._tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", 0)]
    )
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config("llama", len(tokenizer))).eval(), tokenizer


MAKERS = {
    name: lru_cache(maker)
    for name, maker in {"qwen": qwen, "skywork": skywork, "math-shepherd": shepherd, "rlhflow": rlhflow}.items()
}
FOLDERS = {"rlhflow": "RLHFlow--Llama3.1-8B-PRM-Deepseek-Data", "math-shepherd": "math-shepherd-mistral-7b-prm"}
"""The two that only their name tells from a policy; the others may lie anywhere."""


def read_tokenizer(family: str) -> PreTrainedTokenizerBase:
    """As it is read from a folder: transformers takes the class, and so the pre-tokeniser, that goes with the model."""
    with TemporaryDirectory() as root:
        return AutoTokenizer.from_pretrained(saved(Path(root), family))


def saved(root: Path, family: str) -> Path:
    """A folder as the hub has it."""
    model, tokenizer = MAKERS[family]()
    folder = root / FOLDERS.get(family, f"{family}-model")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
