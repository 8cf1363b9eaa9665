"""From a model's folder to a running engine; what does not serve is refused in a second, not after half a minute."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from rstar.engines.loading import Role, check_role
from rstar.engines.stops import single_token
from rstar.engines.vllm_core import VllmCore
from rstar.engines.vllm_settings import Load, Platform, Use, VllmSettings, device_number, engine_arguments, environment
from rstar.prompts import STEP_STOPS
from tasks.types import InputError

GIB = 1 << 30


def model_context(folder: Path, config: Any, role: Role, most: int) -> int:
    """Positions that the model can hold, at most `most`. Raises InputError where it is no model of that role."""
    check_role(folder, role, config)
    longest = getattr(config.get_text_config(), "max_position_embeddings", None)
    return min(most, longest) if isinstance(longest, int) and longest > 0 else most


def check_stops(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raises InputError for a tokenizer to which the markers that end a step are no tokens.

    Such a model was not trained on the format, and writes on past the end of every step.
    """
    missing = [stop for stop in STEP_STOPS if single_token(tokenizer, stop) is None]
    if missing:
        raise InputError(
            f"policy folder {folder}: its tokenizer has no token for {', '.join(missing)}, so it was not trained on "
            "the layout rstar-sft; use --layout bootstrap, chat or cot, or a model that 'rstar train' has made"
        )


def weight_bytes(folder: Path) -> int:
    """Size of a model's weights on disk; 0 where they are in no safetensors files."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def check_fit(folder: Path, role: Role, gpu_bytes: int, share: float, num_gpus: int) -> None:
    """Raises InputError for weights that alone are more than the model's share of its GPUs, of `gpu_bytes` each."""
    needed, room = weight_bytes(folder), int(gpu_bytes * share * num_gpus)
    if needed > room:
        raise InputError(
            f"{role} folder {folder}: its weights take {needed / GIB:.1f} GiB, and its share of the GPU is "
            f"{room / GIB:.1f} GiB ({share:.0%} of {num_gpus} x {gpu_bytes / GIB:.0f}); give more with --vllm "
            "gpu_memory or ppm_gpu_memory, more GPUs with --vllm tensor_parallel, or a smaller model"
        )


def open_core(
    folder: Path,
    use: Use,
    *,
    platform: Platform,
    device: str,
    dtype: str,
    max_context_tokens: int,
    max_samples: int,
    max_new_tokens: int,
    kv_bytes: int | None,
    settings: VllmSettings,
    is_shared: bool,
) -> VllmCore:
    """The engine of the model in `folder`, ready. Raises InputError for a machine that is too small for it."""
    role: Role = "policy" if use == "policy" else "reward model"
    num_gpus = settings.tensor_parallel if use == "policy" else settings.ppm_tensor_parallel
    share = settings.memory_share(use, is_shared=is_shared)
    changes = environment(platform, device, num_gpus, os.environ)
    if platform == "cuda":
        from vllm.platforms import current_platform

        check_fit(folder, role, current_platform.get_device_total_memory(device_number(device) or 0), share, num_gpus)
    load = Load(
        folder=str(folder),
        use=use,
        platform=platform,
        dtype=dtype,
        max_context_tokens=max_context_tokens,
        max_samples=max_samples,
        kv_bytes=kv_bytes,
        memory_share=share,
        tensor_parallel=num_gpus,
        eager=settings.eager,
    )
    name = "policy engine" if use == "policy" else "reward engine"
    return VllmCore(
        name,
        engine_arguments(load),
        changes,
        max_new_tokens=min(max_new_tokens, max_context_tokens),
        max_restarts=settings.restarts,
    )
