"""Models and tokenizers from a local folder, checked: what is wrong with a folder is said in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

from tasks.types import InputError

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
SMALL_PARAMETERS = 10_000_000
"""Up to here one thread: a pass is over before others have woken, and waiting threads burn their cores."""
Role = Literal["policy", "reward model"]

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model", "vocab.txt")
"""One of these is in every folder that `save_pretrained` of a tokenizer has written."""
_LOAD_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    RuntimeError,
    ImportError,
    AttributeError,
    SafetensorError,
)


def choose_device(device: str) -> torch.device:
    """`auto`: the GPU where there is one. Raises InputError for a device that this machine lacks."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"device {device!r} is unknown; use auto, cpu or cuda") from error
    if chosen.type not in ("cpu", "cuda"):
        raise InputError(f"device {device!r} is not served; use auto, cpu or cuda")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise InputError(f"device {device!r} is not on this machine; use {_devices()}")
    return chosen


def choose_dtype(dtype: Dtype, device: torch.device) -> torch.dtype:
    """`auto`: bfloat16 on a GPU that computes in it, else float32; a CPU gains nothing from less."""
    if dtype == "auto":
        is_faster = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if is_faster else torch.float32
    named = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if dtype not in named:
        raise InputError(f"dtype {dtype!r} is unknown; use auto, float32, bfloat16 or float16")
    return named[dtype]


@contextmanager
def use_threads(models: Sequence[PreTrainedModel], threads: int | None) -> Iterator[int]:
    """Let torch compute `models` with that many CPU threads inside the block; yields the number.

    None: one where all of them are small, else torch's own choice.
    """
    before = torch.get_num_threads()
    if threads is None:
        is_small = all(sum(each.numel() for each in model.parameters()) <= SMALL_PARAMETERS for model in models)
        threads = 1 if is_small else before
    torch.set_num_threads(threads)
    try:
        yield threads
    finally:
        torch.set_num_threads(before)


def load_model(folder: Path, role: Role, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    """The model in `folder`, in evaluation mode on `device`.

    Raises InputError, naming the folder, where there is no model of that role, its architecture is unknown, or weights
    are missing or not finite.
    """
    config = load_config(folder, role)
    check_role(folder, role, config)
    auto: Any = AutoModelForCausalLM if role == "policy" else AutoModelForSequenceClassification
    return load_weights(auto, folder, role, config, device, dtype)


def load_weights(
    loader: Any, folder: Path, role: Role, config: Any, device: torch.device, dtype: torch.dtype
) -> PreTrainedModel:
    """The weights in `folder` as a model of the class `loader`, in evaluation mode on `device`.

    Raises InputError, naming the folder, where they do not fit, or are missing or not finite.
    """
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model, report = loader.from_pretrained(folder, config=config, dtype=dtype, output_loading_info=True)
    except _LOAD_ERRORS as error:
        raise InputError(f"{role} folder {folder}: the weights do not load: {_first_line(error)}") from error
    if report["missing_keys"]:
        raise InputError(
            f"{role} folder {folder}: the weights lack {min(report['missing_keys'])!r}; save the whole model again"
        )
    for name, weights in model.named_parameters():
        if not torch.isfinite(weights).all():
            raise InputError(
                f"{role} folder {folder}: weight {name!r} has values that are not finite; use a checkpoint from before "
                "its training diverged"
            )
    loaded: PreTrainedModel = model.to(device).eval()
    return loaded


def load_tokenizer(folder: Path, role: Role) -> PreTrainedTokenizerBase:
    """The tokenizer in `folder`. Raises InputError where there is none."""
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise InputError(f"{role} folder {folder} has no tokenizer; save it there with tokenizer.save_pretrained")
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    except _LOAD_ERRORS as error:
        raise InputError(f"{role} folder {folder}: the tokenizer does not load: {_first_line(error)}") from error
    return tokenizer


def _devices() -> str:
    """Those that `choose_device` takes here, in words."""
    return " or ".join(["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))])


def context_limit(model: PreTrainedModel, most: int) -> int:
    """Positions that `model` can hold, at most `most`."""
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return min(most, longest) if isinstance(longest, int) and longest > 0 else most


def load_config(folder: Path, role: Role) -> Any:
    """What config.json in `folder` says, as transformers reads it. Raises InputError where it cannot be read."""
    if not folder.is_dir():
        raise InputError(f"{role} folder {folder} does not exist; give the path of a folder with a saved model")
    if not (folder / "config.json").is_file():
        raise InputError(f"{role} folder {folder} has no config.json; give the path of a folder with a saved model")
    try:
        return AutoConfig.from_pretrained(folder)
    except _LOAD_ERRORS as error:
        raise InputError(
            f"{role} folder {folder}: the architecture {_model_type(folder)} is unknown to transformers "
            f"{transformers.__version__}; use one that it knows, or update transformers"
        ) from error


def _model_type(folder: Path) -> str:
    """What config.json calls the architecture, as far as it can be read."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return repr(config.get("model_type", "(no model_type)"))
    except (OSError, ValueError, AttributeError):
        return "(config.json is not a JSON object)"


def check_role(folder: Path, role: Role, config: Any) -> None:
    """Refuse a policy where a reward model is asked for, and the reverse: both would load, with a random head."""
    names = list(getattr(config, "architectures", None) or [])
    is_scorer = any("SequenceClassification" in name for name in names)
    if role == "policy" and is_scorer:
        raise InputError(f"policy folder {folder} holds a reward model ({names[0]}); give a causal language model")
    if role == "reward model" and not is_scorer:
        what = names[0] if names else "no architecture named"
        raise InputError(
            f"reward model folder {folder} holds no value head ({what}); give a model trained by `rstar train ppm`"
        )
    if role == "reward model" and config.num_labels != 1:
        raise InputError(f"reward model folder {folder} has {config.num_labels} labels; a reward model has one")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
