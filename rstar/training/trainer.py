"""What SFT and PPM training hand to the Hugging Face trainers alike."""

from __future__ import annotations

import ctypes
import math
import os
from pathlib import Path
from typing import Any

from rstar.training.settings import TrainSettings

ADAM_BETAS = (0.9, 0.98)
"""0.98: short runs, in which the second moment must forget the start. Chosen, not tuned."""
SHORT = 1024
"""Longest `max_tokens` with plain attention on a CPU: at 6 heads a layer keeps some 25 MB of such a row."""
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Options of glibc's `mallopt`, see malloc.h."""


def trainer_arguments(settings: TrainSettings, work: Path, num_ordered: int) -> dict[str, Any]:
    """Keyword arguments of `transformers.TrainingArguments` for one pass over `num_ordered` examples as they stand.

    The examples of all epochs are laid out by `rstar.training.order`. `work` receives the checkpoints of an unfinished
    run.
    """
    steps = math.ceil(num_ordered / settings.batch)
    return {
        "output_dir": str(work),
        "num_train_epochs": 1,
        "per_device_train_batch_size": settings.batch,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.schedule,
        "warmup_steps": round(settings.warmup * steps),
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "adam_beta1": ADAM_BETAS[0],
        "adam_beta2": ADAM_BETAS[1],
        "bf16": settings.bf16,
        "use_cpu": not has_gpu(),
        "seed": settings.seed,
        "data_seed": settings.seed,
        "save_strategy": "steps" if settings.save_every else "no",
        "save_steps": settings.save_every or 500,
        "save_total_limit": 1,
        "logging_steps": 50,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": has_gpu(),
        "train_sampling_strategy": "sequential",
    }


def has_gpu() -> bool:
    """Whether torch sees a CUDA device."""
    import torch

    return bool(torch.cuda.is_available())


def use_threads(settings: TrainSettings) -> None:
    """Set the torch threads that `settings` ask for, and keep freed memory in this process where it trains on a CPU."""
    import torch

    if not has_gpu():
        _keep_freed_memory()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if settings.threads:
        torch.set_num_threads(settings.threads)


def suit_attention(model: Any, settings: TrainSettings) -> None:
    """Let a model of short sequences that is trained on a CPU compute its attention by plain matrix products.

    torch's fused kernel for the CPU takes half of the time of such a training, most of it going backwards
    (tests/benchmarks/base_training.py compares both; in float32 there is no difference). The plain one keeps
    [heads, length, length] of every layer, so long sequences stay with the fused one.
    """
    if not has_gpu() and settings.bf16 and settings.max_tokens <= SHORT:
        model.set_attn_implementation("eager")


def last_checkpoint(work: Path) -> str | None:
    """The newest checkpoint of an unfinished run in `work`, to go on from."""
    from transformers.trainer_utils import get_last_checkpoint

    if not work.is_dir():
        return None
    found: str | None = get_last_checkpoint(str(work))  # type: ignore[no-untyped-call]
    return found


def _keep_freed_memory() -> None:
    """Let glibc hand freed tensors to the next step instead of the kernel, which would have to clear every page again.

    A step of a small model frees and takes the same few hundred MB; measured on the tiny model (README's machine), a
    fifth of the time of an SFT went there. Other C libraries have no such switch, and are left as they are.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if set_option is not None:
        set_option(_MMAP_MAX, 0)
        set_option(_TRIM_THRESHOLD, 2**31 - 1)
